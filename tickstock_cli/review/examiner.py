"""Examines rows of a run: the results of channel and detectors for a row, and their reasons.

An examiner has channels of its own, which process the same rows as the run, so their state before a row is that of the
run. At an examined row each detector explains the row before it scans it, so that explanation and computation can be
compared. The judgement of every row is compared with that of the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.build import build_channels, build_detectors, coordination_rules, event_kinds
from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.kinds import Kind
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.rule_verdict import Ending, RuleVerdict
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.channels import TickLookups
from tickstock_cli.errors import TickstockError
from tickstock_cli.kernels.coordination import is_redundant
from tickstock_cli.review.admission import Admission, read_admission

JUDGEMENT = ("reason", "segment", "in_session", "flags")
REDUNDANT = "coordinator.redundant"


@dataclass(frozen=True, slots=True)
class Examination:
    """The results of one row before the coordinator.

    Parameters
    ----------
    verdicts
        By detector; empty if the row reaches none.
    events
        The events of the row, as the coordinator gets them.
    kinds
        The kinds of events, by code.
    """

    record: str
    admission: Admission
    verdicts: dict[str, tuple[RuleVerdict, ...]]
    events: EventRows
    kinds: Sequence[Kind]

    def check(self) -> None:
        """Compare the verdicts with the events.

        Raises
        ------
        TickstockError
            They differ: always a bug.
        """
        told = sorted(self.kinds[code].name for code in self.events["kind"])
        fired = [
            verdict for verdicts in self.verdicts.values() for verdict in verdicts if verdict.ending is Ending.FIRED
        ]
        if sorted(verdict.kind for verdict in fired) != told:
            raise difference(f"{fired} explain {told}")


class Explainer:
    """A detector that, while ``explaining``, explains each row before it scans it."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self.channel = detector.channel
        self.counters = detector.counters
        self.events_per_row = detector.events_per_row
        self.compiled = detector.compiled
        self.explaining = False
        self.verdicts: tuple[RuleVerdict, ...] = ()

    def grow(self, tickers: int) -> None:
        self._detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        state: dict[str, NDArray[Any]] = self._detector.state()
        return state

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Scan rows as the detector does, and keep the verdicts on the last row."""
        if self.explaining:
            for place, code in enumerate(rows.groups.code):
                for i in range(rows.groups.start[place], rows.groups.start[place + 1]):
                    self.verdicts = self._detector.explain(rows, i, int(code))
        return int(self._detector.scan(rows, out, counts))


class Examiner:
    """Processes the rows of one run in channels of its own, and examines some of them.

    Parameters
    ----------
    settings
        Those of the run.
    symbols
        The run's symbol table.
    """

    def __init__(self, settings: Settings, symbols: SymbolTable) -> None:
        self._settings = settings
        self._symbols = symbols
        self._kinds = event_kinds(settings)
        self._rules = coordination_rules(settings)
        self._explainers = {name: Explainer(detector) for name, detector in build_detectors(settings).items()}
        self._channels = build_channels(settings, self._explainers)
        self._workspaces = {name: Workspace() for name in self._channels.by_name()}
        self._ledger = Ledger()

    def process(self, rows: JudgedRows) -> BatchOutcome:
        """Process the next rows that the run judged, and return their events and counts.

        Raises
        ------
        TickstockError
            The judgement of a row differs: always a bug.
        """
        if not len(rows):
            return BatchOutcome()
        batch = MergedBatch(rows.ticks.rows, rows.bars.rows, rows.fmvs.rows, 0, 0, ())
        self._grow()
        judged = JudgedRows.of(batch)
        lookups = TickLookups.of(batch)
        grouped = self._channels.group(batch, lookups, len(self._symbols), self._workspaces)
        sessions = self._channels.sessions(batch.ticks, batch.bars, batch.fmvs)
        context = self._channels.context(True, sessions, judged=judged)
        self._channels.process(batch, lookups, grouped, self._workspaces, context)
        _check_judgement(judged, rows)
        outcome = context.outcome
        self._ledger.merge(outcome.ledger.as_dict())
        redundant = sum(bool(is_redundant(event, self._rules)) for events in outcome.events for event in events)
        self._ledger.add(REDUNDANT, redundant)
        return outcome

    def examine(self, row: JudgedRows) -> Examination:
        """Examine the next row, as the run judged it.

        Raises
        ------
        TickstockError
            Its judgement differs, or the verdicts differ from the events: always a bug.
        """
        record, judged = next((record, judged) for record, judged in row.by_record().items() if len(judged))
        self._grow()
        channel, ticker = self._channels.by_name()[record], max(0, int(judged.rows.code[0]))
        before = channel.state()["admission"][ticker].copy()
        explainers = {name: explainer for name, explainer in self._explainers.items() if explainer.channel == record}
        for explainer in explainers.values():
            explainer.verdicts, explainer.explaining = (), True
        outcome = self.process(row)
        for explainer in explainers.values():
            explainer.explaining = False
        after = channel.state()["admission"][ticker]
        suspect = bool(outcome.ledger["tick.suspect"])
        admission = read_admission(record, judged, suspect, before, after, self._settings)
        verdicts = {name: explainer.verdicts for name, explainer in explainers.items() if admission.admitted}
        events = np.concatenate([np.empty(0, EVENT), *outcome.events])
        examination = Examination(record, admission, verdicts, events, self._kinds)
        examination.check()
        return examination

    def check(self, counts: Mapping[str, int]) -> None:
        """Compare the ledger of all rows processed with that of a run over them.

        Raises
        ------
        TickstockError
            They differ: always a bug.
        """
        own = {name: count for name, count in self._ledger.as_dict().items() if _is_shared(name)}
        run = {name: count for name, count in counts.items() if _is_shared(name)}
        if own != run:
            raise difference(f"{dict(own.items() - run.items())} is not {dict(run.items() - own.items())}")

    def _grow(self) -> None:
        self._channels.grow(max(1, len(self._symbols)))


def difference(words: str) -> TickstockError:
    """Return the error of an explanation that differs from the run."""
    return TickstockError(f"the explanation differs from the run, a bug: {words}")


def _is_shared(name: str) -> bool:
    """Return whether an examiner has the counter of this name, like a run."""
    return name == REDUNDANT or (not name.endswith(".read") and not name.startswith("coordinator."))


def _check_judgement(own: JudgedRows, run: JudgedRows) -> None:
    for record, judged in run.by_record().items():
        for name in JUDGEMENT:
            if hasattr(judged, name):
                mine, theirs = getattr(own.by_record()[record], name), getattr(judged, name)
                if not np.array_equal(mine, theirs):
                    place = int(np.flatnonzero(mine != theirs)[0])
                    raise difference(f"{record} {name} {mine[place]} is not {theirs[place]}")

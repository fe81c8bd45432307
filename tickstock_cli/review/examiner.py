"""Looking at one row through copies: what its channel and every detector would do, and why.

The copies are channels of their own, filled with the state of a core that stands right before the row. Their
detectors first explain the row and then scan it, so that what is explained and what is computed stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.build import build_channels, build_detectors, event_kinds
from tickstock_cli.channels.base import BatchContext, Workspace
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.kinds import Kind
from tickstock_cli.core.rule_verdict import Ending, RuleVerdict
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.channels import TickLookups
from tickstock_cli.errors import TickstockError
from tickstock_cli.review.admission import Admission, read_admission


@dataclass(frozen=True, slots=True)
class Examination:
    """What becomes of one row before the coordinator.

    Parameters
    ----------
    verdicts
        By detector; empty if the row does not get as far.
    events
        What it tells, as the coordinator would receive it.
    counts
        What it adds to the ledger.
    kinds
        The kinds of events, by code.
    """

    record: str
    admission: Admission
    verdicts: dict[str, tuple[RuleVerdict, ...]]
    events: EventRows
    counts: dict[str, int]
    kinds: Sequence[Kind]

    def check(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """Hold this against what a core made of the row, by its ledger before and after.

        Raises
        ------
        TickstockError
            They differ, or the verdicts differ from the events: always a bug.
        """
        names = [name for name in {*before, *after} if not name.endswith(".read") and not name.startswith("coord")]
        gains = {name: after.get(name, 0) - before.get(name, 0) for name in names}
        engine = {name: gain for name, gain in gains.items() if gain}
        if engine != self.counts:
            raise TickstockError(f"the explanation differs from the run, a bug: {self.counts} is not {engine}")
        told = sorted(self.kinds[code].name for code in self.events["kind"])
        fired = [
            verdict for verdicts in self.verdicts.values() for verdict in verdicts if verdict.ending is Ending.FIRED
        ]
        if sorted(verdict.kind for verdict in fired) != told:
            raise TickstockError(f"the explanation differs from the run, a bug: {fired} explain {told}")


class Explainer:
    """A detector that explains each row before it scans it."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self.channel = detector.channel
        self.counters = detector.counters
        self.events_per_row = detector.events_per_row
        self.compiled = detector.compiled
        self.verdicts: tuple[RuleVerdict, ...] = ()

    def grow(self, tickers: int) -> None:
        self._detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        state: dict[str, NDArray[Any]] = self._detector.state()
        return state

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """See ``Detector``; keeps the verdicts on the last row."""
        for place, code in enumerate(rows.groups.code):
            for i in range(rows.groups.start[place], rows.groups.start[place + 1]):
                self.verdicts = self._detector.explain(rows, i, int(code))
        return int(self._detector.scan(rows, out, counts))


class Examiner:
    """Examines rows of one run, each from the state of a core that stands right before it.

    Parameters
    ----------
    settings
        Those of the core.
    symbols
        The run's symbol table.
    """

    def __init__(self, settings: Settings, symbols: SymbolTable) -> None:
        self._settings = settings
        self._symbols = symbols
        self._kinds = event_kinds(settings)
        self._explainers = {name: Explainer(detector) for name, detector in build_detectors(settings).items()}
        self._channels = build_channels(settings, self._explainers)

    def examine(self, batch: MergedBatch, state: Mapping[str, NDArray[Any]]) -> Examination:
        """Examine a batch of one row, coming to a core with this ``state``; neither is changed."""
        name, part = next((name, part) for name, part in _parts(batch).items() if len(part))
        channel = self._channels.by_name()[name]
        self._copy(state)
        before = state[f"{name}/admission"][max(0, int(part.code[0]))].copy()
        explainers = {told: detector for told, detector in self._explainers.items() if detector.channel == name}
        for explainer in explainers.values():
            explainer.verdicts = ()
        mine = np.ones(len(self._symbols), dtype=np.bool_)
        context = self._channels.context(mine, True, self._channels.sessions(part))
        self._process(batch, context)
        counts = context.outcome.ledger.as_dict()
        after = channel.state()["admission"][max(0, int(part.code[0]))]
        admission = read_admission(name, part, before, after, context, self._settings)
        verdicts = {told: explainer.verdicts for told, explainer in explainers.items()}
        events = np.concatenate([np.empty(0, EVENT), *context.outcome.events])
        return Examination(name, admission, {} if not admission.admitted else verdicts, events, counts, self._kinds)

    def _copy(self, state: Mapping[str, NDArray[Any]]) -> None:
        tickers = len(self._symbols)
        self._channels.grow(tickers)
        for name, channel in self._channels.by_name().items():
            for key, array in channel.state().items():
                array[:tickers] = state[f"{name}/{key}"][:tickers]

    def _process(self, batch: MergedBatch, context: BatchContext) -> None:
        """Let the row's channel process it; ticks first answer what a bar or a fair value asks."""
        lookups = TickLookups.of(batch)
        answers = self._channels.process_ticks(batch.ticks, lookups.code, lookups.order, Workspace(), context)
        if len(batch.bars):
            self._channels.process_bars(batch.bars, answers, Workspace(), context)
        if len(batch.fmvs):
            self._channels.process_fmvs(batch.fmvs, answers, Workspace(), context)


def _parts(batch: MergedBatch) -> dict[str, Batch]:
    """Return a batch's rows by record type."""
    return {"tick": batch.ticks, "ohlcv": batch.bars, "fmv": batch.fmvs}

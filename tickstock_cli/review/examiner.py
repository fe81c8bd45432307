"""Looking at one row through copies: what its channel and every detector would do, and why.

The copies are channels of their own, filled with the state of a core that stands right before the row. Their
detectors first explain the row and then scan it, so that what is explained and what is computed stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.build import detector_classes, event_kinds
from tickstock_cli.channels.base import Channel, Outcome, Scratch, Turn
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import EVENT, PHASES, EventRows
from tickstock_cli.core.reading import Ending, Verdict
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import TickstockError
from tickstock_cli.kernels.admission import Guard, Sessions
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
    """

    record: str
    admission: Admission
    verdicts: dict[str, tuple[Verdict, ...]]
    events: EventRows
    counts: dict[str, int]

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
        kinds = [kind.name for kind in event_kinds()]
        told = sorted(kinds[code] for code in self.events["kind"])
        fired = [
            verdict for verdicts in self.verdicts.values() for verdict in verdicts if verdict.ending is Ending.FIRED
        ]
        if sorted(verdict.kind for verdict in fired) != told:
            raise TickstockError(f"the explanation differs from the run, a bug: {fired} explain {told}")


class Explainer:
    """A detector that explains each row before it scans it."""

    def __init__(self, detector: Any) -> None:
        self._detector = detector
        self.counters = detector.counters
        self.events_per_row = detector.events_per_row
        self.verdicts: tuple[Verdict, ...] = ()

    def grow(self, tickers: int) -> None:
        """See ``Detector``."""
        self._detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """See ``Detector``."""
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

    def __init__(self, settings: Any, symbols: SymbolTable) -> None:
        kinds = [kind.name for kind in event_kinds()]
        codes = {name: code for code, name in enumerate(kinds)}
        self._settings = settings
        self._symbols = symbols
        self._calendar = Calendar(settings.session.calendar)
        self._extremes = codes["high"], codes["low"]
        self._explainers: dict[str, dict[str, Any]] = {"tick": {}, "ohlcv": {}, "fmv": {}}
        for name, cls in detector_classes().items():
            if name in settings.detectors.enabled:
                self._explainers[cls.channel][name] = Explainer(cls(getattr(settings, name), codes))
        guard = Guard(settings.guard.outlier_percent, settings.guard.confirm_rows)
        self._tick = TickChannel(guard, self._explainers["tick"], kinds)
        self._ohlcv = OhlcvChannel(self._explainers["ohlcv"], kinds)
        self._fmv = FmvChannel(self._explainers["fmv"], kinds)

    def examine(self, batch: MergedBatch, state: Mapping[str, NDArray[Any]]) -> Examination:
        """Examine a batch of one row, coming to a core with this ``state``; neither is changed."""
        channel, part = self._channel_of(batch)
        self._copy(state)
        before = state[f"{channel.name}/admission"][max(0, int(part.code[0]))].copy()
        turn = self._turn(int(part.timestamp[0]))
        for explainer in self._explainers[channel.name].values():
            explainer.verdicts = ()
        self._process(batch, turn)
        counts = turn.outcome.ledger.as_dict()
        after = channel.state()["admission"][max(0, int(part.code[0]))]
        admission = read_admission(channel.name, part, before, after, turn, self._settings)
        verdicts = {name: explainer.verdicts for name, explainer in self._explainers[channel.name].items()}
        events = np.concatenate([np.empty(0, EVENT), *turn.outcome.events])
        return Examination(channel.name, admission, {} if not admission.admitted else verdicts, events, counts)

    def _channel_of(self, batch: MergedBatch) -> tuple[Channel, Batch]:
        channels: tuple[tuple[Channel, Batch], ...] = (
            (self._tick, batch.ticks),
            (self._ohlcv, batch.bars),
            (self._fmv, batch.fmvs),
        )
        return next((channel, part) for channel, part in channels if len(part))

    def _copy(self, state: Mapping[str, NDArray[Any]]) -> None:
        tickers = len(self._symbols)
        for channel in (self._tick, self._ohlcv, self._fmv):
            channel.grow(tickers)
            for name, array in channel.state().items():
                array[:tickers] = state[f"{channel.name}/{name}"][:tickers]

    def _turn(self, timestamp: int) -> Turn:
        table = self._calendar.table(max(1, timestamp), max(1, timestamp))
        allowed = np.array([phase in self._settings.session.phases for phase in PHASES])
        mine = np.ones(len(self._symbols), dtype=np.bool_)
        return Turn(mine, True, Sessions(table.starts, table.segments, allowed), Outcome())

    def _process(self, batch: MergedBatch, turn: Turn) -> None:
        """Let the row's channel process it; ticks first answer what a bar or a fair value asks."""
        asking: Batch = batch.bars if len(batch.bars) else batch.fmvs
        answers = self._tick.process(batch.ticks, asking.code, asking.order, Scratch(), turn)
        if len(batch.bars):
            segment = self._ohlcv.process(batch.bars, Scratch(), turn)[0]
            for events in turn.outcome.events:
                for kind, column in zip(self._extremes, ("tick_high", "tick_low"), strict=True):
                    if answers["tick_segment"][0] == segment:
                        events["rival"][events["kind"] == kind] = answers[column][0]
        if len(batch.fmvs):
            self._fmv.process(batch.fmvs, answers, Scratch(), turn)

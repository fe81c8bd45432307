"""The core: (state, batch) -> (state, events, ledger). No clock, no file, no socket.

A step, in this order:

1. grow all state to the symbol table;
2. for each worker (its own tickers only, in parallel if there are several): ticks, which also answer what bars
   and fair values ask of them; then bars; then fair values;
3. join the workers' events in merge order;
4. coordinate, release what is final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import Channel, Outcome, Rejected, Scratch, Turn
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.core.batch import Int32s, Int64s, MergedBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SHARDS, SymbolTable
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.kernels.admission import Sessions


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a step gives: released events in output order, and rejected rows in merge order."""

    events: EventRows
    rejected: tuple[Rejected, ...]


@dataclass(frozen=True, slots=True)
class Probes:
    """What bars and fair values ask of ticks.

    Ticker code and merge order of each, in merge order; and for every row, bars first, its place among them.
    """

    code: Int32s
    order: Int64s
    place: Int64s


class Worker:
    """Owns shards: the tickers whose rows it processes, and its scratch arrays."""

    def __init__(self, number: int, workers: int) -> None:
        self.number = number
        self._workers = workers
        self._mine: NDArray[np.bool_] = np.empty(0, dtype=np.bool_)
        self.scratch = {name: Scratch() for name in ("tick", "ohlcv", "fmv")}

    def grow(self, symbols: SymbolTable) -> None:
        """Learn which of the tickers met since last time are this worker's."""
        known = len(self._mine)
        if known < len(symbols):
            owner = symbols.shards(known) % np.uint8(self._workers)
            self._mine = np.concatenate([self._mine, owner == self.number])

    @property
    def mine(self) -> NDArray[np.bool_]:
        """By ticker code: whether it is this worker's."""
        return self._mine


class Core:
    """Channels and coordinator around one symbol table.

    Parameters
    ----------
    allowed_phases
        By phase code: whether ticks and fair values of it may touch state (bool, length 4).
    extreme_kinds
        Kind codes of ``high`` and ``low``, whose events from bars compete with what ticks have told.
    workers
        How many workers share the tickers; the result does not depend on it.
    executor
        Runs the workers in threads; kernels release the GIL. None runs them one after the other.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        calendar: Calendar,
        allowed_phases: NDArray[np.bool_],
        tick: TickChannel,
        ohlcv: OhlcvChannel,
        fmv: FmvChannel,
        coordinator: Coordinator,
        extreme_kinds: tuple[int, int],
        workers: int = 1,
        executor: Executor | None = None,
    ) -> None:
        if not 1 <= workers <= SHARDS:
            raise ValueError(f"workers must be 1 to {SHARDS}, was {workers}")
        self.symbols = symbols
        self.ledger = Ledger()
        self._calendar = calendar
        self._allowed = allowed_phases
        self._tick = tick
        self._ohlcv = ohlcv
        self._fmv = fmv
        self._coordinator = coordinator
        self._high, self._low = extreme_kinds
        self._workers = [Worker(number, workers) for number in range(workers)]
        self._executor = executor

    def step(self, batch: MergedBatch) -> StepResult:
        """Process one batch and give what became final."""
        if not len(batch):
            return StepResult(self._coordinator.step(np.empty(0, dtype=EVENT), batch.watermark, self.ledger), ())
        self.grow(len(self.symbols))
        sessions = self._sessions(batch)
        probes = _probes(batch)
        outcomes = list(self._map(lambda worker: self._process(worker, batch, probes, sessions), self._workers))
        events = [part for outcome in outcomes for part in outcome.events]
        for outcome in outcomes:
            self.ledger.merge(outcome.ledger.as_dict())
        self.ledger.add("tick.read", len(batch.ticks))
        self.ledger.add("ohlcv.read", len(batch.bars))
        self.ledger.add("fmv.read", len(batch.fmvs))
        released = self._coordinator.step(_in_merge_order(events), batch.watermark, self.ledger)
        return StepResult(released, tuple(part for outcome in outcomes for part in outcome.rejected))

    def finish(self) -> EventRows:
        """End the input: close all windows and give the last events."""
        return self._coordinator.finish(self.ledger)

    def interrupt(self) -> EventRows:
        """End early: give the events already emitted; what waits in open windows is counted as pending."""
        self.ledger.set("coordinator.pending", self._coordinator.pending())
        return self._coordinator.unreleased()

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers`` everywhere."""
        for part in (self._tick, self._ohlcv, self._fmv, self._coordinator):
            part.grow(tickers)
        for worker in self._workers:
            worker.grow(self.symbols)

    def known_tickers(self) -> tuple[str, ...]:
        """Give the tickers that state has room for, by code; the source may have met more already."""
        return tuple(self.symbols.tickers[: len(self._workers[0].mine)])

    def state(self) -> dict[str, NDArray[Any]]:
        """Give all state as arrays, by name."""
        parts: dict[str, Channel | Coordinator] = {
            "tick": self._tick,
            "ohlcv": self._ohlcv,
            "fmv": self._fmv,
            "coordinator": self._coordinator,
        }
        return {f"{name}/{key}": array for name, part in parts.items() for key, array in part.state().items()}

    def restore(self, arrays: dict[str, NDArray[Any]], ledger: Ledger) -> None:
        """Take over the state that ``state`` gave, for the same symbols in the same order."""
        self.grow(len(self.symbols))
        self._coordinator.restore(arrays["coordinator/held"], arrays["coordinator/unreleased"])
        for name, array in self.state().items():
            known = min(len(array), len(arrays[name]))  # either may have spare room: entries no ticker has, still blank
            array[:known] = arrays[name][:known]
        self.ledger = ledger

    def _map(self, work: Callable[[Worker], Outcome], workers: Sequence[Worker]) -> Iterable[Outcome]:
        return map(work, workers) if self._executor is None else self._executor.map(work, workers)

    def _process(self, worker: Worker, batch: MergedBatch, probes: Probes, sessions: Sessions) -> Outcome:
        turn = Turn(worker.mine, worker.number == 0, sessions, Outcome())
        answers = np.empty(0)
        if len(batch.ticks) or len(probes.code):
            told = self._tick.process(batch.ticks, probes.code, probes.order, worker.scratch["tick"], turn)
            answers = told[probes.place]
        bars = len(batch.bars)
        if bars:
            before = len(turn.outcome.events)
            segments = self._ohlcv.process(batch.bars, worker.scratch["ohlcv"], turn)
            for events in turn.outcome.events[before:]:
                self._name_rivals(events, answers[:bars], segments)
        if len(batch.fmvs):
            self._fmv.process(batch.fmvs, answers[bars:], worker.scratch["fmv"], turn)
        return turn.outcome

    def _sessions(self, batch: MergedBatch) -> Sessions:
        times = [part.timestamp for part in (batch.ticks, batch.bars, batch.fmvs) if len(part)]
        earliest = min(int(part.min()) for part in times)
        latest = max(int(part.max()) for part in times)
        table = self._calendar.table(max(earliest, 1), max(latest, 1))
        return Sessions(table.starts, table.segments, self._allowed)

    def _name_rivals(self, events: EventRows, answers: NDArray[Any], segments: Int64s) -> None:
        """Write into each extreme of a bar the price it must beat: what ticks of its segment have told."""
        rows = events["row"]
        same = answers["tick_segment"][rows] == segments[rows]
        for kind, column in ((self._high, "tick_high"), (self._low, "tick_low")):
            told = same & (events["kind"] == kind)
            events["rival"][told] = answers[column][rows[told]]


def _probes(batch: MergedBatch) -> Probes:
    order = np.concatenate([batch.bars.order, batch.fmvs.order])
    by_order = np.argsort(order, kind="stable")
    place = np.empty(len(order), dtype=np.int64)
    place[by_order] = np.arange(len(order))
    return Probes(np.concatenate([batch.bars.code, batch.fmvs.code])[by_order], order[by_order], place)


def _in_merge_order(events: Sequence[EventRows]) -> EventRows:
    """Join events; those of one row keep the order of their detectors."""
    if not events:
        return np.empty(0, dtype=EVENT)
    joined = np.concatenate(events)
    return joined[np.argsort(joined["order"], kind="stable")]

"""The core: (state, batch) -> (state, events, ledger). No clock, no file, no socket.

A step, in this order:

1. grow all state to the symbol table;
2. group the rows by ticker, unless that was done ahead, and give each worker a range of tickers;
3. for each worker (in parallel if there are several): ticks with the lookups among them; then bars; then fair values;
4. join the workers' events in merge order;
5. coordinate, and release the final events.

The running system, which decides when each channel gets its rows, uses the same parts: `channels` and `coordinate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchOutcome, Channel, Rejected
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.events import EventRows, join_events, sort_for_merge
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SHARDS, SymbolTable
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.grouping import Grouping


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step.

    Parameters
    ----------
    events
        Released events in output order.
    rejected
        Rejected rows in merge order.
    watermark
        int64 ns; no later row is available earlier, and all events emitted before it are released.
    rows
        The step's rows as the core judged them; None if no tap needs them.
    """

    events: EventRows
    rejected: tuple[Rejected, ...]
    watermark: int
    rows: JudgedRows | None = None


PAGE_BYTES = 4_096
"""The system gives memory in pieces of this size, or larger ones."""


class Core:
    """Channels and coordinator around one symbol table.

    Parameters
    ----------
    workers
        Number of workers that share the tickers of each batch; the result does not depend on it.
    executor
        Runs the workers in threads; kernels release the GIL. None runs them one after the other.
    """

    def __init__(
        self,
        symbols: SymbolTable,
        channels: Channels,
        coordinator: Coordinator,
        workers: int = 1,
        executor: Executor | None = None,
    ) -> None:
        if not 1 <= workers <= SHARDS:
            raise ValueError(f"workers must be 1 to {SHARDS}, was {workers}")
        self.symbols = symbols
        self.channels = channels
        self.ledger = Ledger()
        self._coordinator = coordinator
        self._workspaces = [{name: Workspace() for name in ("tick", "ohlcv", "fmv")} for _ in range(workers)]
        self._grouping = Grouping(channels, symbols)
        self._tickers = 0
        self._executor = executor
        self.judges_rows = False
        """Whether results have the rows as judged; set before the first step if a tap needs them."""
        channels.grow(1)
        coordinator.grow(1)
        self._blank = {name: array[:1].copy() for name, array in self.state().items()}

    def step(self, batch: MergedBatch) -> StepResult:
        """Process one batch, and return the final events and rejected rows."""
        if not len(batch):
            return StepResult(self.coordinate((), batch.watermark), (), batch.watermark, self.unjudged(batch))
        self.grow(len(self.symbols))
        sessions = self.channels.sessions(batch.ticks, batch.bars, batch.fmvs)
        judged = self.unjudged(batch)
        groups = self._grouping.take(batch)
        shares = groups.grouped.shared(groups.tickers, len(self._workspaces))

        def process(worker: int) -> BatchOutcome:
            context = self.channels.context(worker == 0, sessions, judged=judged)
            self.channels.process(batch, groups.lookups, shares[worker], self._workspaces[worker], context)
            return context.outcome

        outcomes = list(self._map(process, range(len(shares))))
        self._grouping.give_back(groups)
        self.count_read(batch)
        for outcome in outcomes:
            self.ledger.merge(outcome.ledger.as_dict())
        released = self.coordinate([part for outcome in outcomes for part in outcome.events], batch.watermark)
        rejected = tuple(part for outcome in outcomes for part in outcome.rejected)
        return StepResult(released, rejected, batch.watermark, judged)

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        """Yield batches for ``step``, each after the part of its work that needs no state; in the caller's thread."""
        return self._grouping.ahead(batches)

    def unjudged(self, batch: MergedBatch) -> JudgedRows | None:
        """Return arrays for the judgement of a batch's rows; None if no tap needs it."""
        return JudgedRows.of(batch) if self.judges_rows else None

    def count_read(self, batch: MergedBatch) -> None:
        """Count a batch's rows as read."""
        self.ledger.add("tick.read", len(batch.ticks))
        self.ledger.add("ohlcv.read", len(batch.bars))
        self.ledger.add("fmv.read", len(batch.fmvs))

    def coordinate(self, events: Sequence[EventRows], watermark: int) -> EventRows:
        """Coordinate the events of the next rows in merge order, and return the released events.

        Parameters
        ----------
        events
            In any order; those of one row in the order of their detectors.
        watermark
            int64 ns; no later event is available earlier.
        """
        return self._coordinator.step(_in_merge_order(events), watermark, self.ledger)

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which the next event can be released, if no row comes before."""
        return self._coordinator.next_release()

    def finish(self) -> EventRows:
        """End the input: close all windows, and return the last events."""
        return self._coordinator.finish(self.ledger)

    def interrupt(self) -> EventRows:
        """End early: return the events already emitted; events in open windows are counted as pending."""
        self.ledger.set("coordinator.pending", self._coordinator.pending())
        return self._coordinator.unreleased()

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers`` everywhere."""
        self.channels.grow(tickers)
        self._coordinator.grow(tickers)
        self._tickers = min(tickers, len(self.symbols))

    def reserve(self, tickers: int) -> None:
        """Make room for ``tickers``, and have its memory before the first row.

        The system gives memory when it is touched first: for a whole market that takes a tenth of a second.
        """
        self.grow(tickers)
        for array in self.state().values():
            content = array.view(np.uint8).reshape(-1)
            content[::PAGE_BYTES] |= 0  # writes what is there

    def prepare(self, batch: MergedBatch) -> None:
        """Prepare for the first step: make room for its tickers, and look up the days of its rows."""
        self.grow(len(self.symbols))
        if len(batch):
            self.channels.sessions(batch.ticks, batch.bars, batch.fmvs)

    def known_tickers(self) -> tuple[str, ...]:
        """Return the tickers that state has room for, by code; the source may have read more."""
        return tuple(self.symbols.tickers[: self._tickers])

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        parts: dict[str, Channel | Coordinator] = {**self.channels.by_name(), "coordinator": self._coordinator}
        return {f"{name}/{key}": array for name, part in parts.items() for key, array in part.state().items()}

    def restore(self, arrays: dict[str, NDArray[Any]], ledger: Ledger) -> None:
        """Set the state that ``state`` returned, for the same symbols in the same order, or the first of them."""
        self.grow(len(self.symbols))
        self._coordinator.restore(arrays["coordinator/held"], arrays["coordinator/unreleased"])
        for name, array in self.state().items():
            known = min(len(array), len(arrays[name]))  # either may have spare room: blank entries without a ticker
            array[:known] = arrays[name][:known]
            array[known:] = self._blank[name]  # of tickers that are new since that state
        self.ledger = ledger

    def forget(self, ledger: Ledger) -> None:
        """Reset all state to that before the first row; the symbols stay."""
        self.restore({name: array[:0] for name, array in self._blank.items()}, ledger)

    def _map(self, work: Callable[[int], BatchOutcome], workers: Iterable[int]) -> Iterable[BatchOutcome]:
        return map(work, workers) if self._executor is None else self._executor.map(work, workers)


def _in_merge_order(events: Sequence[EventRows]) -> EventRows:
    """Join events; those of one row keep the order of their detectors."""
    return sort_for_merge(join_events(events))

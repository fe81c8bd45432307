"""Rows in the running system: chunks of the merged input, and the part of each that an instance owns.

A chunk is a contiguous range of the merge order. Each instance gets its rows of the chunk as a `ShardChunk`. Bars and
fair values wait for the tick lookups before them, whose answers the tick parts write into the chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.batch import Batch, Int32s, Int64s, MergedBatch
from tickstock_cli.core.events import EVENT
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.core.whole_rows import take_rows
from tickstock_cli.engine.channels import Answers, TickLookups
from tickstock_cli.engine.core import StepResult
from tickstock_cli.kernels.rows import TICK_LOOKUP

BatchT = TypeVar("BatchT", bound=Batch)


@dataclass(slots=True, eq=False)
class Chunk:
    """A chunk of the input that is being processed.

    Parameters
    ----------
    received
        When the running system received it, in ns of its clock.
    schedule
        When each row is due, if the input is paced. None: latencies count from ``received``.
    judged
        Takes the judgement of the rows, where a tap wants it.
    """

    batch: MergedBatch
    received: int
    schedule: Schedule | None
    answers: Answers
    judged: JudgedRows | None = None
    parts_left: int = 0
    ticks_left: int = 0
    ticks_done: asyncio.Event = field(default_factory=asyncio.Event)
    published: asyncio.Event = field(default_factory=asyncio.Event)
    result: StepResult = field(default_factory=lambda: StepResult(np.empty(0, dtype=EVENT), (), 0))
    """The result of its step, once it is published."""

    @classmethod
    def of(
        cls, batch: MergedBatch, received: int, schedule: Schedule | None, judged: JudgedRows | None = None
    ) -> Chunk:
        """Return a chunk whose parts are not routed yet."""
        answers = np.zeros(len(batch.bars) + len(batch.fmvs), dtype=TICK_LOOKUP)
        return cls(batch, received, schedule, answers, judged)

    def end(self, result: StepResult) -> None:
        """Set its result, and mark it as published."""
        self.result = result
        self.published.set()

    def due(self, market: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when rows of these market times were due, in ns of the clock."""
        if self.schedule is None:
            return np.full(len(market), self.received, dtype=np.int64)
        return self.schedule.due_times(market).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ShardChunk:
    """One instance's rows of a chunk.

    Parameters
    ----------
    rows
        In merge order; for ticks possibly none, if the part only answers lookups of other channels.
    asked_code, asked_order
        Ticks only: the lookups of the chunk's bars and fair values, by ticker code and rising merge order.
    slots
        Indices into the chunk's answers: of each lookup (ticks), or of each row (bars, fair values).
    """

    chunk: Chunk
    record: str
    rows: Batch
    asked_code: Int32s
    asked_order: Int64s
    slots: Int64s

    def __len__(self) -> int:
        return len(self.rows)

    def answers(self) -> Answers:
        """Return the answer for each row; called after the ticks of the chunk are processed."""
        return take_rows(self.chunk.answers, self.slots)

    def split(self, moving: NDArray[np.bool_]) -> tuple[ShardChunk, ShardChunk]:
        """Return the parts that stay and move; ``moving`` is by code, its last entry for rows without a ticker."""
        return self.where(~moving), self.where(moving)

    def cut(self, rows: int) -> tuple[ShardChunk, ShardChunk]:
        """Return the first ``rows`` rows with the lookups before the next row, and the rest; both have rows."""
        begin, end = slice(0, rows), slice(rows, len(self.rows))
        if self.record == "tick":
            asked = int(np.searchsorted(self.asked_order, self.rows.order[rows]))
            first, rest = slice(0, asked), slice(asked, len(self.asked_order))
            codes, orders = self.asked_code, self.asked_order
            return (
                ShardChunk(
                    self.chunk, self.record, self.rows.take(begin), codes[first], orders[first], self.slots[first]
                ),
                ShardChunk(self.chunk, self.record, self.rows.take(end), codes[rest], orders[rest], self.slots[rest]),
            )
        asks = self.asked_code, self.asked_order
        return (
            ShardChunk(self.chunk, self.record, self.rows.take(begin), *asks, self.slots[begin]),
            ShardChunk(self.chunk, self.record, self.rows.take(end), *asks, self.slots[end]),
        )

    def where(self, chosen: NDArray[np.bool_]) -> ShardChunk:
        """Return the rows of some tickers; ``chosen`` is by ticker code, like ``moving`` in ``split``."""
        rows = np.flatnonzero(chosen[self.rows.code])
        if self.record != "tick":
            return ShardChunk(
                self.chunk, self.record, self.rows.take(rows), self.asked_code, self.asked_order, self.slots[rows]
            )
        asked = np.flatnonzero(chosen[self.asked_code])
        return ShardChunk(
            self.chunk,
            self.record,
            self.rows.take(rows),
            self.asked_code[asked],
            self.asked_order[asked],
            self.slots[asked],
        )

    def counted(self) -> None:
        """Add it to the parts of its chunk that are not processed yet."""
        self.chunk.parts_left += 1
        self.chunk.ticks_left += self.record == "tick"

    def ended(self) -> None:
        """Remove it from the parts of its chunk that are not processed yet."""
        self.chunk.parts_left -= 1
        if self.record == "tick":
            self.chunk.ticks_left -= 1
            if not self.chunk.ticks_left:
                self.chunk.ticks_done.set()

    @property
    def empty(self) -> bool:
        """Whether it has neither rows nor lookups."""
        return not len(self.rows) and not len(self.asked_code)


NOTHING_ASKED = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)


def whole_parts(chunk: Chunk) -> list[ShardChunk]:
    """Return a chunk as one part per record type that has rows or lookups; ticks first."""
    batch = chunk.batch
    lookups = TickLookups.of(batch)
    by_order = np.argsort(lookups.place, kind="stable")
    bars = len(batch.bars)
    slots = np.arange(bars + len(batch.fmvs))
    parts = [
        ShardChunk(chunk, "tick", batch.ticks, lookups.code, lookups.order, by_order),
        ShardChunk(chunk, "ohlcv", batch.bars, *NOTHING_ASKED, slots[:bars]),
        ShardChunk(chunk, "fmv", batch.fmvs, *NOTHING_ASKED, slots[bars:]),
    ]
    return [part for part in parts if not part.empty]


def joined(batches: Sequence[BatchT]) -> BatchT:
    """Return rows of one type joined in merge order."""
    first = batches[0]
    if len(batches) == 1:
        return first
    columns = {
        column.name: np.concatenate([getattr(batch, column.name) for batch in batches]) for column in fields(first)
    }
    whole = type(first)(**columns)
    return whole if rises(whole.order) else whole.take(np.argsort(whole.order, kind="stable"))


def rises(order: Int64s) -> bool:
    """Return whether the merge order rises."""
    return bool((order[1:] > order[:-1]).all())

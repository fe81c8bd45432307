"""Rows under way in the runtime: chunks of the merged input, and the parts of them that instances own.

A chunk is a contiguous range of the merge order. Each instance gets its rows of it as a `ShardChunk`. Bars and fair
values wait for the lookups of the ticks before them, which the tick parts write into their chunk.
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
from tickstock_cli.engine.channels import Answers, TickLookups
from tickstock_cli.engine.core import StepResult
from tickstock_cli.engine.schedule import Schedule
from tickstock_cli.kernels.rows import TICK_LOOKUP

BatchT = TypeVar("BatchT", bound=Batch)


@dataclass(slots=True, eq=False)
class Chunk:
    """A chunk of the input under way.

    Parameters
    ----------
    received
        When the runtime got it, in ns of its clock.
    schedule
        Where the input is paced: says when each row was due. None: latencies count from ``received``.
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
    """What became final with it, once it is published."""

    @classmethod
    def of(
        cls, batch: MergedBatch, received: int, schedule: Schedule | None, judged: JudgedRows | None = None
    ) -> Chunk:
        """Return a chunk whose parts are not routed yet."""
        answers = np.zeros(len(batch.bars) + len(batch.fmvs), dtype=TICK_LOOKUP)
        return cls(batch, received, schedule, answers, judged)

    def end(self, result: StepResult) -> None:
        """Be published, with what became final."""
        self.result = result
        self.published.set()

    def due(self, market: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return for market times of its rows when, by the clock, they should have been here."""
        if self.schedule is None:
            return np.full(len(market), self.received, dtype=np.int64)
        return self.schedule.due_times(market).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class ShardChunk:
    """One instance's rows of a slice.

    Parameters
    ----------
    rows
        In merge order; for ticks there may be none, if only questions of other channels are to be answered.
    asked_code, asked_order
        Ticks only: what bars and fair values of the slice ask, by ticker code and rising merge order.
    slots
        Places in the slice's answers: of what is asked (ticks), or of each row (bars, fair values).
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
        """Return the answers to each row; the ticks of the slice have been processed."""
        return self.chunk.answers[self.slots]

    def split(self, moving: NDArray[np.bool_]) -> tuple[ShardChunk, ShardChunk]:
        """Return what stays and what moves; ``moving`` tells it by ticker code, the last entry for rows without one."""
        return self.where(~moving), self.where(moving)

    def cut(self, rows: int) -> tuple[ShardChunk, ShardChunk]:
        """Return the first ``rows`` rows, with what is asked before the next one, and the rest; both hold rows."""
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
        """Return the rows of some tickers; ``chosen`` as ``moving`` in ``split``."""
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
        """Count it as a part of its slice that is to be processed."""
        self.chunk.parts_left += 1
        self.chunk.ticks_left += self.record == "tick"

    def ended(self) -> None:
        """Count it as done with."""
        self.chunk.parts_left -= 1
        if self.record == "tick":
            self.chunk.ticks_left -= 1
            if not self.chunk.ticks_left:
                self.chunk.ticks_done.set()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to do."""
        return not len(self.rows) and not len(self.asked_code)


NOTHING_ASKED = np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64)


def whole_parts(chunk: Chunk) -> list[ShardChunk]:
    """Return a slice as one part per record type that has anything to do; ticks first."""
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
    """Join rows of one type; they stand in merge order afterwards."""
    first = batches[0]
    if len(batches) == 1:
        return first
    columns = {
        column.name: np.concatenate([getattr(batch, column.name) for batch in batches]) for column in fields(first)
    }
    whole = type(first)(**columns)
    return whole if rises(whole.order) else whole.take(np.argsort(whole.order, kind="stable"))


def rises(order: Int64s) -> bool:
    """Return whether merge orders rise."""
    return bool((order[1:] > order[:-1]).all())

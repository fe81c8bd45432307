"""Blocks: consecutive events, the unit that the log keeps in memory and writes to disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

BLOCK_BYTES = 16_384
"""Overhead of a block: Python and Arrow objects of some twenty columns. Measured: 12 to 18 kB."""


@dataclass(frozen=True)
class Block:
    """Events with the sequence numbers ``first``, ``first + 1`` … Immutable, at least one row."""

    first: int
    events: pa.RecordBatch

    @property
    def rows(self) -> int:
        """Number of events."""
        return self.events.num_rows

    @property
    def next(self) -> int:
        """Sequence number behind the last event."""
        return self.first + self.events.num_rows

    @cached_property
    def size(self) -> int:
        """Bytes of the values."""
        return pa.ipc.get_record_batch_size(self.events)

    @property
    def footprint(self) -> int:
        """Approximate bytes of memory."""
        return self.size + BLOCK_BYTES


def own(events: pa.RecordBatch) -> pa.RecordBatch:
    """Return events that share no memory with a much larger batch: a few rows of one are copied."""
    size = pa.ipc.get_record_batch_size(events)
    if events.get_total_buffer_size() <= 2 * size + BLOCK_BYTES:
        return events
    return pa.ipc.read_record_batch(events.serialize(), events.schema)


def concatenated(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of one or more batches as one batch; a single batch is returned unchanged."""
    if len(batches) == 1:
        return batches[0]
    whole: pa.RecordBatch = pa.concat_batches(batches)  # type: ignore[attr-defined]  # the stubs lack it
    return whole


def joined(blocks: Sequence[Block]) -> Block:
    """Return consecutive blocks as one block."""
    return Block(blocks[0].first, concatenated([block.events for block in blocks]))


def folded(blocks: Sequence[Block]) -> list[Block]:
    """Join the last blocks until each block is at least twice as long as the next one.

    Without it, appends of single events leave thousands of blocks: each has an overhead of kilobytes, and every
    reader visits each. Folding leaves about log2(rows) blocks and copies a row at most that many times.
    """
    begin = len(blocks) - 1
    rows = blocks[-1].rows
    while begin and blocks[begin - 1].rows < 2 * rows:
        begin -= 1
        rows += blocks[begin].rows
    return [*blocks[:begin], joined(blocks[begin:])]

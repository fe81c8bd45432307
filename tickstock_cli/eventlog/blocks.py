"""Blocks: events that follow one another, the unit in which the log keeps, writes and filters them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.eventlog.filters import Filter

KEY_BYTES_PER_ROW = 12
"""Three codes of 32 bits, made when a block is first filtered."""
BLOCK_BYTES = 16_384
"""Around the values of a block: Python and Arrow objects of some twenty columns. Measured: 12 to 18 kB."""


class Coded(NamedTuple):
    """A column of strings as places in a list of the different ones."""

    names: list[str]
    codes: NDArray[np.int32]

    def among(self, wanted: frozenset[str], start: int, stop: int) -> NDArray[np.bool_]:
        """Tell which of the rows ``[start, stop)`` hold a wanted string."""
        # Once per different string, in a set of Python's: is_in of Arrow hashes all that is wanted in every call,
        # which for a universe of thousands of tickers costs ten times as much as the rest of a read.
        hits = np.fromiter((name in wanted for name in self.names), np.bool_, len(self.names))
        return hits[self.codes[start:stop]]


class Keys(NamedTuple):
    """The columns that filters look at."""

    kinds: Coded
    tickers: Coded
    sources: Coded
    priorities: NDArray[np.int8]


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
        """Bytes of its values."""
        return pa.ipc.get_record_batch_size(self.events)

    @property
    def footprint(self) -> int:
        """Bytes of memory that it takes, about."""
        return self.size + self.rows * KEY_BYTES_PER_ROW + BLOCK_BYTES

    @cached_property
    def keys(self) -> Keys:
        """What filters look at: made once, for all readers. Two threads may both make it, to the same effect."""
        return Keys(
            _coded(self.events.column("kind")),
            _coded(self.events.column("ticker")),
            _coded(self.events.column("source")),
            self.events.column("priority").to_numpy(),
        )

    def passing(self, where: Filter, start: int, stop: int) -> NDArray[np.intp]:
        """Return the rows in ``[start, stop)`` that pass a filter, as places in the block, ascending."""
        passes = np.ones(stop - start, np.bool_)
        if where.kinds is not None:
            passes &= self.keys.kinds.among(where.kinds, start, stop)
        if where.sources is not None:
            passes &= self.keys.sources.among(where.sources, start, stop)
        if where.max_priority is not None:
            passes &= self.keys.priorities[start:stop] <= where.max_priority
        if where.tickers is not None:
            passes &= self.keys.tickers.among(where.tickers, start, stop)
        return np.flatnonzero(passes) + start


def _coded(column: Any) -> Coded:
    encoded = column.dictionary_encode()
    return Coded(encoded.dictionary.to_pylist(), encoded.indices.to_numpy())


def own(events: pa.RecordBatch) -> pa.RecordBatch:
    """Return events that keep no memory alive but their own: a few rows of a large batch are copied out of it."""
    size = pa.ipc.get_record_batch_size(events)
    if events.get_total_buffer_size() <= 2 * size + BLOCK_BYTES:
        return events
    return pa.ipc.read_record_batch(events.serialize(), events.schema)


def concatenated(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of one or more batches as one; a single one is given as it is."""
    if len(batches) == 1:
        return batches[0]
    whole: pa.RecordBatch = pa.concat_batches(batches)  # type: ignore[attr-defined]  # the stubs lack it
    return whole


def joined(blocks: Sequence[Block]) -> Block:
    """Return blocks that follow one another as one."""
    return Block(blocks[0].first, concatenated([block.events for block in blocks]))


def folded(blocks: Sequence[Block]) -> list[Block]:
    """Join blocks at the end until each is at least twice as long as the next one.

    Appends of single events would else leave thousands of blocks, each with an overhead of kilobytes and each to be
    looked at by every reader. So there are about log2(rows), and a row is copied as often at most.
    """
    begin = len(blocks) - 1
    rows = blocks[-1].rows
    while begin and blocks[begin - 1].rows < 2 * rows:
        begin -= 1
        rows += blocks[begin].rows
    return [*blocks[:begin], joined(blocks[begin:])]

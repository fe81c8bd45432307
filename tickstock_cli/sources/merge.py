"""Merges any number of streams by (available time, rank of the stream, row) in bounded memory.

1. Every stream has a buffer of rows. A stream that begins later, as its bounds show, stays closed until then.
2. The frontier is the smallest (last available time in the buffer, rank) of the streams that have not ended.
   No later row precedes it: the times of a stream never descend, and equal times are ordered by rank.
3. All buffered rows up to the frontier are therefore complete: they are merged and emitted.
4. Buffers that are half empty are filled again. The buffer of the frontier is empty, so every round makes progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.merge import merge_runs
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.stream import Stream

AnyBatch = TypeVar("AnyBatch", bound=Batch)

BUFFERED_ROWS = 1 << 20
MOST_CHUNK_ROWS, FEWEST_CHUNK_ROWS = 1 << 16, 1 << 10
MOST_LONE_CHUNK_ROWS = 1 << 18


def chunk_rows(streams: int, batch_rows: int = 0) -> int:
    """Return how many rows each stream decodes at once, so that buffers stay bounded.

    A single stream decodes as many rows as a step has (``batch_rows``): its chunks are steps, without copies.
    """
    if streams == 1 and batch_rows > MOST_CHUNK_ROWS:
        return min(batch_rows, MOST_LONE_CHUNK_ROWS)
    return max(FEWEST_CHUNK_ROWS, min(MOST_CHUNK_ROWS, BUFFERED_ROWS // max(1, streams)))


@dataclass(frozen=True, slots=True)
class Emission:
    """Merged rows: one batch per record type with rows.

    ``places`` holds, per batch, the positions of its rows among all ``rows``: int64, ascending; None = all positions.
    """

    batches: Sequence[Batch]
    places: Sequence[Int64s | None]
    rows: int


def join(batches: Sequence[AnyBatch]) -> AnyBatch:
    """Return batches of one type as one. Columns that share an array in all batches share one in the result."""
    if len(batches) == 1:
        return batches[0]
    joined: dict[tuple[int, ...], NDArray[Any]] = {}
    columns = []
    for field in fields(batches[0]):
        pieces = [getattr(batch, field.name) for batch in batches]
        key = tuple(map(id, pieces))
        if key not in joined:
            joined[key] = frozen(np.concatenate(pieces))
        columns.append(joined[key])
    return type(batches[0])(*columns)


def split(batch: AnyBatch, row: int) -> tuple[AnyBatch, AnyBatch]:
    """Return the rows before ``row`` and those from it on, as views. Columns that share an array still share it."""
    return _view(batch, slice(0, row)), _view(batch, slice(row, None))


def _view(batch: AnyBatch, rows: slice) -> AnyBatch:
    views: dict[int, NDArray[Any]] = {}
    columns = [getattr(batch, field.name) for field in fields(batch)]
    return type(batch)(*(views.setdefault(id(column), column[rows]) for column in columns))


class _Buffer:
    """Rows that are read from one stream and not emitted yet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._batches: list[Batch] = []
        self.rows = 0
        self.is_open = False
        self.ended = False
        self.first = MAX_NS
        self.last = stream.earliest

    def fill(self, rows: int) -> None:
        """Read until there are ``rows`` rows or the stream ends."""
        self.is_open = True
        while self.rows < rows and not self.ended:
            batch = self._stream.read()
            if batch is None:
                self.ended = True
                return
            if not self._batches:
                self.first = int(batch.available_at[0])
            self._batches.append(batch)
            self.rows += len(batch)
            self.last = int(batch.available_at[-1])

    def take(self, time: int, side: str) -> list[Batch]:
        """Return the rows before ``time`` (side "left") or up to it (side "right")."""
        taken: list[Batch] = []
        while self._batches:
            batch = self._batches[0]
            if batch.available_at[-1] < time or (side == "right" and batch.available_at[-1] == time):
                taken.append(self._batches.pop(0))
                continue
            cut = int(np.searchsorted(batch.available_at, time, side=side))  # type: ignore[call-overload]  # a literal
            if cut:
                head, self._batches[0] = split(batch, cut)
                taken.append(head)
            break
        self.rows -= sum(map(len, taken))
        self.first = int(self._batches[0].available_at[0]) if self._batches else MAX_NS
        return taken

    def take_all(self) -> list[Batch]:
        """Return every buffered row."""
        taken, self._batches = self._batches, []
        self.rows = 0
        self.first = MAX_NS
        return taken

    def close(self) -> None:
        self._stream.close()


def merged(streams: Sequence[Stream]) -> Iterator[Emission]:
    """Merge streams, and close them at the end. A stream's rank is its place in ``streams``."""
    buffers = [_Buffer(stream) for stream in streams]
    try:
        if len(buffers) == 1:
            yield from _single(buffers[0])
        else:
            yield from _merge_all(buffers)
    finally:
        for buffer in buffers:
            buffer.close()


def _single(buffer: _Buffer) -> Iterator[Emission]:
    while not buffer.ended:
        buffer.fill(1)
        for batch in buffer.take_all():
            yield Emission([batch], [None], len(batch))


def _merge_all(buffers: list[_Buffer]) -> Iterator[Emission]:
    enough = chunk_rows(len(buffers))
    going = list(range(len(buffers)))
    while True:
        for rank in going:
            buffer = buffers[rank]
            if buffer.is_open and buffer.rows * 2 <= enough:
                buffer.fill(enough)
        going = [rank for rank in going if not buffers[rank].ended]
        frontier = min(going, key=lambda rank: (buffers[rank].last, rank), default=None)
        if frontier is not None and not buffers[frontier].is_open:
            buffers[frontier].fill(enough)
            continue
        taken = _up_to(buffers, frontier)
        if taken:
            yield merge_runs_of_types(taken)
        if frontier is None:
            return


def _up_to(buffers: list[_Buffer], frontier: int | None) -> list[list[Batch]]:
    """Return the complete rows of every stream, in the order of rank."""
    if frontier is None:
        return [taken for buffer in buffers if (taken := buffer.take_all())]
    time = buffers[frontier].last
    return [
        taken
        for rank, buffer in enumerate(buffers)
        if buffer.first <= time and (taken := buffer.take(time, "right" if rank <= frontier else "left"))
    ]


def merge_runs_of_types(taken: Sequence[Sequence[Batch]]) -> Emission:
    """Return sorted runs of rows as one emission, in the order of (available time, run, row).

    Parameters
    ----------
    taken
        The pieces of each run, at least one; runs of one type follow one another.
    """
    runs = [join(pieces) for pieces in taken]
    if len(runs) == 1:
        return Emission(runs, [None], len(runs[0]))
    starts = np.cumsum([0, *map(len, runs)], dtype=np.int64)
    rows = np.empty(starts[-1], dtype=np.int64)
    merge_runs(frozen(np.concatenate([run.available_at for run in runs])), frozen(starts), rows)
    batches: list[Batch] = []
    places: list[Int64s | None] = []
    for first, behind in _type_runs([type(run) for run in runs]):
        low, high = starts[first], starts[behind]
        mine = np.flatnonzero((rows >= low) & (rows < high))
        batch = join(runs[first:behind])
        batches.append(batch if behind - first == 1 else reorder(batch, rows[mine] - low))
        places.append(frozen(mine))
    return Emission(batches, places, len(rows))


def _type_runs(kinds: Sequence[type[Batch]]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of equal types."""
    first = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] is not kinds[first]:
            yield first, place
            first = place


def reorder(batch: AnyBatch, rows: Int64s) -> AnyBatch:
    """Return the rows of a batch in another order, as copies."""
    taken = batch.take(rows)
    for field in fields(taken):
        frozen(getattr(taken, field.name))
    return taken

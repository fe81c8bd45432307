"""Merges any number of streams by (available time, origin) in bounded memory.

The order of origins is that of record types, then files, then rows, so it decides between rows of the same time.

1. Streams are opened when the merge reaches the earliest time they can have rows of. An open one has a buffer of rows.
2. The frontier is the smallest last row in a buffer, of the streams that have not ended. No later row precedes it: the
   rows of a stream are in the merge order.
3. All buffered rows up to the frontier are therefore complete: they are merged and emitted.
4. Buffers that are half empty are filled again. The buffer of the frontier is empty, so every round makes progress.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.kernels.merge import merge_runs
from tickstock_cli.kernels.sort import sort_rows
from tickstock_cli.sources.batches import join, reorder, split
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.stream import Stream

BUFFERED_ROWS = 1 << 20
MOST_CHUNK_ROWS, FEWEST_CHUNK_ROWS = 1 << 16, 1 << 10
MOST_LONE_CHUNK_ROWS = 1 << 18
MOST_MERGED_RUNS = 3
"""More runs are sorted, which takes no longer for more of them."""


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


class Waiting(Protocol):
    """Streams that are not open yet."""

    @property
    def earliest(self) -> int | None:
        """A lower bound of the available times of all their rows (int64 ns); None if no stream is left."""

    def open(self) -> Stream:
        """Open and return the next stream, which has no row before ``earliest``."""

    def close(self) -> None:
        """Close the open files."""


class AtOnce:
    """Streams that are opened at the start.

    Parameters
    ----------
    earliest
        A lower bound of the available times of their rows (int64 ns).
    """

    def __init__(self, streams: Sequence[Stream], earliest: int) -> None:
        self._streams = list(streams)
        self._earliest = earliest

    @property
    def earliest(self) -> int | None:
        return self._earliest if self._streams else None

    def open(self) -> Stream:
        return self._streams.pop()

    def close(self) -> None:
        for stream in self._streams:
            stream.close()


class _Buffer:
    """Rows that are read from one stream and not emitted yet."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._batches: list[Batch] = []
        self.rows = 0
        self.ended = False
        self.last = (0, 0)
        """Available time and origin of the last row."""

    def fill(self, rows: int) -> None:
        """Read until there are ``rows`` rows or the stream ends."""
        while self.rows < rows and not self.ended:
            batch = self._stream.read()
            if batch is None:
                self.ended = True
                self._stream.close()
                return
            self._batches.append(batch)
            self.rows += len(batch)
            self.last = _last_of(batch)

    def take(self, frontier: tuple[int, int]) -> list[Batch]:
        """Return the rows up to the frontier."""
        if self.last <= frontier:
            return self.take_all()
        taken: list[Batch] = []
        while self._batches:
            batch = self._batches[0]
            if _last_of(batch) <= frontier:
                taken.append(self._batches.pop(0))
                continue
            if cut := _rows_up_to(batch, *frontier):
                head, self._batches[0] = split(batch, cut)
                taken.append(head)
            break
        self.rows -= sum(map(len, taken))
        return taken

    def take_all(self) -> list[Batch]:
        """Return every buffered row."""
        taken, self._batches = self._batches, []
        self.rows = 0
        return taken

    def close(self) -> None:
        self._stream.close()


def merged(waiting: Sequence[Waiting]) -> Iterator[Emission]:
    """Merge streams, and close them at the end."""
    buffers: list[_Buffer] = []
    try:
        yield from _merge_all(waiting, buffers)
    finally:
        for buffer in buffers:
            buffer.close()
        for each in waiting:
            each.close()


def _merge_all(waiting: Sequence[Waiting], buffers: list[_Buffer]) -> Iterator[Emission]:
    while True:
        enough = chunk_rows(len(buffers))
        for buffer in buffers:
            if buffer.rows * 2 <= enough:
                buffer.fill(enough)
        buffers[:] = [buffer for buffer in buffers if buffer.rows or not buffer.ended]
        frontier = min((buffer.last for buffer in buffers if not buffer.ended), default=None)
        reached = frontier or max((buffer.last for buffer in buffers), default=None)
        if (next_one := _first_needed(waiting, reached)) is not None:
            buffers.append(_Buffer(next_one.open()))
            continue
        if not buffers:
            return
        runs = [buffer.take_all() if frontier is None else buffer.take(frontier) for buffer in buffers]
        runs = [pieces for pieces in runs if pieces]
        if len(runs) == 1:
            for piece in runs[0]:
                yield Emission([piece], [None], len(piece))
        elif runs:
            yield merge_runs_of_types(sorted(runs, key=lambda pieces: int(pieces[0].origin[0])))


def _first_needed(waiting: Sequence[Waiting], reached: tuple[int, int] | None) -> Waiting | None:
    """Return whose next stream can have rows up to the last one reached; None if there is none."""
    earliest = [(each.earliest, place) for place, each in enumerate(waiting)]
    first, place = min(((time, place) for time, place in earliest if time is not None), default=(None, 0))
    return waiting[place] if first is not None and (reached is None or first <= reached[0]) else None


def _last_of(batch: Batch) -> tuple[int, int]:
    return int(batch.available_at[-1]), int(batch.origin[-1])


def _rows_up_to(batch: Batch, time: int, origin: int) -> int:
    """Return the number of rows up to a time and, where they have that time, an origin."""
    before = int(np.searchsorted(batch.available_at, time))
    until = int(np.searchsorted(batch.available_at, time, side="right"))
    return before + int(np.searchsorted(batch.origin[before:until], origin, side="right"))


def merge_runs_of_types(taken: Sequence[Sequence[Batch]]) -> Emission:
    """Return sorted runs of rows as one emission, in the order of (available time, origin).

    Parameters
    ----------
    taken
        The pieces of each run, at least one; runs of one type follow one another.
    """
    runs = [join(pieces) for pieces in taken]
    if len(runs) == 1:
        return Emission(runs, [None], len(runs[0]))
    starts = np.cumsum([0, *map(len, runs)], dtype=np.int64)
    times = frozen(np.concatenate([run.available_at for run in runs]))
    origins = frozen(np.concatenate([run.origin for run in runs]))
    rows = _in_order(times, origins, starts)
    batches: list[Batch] = []
    places: list[Int64s | None] = []
    for first, behind in _type_runs([type(run) for run in runs]):
        low, high = starts[first], starts[behind]
        whole = behind - first == len(runs)
        mine = None if whole else frozen(np.flatnonzero((rows >= low) & (rows < high)))
        batch = join(runs[first:behind])
        order = rows if mine is None else rows[mine] - low
        batches.append(batch if behind - first == 1 else reorder(batch, order))
        places.append(mine)
    return Emission(batches, places, len(rows))


def _in_order(times: Int64s, origins: Int64s, starts: Int64s) -> Int64s:
    """Return the rows of sorted runs in the order of (time, origin)."""
    if len(starts) - 1 > MOST_MERGED_RUNS:
        return sort_rows(times, origins, frozen(starts[:-1].copy()), frozen(starts[1:].copy()))
    rows = np.empty(len(times), dtype=np.int64)
    merge_runs(times, origins, frozen(starts), rows)
    return rows


def _type_runs(kinds: Sequence[type[Batch]]) -> Iterator[tuple[int, int]]:
    """Yield begin and end of each run of equal types."""
    first = 0
    for place in range(1, len(kinds) + 1):
        if place == len(kinds) or kinds[place] is not kinds[first]:
            yield first, place
            first = place

"""Gathers the rows of many files into sorted runs, so that the merge has few streams, however many files there are.

A file is read when the merge reaches its first row, together with the next ones that fill a run, and no reader stays
open: a small file is read whole, a large one by row groups. Runs are held in memory if those that overlap have room
there; the others are written to temporary files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import DTYPES, ORIGIN_ROW_BITS, Batch, Int64s
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.kernels.origins import stretches_of_files
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.plan import Spans, clusters
from tickstock_cli.sources.runs import GatheredRun, store
from tickstock_cli.sources.slabs import Pieces
from tickstock_cli.sources.sort import SortedStream
from tickstock_cli.sources.stream import FileStream, Stream
from tickstock_cli.sources.together import SmallFiles

HELD_BYTES = 240 << 20
"""Most memory of all held runs together; a tick has 29 bytes, or 45 if its available time or origin must be held."""
RUN_BYTES = 96 << 20
"""Memory of a run, if those that overlap cannot all be held."""
FEWEST_ROWS = 1 << 18
"""Files of later times are added to a run until it has so many rows."""
PART_ROWS = 1 << 16
"""Rows that are read of a file at least, before another one has its turn."""


class HeldMemory:
    """Memory of all held runs together."""

    def __init__(self) -> None:
        self._free = HELD_BYTES

    def hold(self, run: GatheredRun, size: int) -> bool:
        """Reserve ``size`` bytes until a run is closed; return False if there is not enough."""
        if size > self._free:
            return False
        self._free -= size
        run.on_close(lambda: self._release(size))
        return True

    def _release(self, size: int) -> None:
        self._free += size


class Gathering:
    """The files of one record type that are gathered.

    Parameters
    ----------
    kind
        Class of their batches.
    files
        Their numbers.
    spans
        Their bounds and numbers of rows.
    open_stream
        Opens the stream of a file by its number.
    small
        Reads small files together.
    chunk_rows
        Rows that runs return at once.
    is_plain
        Whether files are probably read whole and in their order, so that neither available times nor origins are held.
    """

    def __init__(
        self,
        kind: type[Batch],
        files: Int64s,
        spans: Spans,
        open_stream: Callable[[int], FileStream | SortedStream],
        small: SmallFiles,
        held: HeldMemory,
        temporary: TemporaryFolder,
        chunk_rows: int,
        is_plain: bool,
    ) -> None:
        by_start = np.argsort(spans.starts, kind="stable")
        self._kind = kind
        self._files: list[int] = files[by_start].tolist()
        self._starts: list[int] = spans.starts[by_start].tolist()
        self._rows_before = np.cumsum([0, *spans.rows[by_start]])
        self._cluster_ends = clusters(spans.starts[by_start], spans.ends[by_start])
        self._next = 0
        self._begun: list[tuple[int, int, FileStream | SortedStream]] = []
        """Earliest time, number and stream of the files with row groups left: a heap."""
        self._runs: list[Stream] = []
        self._runs_earliest = 0
        self._open_stream = open_stream
        self._small = small
        self._one_by_one = 0
        """Files before this one have streams of their own."""
        self._beside = 1
        """Runs whose rows overlap in time, about, if they are stored."""
        self._held = held
        self._temporary = temporary
        self._chunk_rows = chunk_rows
        left_out = ("order", "origin", "available_at") if is_plain else ("order",)
        self._row_bytes = sum(DTYPES[field.name].itemsize for field in fields(kind) if field.name not in left_out)

    @property
    def earliest(self) -> int | None:
        if self._runs:
            return self._runs_earliest
        earliest = [self._begun[0][0]] if self._begun else []
        if self._next < len(self._files):
            earliest.append(self._starts[self._next])
        return min(earliest, default=None)

    def open(self) -> Stream:
        """Return the next run, after files were read if there is none."""
        if not self._runs:
            earliest = self.earliest
            assert earliest is not None
            self._runs_earliest = earliest
            self._gather()
        return self._runs.pop()

    def _gather(self) -> None:
        """Read the next files, and add at least one run."""
        wanted, room = self._size()
        pool = _Pool(self._kind, room, self._chunk_rows)
        while wanted > 0 and self.earliest is not None:
            for batch, rows in self._read_next():
                if len(batch) > pool.room:
                    self._add(pool)
                    pool = _Pool(self._kind, max(room, len(batch)), self._chunk_rows)
                pool.add(batch)
                wanted -= rows
        self._add(pool)

    def _read_next(self) -> Iterator[tuple[Batch, int]]:
        """Yield the rows of the next file or files, each batch with the number of rows that were read for it."""
        if not self._begun and self._next >= self._one_by_one:
            numbers, *then = self._small.next_alike(self._files, self._next)
            found = self._small.read(numbers, then) if len(numbers) > 1 else None
            if found is not None:
                self._next += len(numbers)
                yield found
                return
            self._one_by_one = self._next + len(numbers)
        number, stream = self._next_stream()
        row, earliest = stream.row, None
        first = row
        while (batch := stream.read()) is not None:
            yield batch, stream.row - row
            row = stream.row
            if stream.at_rest and row - first >= PART_ROWS:
                earliest = stream.earliest
                break
        stream.close()
        if earliest is not None:
            heappush(self._begun, (earliest, number, stream))

    def _size(self) -> tuple[int, int]:
        """Return how many rows to read at least, and for how many a run has room."""
        row_bytes = self._row_bytes
        if self._begun or self._next == len(self._files):
            return (rows := RUN_BYTES // row_bytes), rows + FEWEST_ROWS
        first = self._rows_before[self._next]
        behind = int(self._rows_before[self._cluster_ends[self._next]] - first)
        self._beside = max(1, -(-behind // (RUN_BYTES // row_bytes)))
        if behind > HELD_BYTES // row_bytes:
            return (rows := RUN_BYTES // row_bytes), rows + FEWEST_ROWS
        # All rows that these can overlap with are theirs. A file is read whole, so there can be more of them.
        return max(behind, FEWEST_ROWS), behind + FEWEST_ROWS

    def _next_stream(self) -> tuple[int, FileStream | SortedStream]:
        """Return the file with the earliest rows, and its stream."""
        if self._begun and (self._next == len(self._files) or self._begun[0][0] <= self._starts[self._next]):
            return heappop(self._begun)[1:]
        number = self._files[self._next]
        self._next += 1
        return number, self._open_stream(number)

    def _add(self, pool: _Pool) -> None:
        run, size = pool.run()
        self._runs.append(run if self._held.hold(run, size) else store(run, self._temporary, self._beside))

    def close(self) -> None:
        for _, _, stream in self._begun:
            stream.close()
        for run in self._runs:
            run.close()


class _Pool:
    """Rows in memory, in the order in which they were read.

    Parameters
    ----------
    room
        Number of rows for which there is room.
    """

    def __init__(self, kind: type[Batch], room: int, chunk_rows: int) -> None:
        self._kind = kind
        self._chunk_rows = chunk_rows
        names = [field.name for field in fields(kind) if field.name not in ("order", "origin", "available_at")]
        self._columns: dict[str, NDArray[Any]] = {name: np.empty(room, DTYPES[name]) for name in names}
        self._pieces: list[tuple[int, int, int]] = []
        """Origin of the first row, first row and row behind the last of each stretch of a file."""
        self._rows = 0
        self.room = room

    def add(self, batch: Batch) -> None:
        """Copy rows; there must be room."""
        if not len(batch):
            return
        first, behind = self._rows, self._rows + len(batch)
        starts, counts_up = stretches_of_files(batch.origin, ORIGIN_ROW_BITS)
        if not counts_up and "origin" not in self._columns:
            self._columns["origin"] = self._origins()
        if batch.available_at is not batch.timestamp and "available_at" not in self._columns:
            times = self._columns["timestamp"]
            self._columns["available_at"] = np.empty(len(times), np.int64)
            self._columns["available_at"][:first] = times[:first]
        for name, column in self._columns.items():
            column[first:behind] = getattr(batch, name)
        places = ((starts + first).tolist(), [*(starts[1:] + first).tolist(), behind])
        self._pieces += zip(batch.origin[starts].tolist(), *places, strict=True)
        self._rows = behind
        self.room -= len(batch)

    def _origins(self) -> Int64s:
        """Return a column with the origins of the rows so far, which count up in each piece."""
        origins = np.empty(len(self._columns["timestamp"]), np.int64)
        for origin, first, behind in self._pieces:
            origins[first:behind] = np.arange(origin, origin + behind - first)
        return origins

    def run(self) -> tuple[GatheredRun, int]:
        """Return the rows as a run, and its memory in bytes."""
        columns = {name: frozen(column[: self._rows]) for name, column in self._columns.items()}
        in_order = sorted(self._pieces, key=lambda piece: piece[0] >> ORIGIN_ROW_BITS)
        origins, starts, ends = np.array(in_order, dtype=np.int64).reshape(-1, 3).T
        times = columns.get("available_at", columns["timestamp"])
        pieces = Pieces(times, frozen(starts.copy()), frozen(ends.copy()), frozen(origins - starts))
        run = GatheredRun(self._kind, columns, pieces, self._chunk_rows)
        return run, sum(column.nbytes for column in columns.values())

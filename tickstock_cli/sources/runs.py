"""Sorted runs of rows: held in memory as they came, with their order, or written to a temporary file in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import DTYPES, Batch, Int64s
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.kernels.sort import pick
from tickstock_cli.sources.batches import reorder
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.slabs import Pieces, Slab

STORED_CHUNK_ROWS = 1 << 13
"""Rows of a stored run that are read at once: few, because many runs can be read side by side."""
STORED_ROWS_AT_ONCE = 1 << 19
"""Where few are, rows of all of them that are read at once."""
CHUNK_ROWS = 1 << 16
"""Rows of a held run that are put in order at once; no more of a stored one are read."""


class HeldRun:
    """Rows in memory as a stream.

    Parameters
    ----------
    rows
        The rows, in any order.
    order
        The places of the rows, in the order to return them.
    """

    at_rest = False

    def __init__(self, rows: Batch, order: Int64s) -> None:
        self._rows: Batch | None = rows
        self._order = order
        self._release: Callable[[], None] | None = None
        self._next = 0

    def on_close(self, release: Callable[[], None]) -> None:
        """Call ``release`` when no row is held any more."""
        self._release = release

    def read(self) -> Batch | None:
        if self._rows is None:
            return None
        if self._next == len(self._order):
            self.close()
            return None
        chosen = self._order[self._next : self._next + CHUNK_ROWS]
        self._next += len(chosen)
        return reorder(self._rows, chosen)

    def close(self) -> None:
        self._rows = None
        if self._release is not None:
            self._release()
            self._release = None


class GatheredRun:
    """Pieces of many files in memory as a stream.

    Parameters
    ----------
    columns
        Columns of the rows, in any order, by name; `available_at` is missing where it is `timestamp`, and `origin`
        where the pieces know it.
    pieces
        Those of the rows.
    chunk_rows
        Rows that are returned at once.
    """

    at_rest = False

    def __init__(self, kind: type[Batch], columns: Mapping[str, NDArray[Any]], pieces: Pieces, chunk_rows: int) -> None:
        self._kind = kind
        self._columns: Mapping[str, NDArray[Any]] | None = columns
        self._times = "available_at" if "available_at" in columns else "timestamp"
        self._slabs = pieces.slabs()
        self._chunk_rows = chunk_rows
        self._left = pieces.rows
        """Rows that are in no chunk yet."""
        self._chunks: deque[_Chunk] = deque()
        """Chunks that are not returned yet; all but the last are full."""
        self._release: Callable[[], None] | None = None

    def on_close(self, release: Callable[[], None]) -> None:
        """Call ``release`` when no row is held any more."""
        self._release = release

    def read(self) -> Batch | None:
        if self._columns is None:
            return None
        while (self._left or self._chunks) and not (self._chunks and self._chunks[0].is_full):
            self._add(next(self._slabs), self._columns)
        if not self._chunks:
            self.close()
            return None
        taken = {name: frozen(column) for name, column in self._chunks.popleft().columns.items()}
        return self._kind(**{"order": taken["origin"], "available_at": taken["timestamp"], **taken})

    def _add(self, slab: Slab, columns: Mapping[str, NDArray[Any]]) -> None:
        """Bring the rows of a slab in order, behind those before."""
        names = dict.fromkeys([*columns, "origin"])
        parts: list[tuple[_Chunk, slice, slice]] = []
        done = 0
        while done < len(slab):
            if not self._chunks or self._chunks[-1].is_full:
                self._chunks.append(_Chunk(names, min(self._left, self._chunk_rows)))
                self._left -= self._chunks[-1].room
            chunk = self._chunks[-1]
            part = chunk.reserve(len(slab) - done)
            parts.append((chunk, part, slice(done, done + part.stop - part.start)))
            done = parts[-1][2].stop
        for name in names:
            if name == self._times:
                rows = slab.times
            else:
                rows = slab.laid_out(columns[name]) if name in columns else slab.origins()
            for chunk, to, part in parts:
                pick(rows, slab.order[part], chunk.columns[name][to])

    def close(self) -> None:
        self._columns = None
        self._slabs = iter(())  # the pieces have the times
        self._chunks.clear()
        if self._release is not None:
            self._release()
            self._release = None


class _Chunk:
    """Rows that are returned at once, while they are filled in."""

    def __init__(self, names: Iterable[str], rows: int) -> None:
        self.columns: dict[str, NDArray[Any]] = {name: np.empty(rows, DTYPES[name]) for name in names}
        self.room = rows

    @property
    def is_full(self) -> bool:
        return not self.room

    def reserve(self, rows: int) -> slice:
        """Return the next places, at most ``rows``, which the caller fills."""
        first = len(self.columns["origin"]) - self.room
        count = min(rows, self.room)
        self.room -= count
        return slice(first, first + count)


class StoredRun:
    """Rows in a temporary file as a stream."""

    at_rest = False

    def __init__(self, stored: BatchFile) -> None:
        self._stored = stored
        self._next = 0

    def read(self) -> Batch | None:
        if self._next == len(self._stored):
            self.close()
            return None
        self._next += 1
        return self._stored.read(self._next - 1)

    def close(self) -> None:
        self._stored.remove()


def store(run: HeldRun | GatheredRun, temporary: TemporaryFolder, beside: int | None = None) -> StoredRun:
    """Write a run to a temporary file.

    Parameters
    ----------
    beside
        Number of runs that are read side by side, about, it among them; None: they can be many.

    Raises
    ------
    OutputError
        The disk has no room.
    """
    chunk = STORED_CHUNK_ROWS
    if beside is not None:
        chunk = max(chunk, min(CHUNK_ROWS, STORED_ROWS_AT_ONCE // beside))
    stored = temporary.batch_file(has_order=False)
    while (batch := run.read()) is not None:
        for low in range(0, len(batch), chunk):
            stored.write(batch.take(slice(low, low + chunk)))
    return StoredRun(stored)


def memory_of(batches: Iterable[Batch]) -> int:
    """Return the bytes of the arrays of batches; a shared one counts once."""
    columns = (getattr(batch, field.name) for batch in batches for field in fields(batch))
    return sum({id(column): column.nbytes for column in columns}.values())

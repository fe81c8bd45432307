"""Sorted runs of rows: held in memory as they came, with their order, or written to a temporary file in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.sources.batches import reorder
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.slabs import Pieces

STORED_CHUNK_ROWS = 1 << 13
"""Rows of a stored run that are read at once: few, because many runs can be read side by side."""
CHUNK_ROWS = 1 << 16
"""Rows of a held run that are put in order at once."""


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
        Columns of the rows, in any order, by name; `origin` is missing where the pieces know it.
    chunk_rows
        Rows that are returned at once.
    """

    at_rest = False

    def __init__(self, kind: type[Batch], columns: Mapping[str, NDArray[Any]], pieces: Pieces, chunk_rows: int) -> None:
        self._kind = kind
        self._columns: Mapping[str, NDArray[Any]] | None = columns
        self._chunk_rows = chunk_rows
        self._slabs = pieces.slabs()
        self._waiting = (np.empty(0, np.int64), np.empty(0, np.int64))
        """Rows of the last slab that are not returned yet, and their origins."""
        self._release: Callable[[], None] | None = None

    def on_close(self, release: Callable[[], None]) -> None:
        """Call ``release`` when no row is held any more."""
        self._release = release

    def read(self) -> Batch | None:
        if self._columns is None:
            return None
        rows, origins = self._next()
        if not len(rows):
            self.close()
            return None
        taken = {name: frozen(column.take(rows)) for name, column in self._columns.items()}
        taken.setdefault("origin", origins)
        return self._kind(**{"order": taken["origin"], "available_at": taken["timestamp"], **taken})

    def _next(self) -> tuple[Int64s, Int64s]:
        """Return the next rows to return, and their origins."""
        found = [self._waiting]
        count = len(self._waiting[0])
        while count < self._chunk_rows and (slab := next(self._slabs, None)) is not None:
            found.append(slab)
            count += len(slab[0])
        rows = np.concatenate([rows for rows, _ in found])
        origins = np.concatenate([origins for _, origins in found])
        self._waiting = rows[self._chunk_rows :], origins[self._chunk_rows :]
        return rows[: self._chunk_rows], frozen(origins[: self._chunk_rows])

    def close(self) -> None:
        self._columns = None
        self._slabs = iter(())  # the pieces have the times
        if self._release is not None:
            self._release()
            self._release = None


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


def store(run: HeldRun | GatheredRun, temporary: TemporaryFolder) -> StoredRun:
    """Write a run to a temporary file.

    Raises
    ------
    OutputError
        The disk has no room.
    """
    stored = temporary.batch_file(has_order=False)
    while (batch := run.read()) is not None:
        for low in range(0, len(batch), STORED_CHUNK_ROWS):
            stored.write(batch.take(slice(low, low + STORED_CHUNK_ROWS)))
    return StoredRun(stored)


def memory_of(batches: Iterable[Batch]) -> int:
    """Return the bytes of the arrays of batches; a shared one counts once."""
    columns = (getattr(batch, field.name) for batch in batches for field in fields(batch))
    return sum({id(column): column.nbytes for column in columns}.values())

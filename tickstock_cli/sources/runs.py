"""Sorted runs of rows: held in memory as they came, with their order, or written to a temporary file in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.sources.batches import reorder

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


def store(run: HeldRun, temporary: TemporaryFolder) -> StoredRun:
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

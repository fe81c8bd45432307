"""An array that grows at its end and shrinks at its front, without a copy of all of it each time."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

LEAST_ROOM = 1_024


class ArrayQueue:
    """Rows of one dtype, in the order in which they came.

    Parameters
    ----------
    dtype
        Of the rows.
    columns
        Shape of a row.
    """

    def __init__(self, dtype: np.dtype[Any] | type[Any], columns: tuple[int, ...] = ()) -> None:
        self._array = np.empty((0, *columns), dtype=dtype)
        self._start = 0
        self._stop = 0

    def __len__(self) -> int:
        return self._stop - self._start

    @property
    def rows(self) -> NDArray[Any]:
        """The rows as a view, valid until the next change; writing into it changes the queue."""
        return self._array[self._start : self._stop]

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows at the end."""
        self.extend(len(rows))[:] = rows

    def extend(self, rows: int) -> NDArray[Any]:
        """Add a number of rows at the end; return them as a view, whose contents are undefined."""
        if self._stop + rows > len(self._array):
            kept = self.rows
            room = max(LEAST_ROOM, 2 * (len(kept) + rows))
            larger = np.empty((room, *self._array.shape[1:]), dtype=self._array.dtype)
            larger[: len(kept)] = kept
            self._array, self._start, self._stop = larger, 0, len(kept)
        self._stop += rows
        return self._array[self._stop - rows : self._stop]

    def drop(self, rows: int) -> None:
        """Remove rows from the front; views of them stay valid until rows are added."""
        self._start += rows
        if self._start == self._stop:
            self.clear()

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Keep only the chosen rows, and free the room of the others."""
        self._array = self.rows.compress(chosen, axis=0)  # by far faster than [chosen] where rows have fields
        self._start, self._stop = 0, len(self._array)

    def clear(self) -> None:
        """Remove all rows, and keep their room for those to come."""
        self._start = self._stop = 0

    def replace(self, rows: NDArray[Any]) -> None:
        """Hold only these rows, as copies."""
        self._array = np.array(rows, dtype=self._array.dtype)
        self._start, self._stop = 0, len(rows)

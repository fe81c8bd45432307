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

    def append(self, rows: NDArray[Any], coming: int = 0) -> None:
        """Add rows at the end.

        Parameters
        ----------
        coming
            Number of rows that will follow: they get room at once.
        """
        if self._stop + len(rows) > len(self._array):
            kept = self.rows
            room = max(LEAST_ROOM, 2 * (len(kept) + len(rows)), len(kept) + len(rows) + coming)
            larger = np.empty((room, *self._array.shape[1:]), dtype=self._array.dtype)
            larger[: len(kept)] = kept
            self._array, self._start, self._stop = larger, 0, len(kept)
        self._array[self._stop : self._stop + len(rows)] = rows
        self._stop += len(rows)

    def drop(self, rows: int) -> None:
        """Remove rows from the front; views of them stay valid."""
        self._start += rows
        if self._start == self._stop:
            self.replace(self.rows)

    def keep(self, chosen: NDArray[np.bool_]) -> None:
        """Keep only the chosen rows, and free the room of the others."""
        self.replace(self.rows[chosen])

    def clear(self) -> None:
        """Remove all rows, and keep their room for those to come."""
        self._start = self._stop = 0

    def replace(self, rows: NDArray[Any]) -> None:
        """Hold only these rows, as copies."""
        self._array = np.array(rows, dtype=self._array.dtype)
        self._start, self._stop = 0, len(rows)

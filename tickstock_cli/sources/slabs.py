"""Sorts the rows of many sorted pieces by slabs of time, each when its first row is read.

So the run's thread works on the first rows while the next ones are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.kernels.sort import count_times, lay_out, lay_out_origins, next_slab, order_of
from tickstock_cli.sources.plain_numbers import frozen

SLAB_ROWS = 1 << 15
"""Rows of a slab, about, so that a column of it stays within the processor's cache."""
BINS = 1 << 16
"""Stretches of time of which the rows are counted: bounds of slabs are theirs."""
_LATEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Slab:
    """Rows of a stretch of time.

    Parameters
    ----------
    times
        Available times, int64 ns, laid out: those of one piece after another.
    order
        Places of the laid out rows in the order of (time, origin), uint32.
    starts, ends
        First row of each piece, and the row behind its last, int64.
    first_origins
        As in ``Pieces``.
    """

    times: Int64s
    order: NDArray[np.uint32]
    starts: Int64s
    ends: Int64s
    first_origins: Int64s

    def __len__(self) -> int:
        return len(self.times)

    def laid_out(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return the rows of a column of all rows, those of one piece after another."""
        out = np.empty(len(self), column.dtype)
        lay_out(column, self.starts, self.ends, out)
        return out

    def origins(self) -> Int64s:
        """Return the origins of the rows, those of one piece after another."""
        out = np.empty(len(self), np.int64)
        lay_out_origins(self.first_origins, self.starts, self.ends, out)
        return out


class Pieces:
    """Stretches of rows that are in order of (time, origin), in the order of their origins.

    Parameters
    ----------
    times
        Available times of all rows, int64 ns.
    starts, ends
        First row of each piece, and the row behind its last, int64.
    first_origins
        Origin that row 0 would have in each piece, int64: origins of a piece count up from row to row.
    """

    def __init__(self, times: Int64s, starts: Int64s, ends: Int64s, first_origins: Int64s) -> None:
        self.times = times
        self._starts = starts
        self._ends = ends
        self._first_origins = first_origins
        self.rows = int((ends - starts).sum())

    def slabs(self) -> Iterator[Slab]:
        """Yield slabs in the order of time, each with rows; of rows of one time all are in the same."""
        starts = self._starts
        for last, rows in self._bounds():
            ends, times, order = np.empty_like(starts), np.empty(rows, np.int64), np.empty(rows, np.uint32)
            next_slab(self.times, starts, self._ends, last, ends, times)
            order_of(times, order)
            yield Slab(times, order, starts, frozen(ends), self._first_origins)
            starts = ends

    def _bounds(self) -> list[tuple[int, int]]:
        """Return the last time of each slab, or a later one, and how many rows it has."""
        if self.rows <= SLAB_ROWS:
            return [(_LATEST, self.rows)] if self.rows else []
        some = self._starts < self._ends
        low = int(self.times[self._starts[some]].min())
        high = int(self.times[self._ends[some] - 1].max())
        shift = max(0, (high - low).bit_length() - BINS.bit_length() + 1)
        behind = np.cumsum(count_times(self.times, low, shift, self._starts, self._ends, BINS))
        cuts = np.unique(np.searchsorted(behind, np.arange(SLAB_ROWS, self.rows, SLAB_ROWS)))
        cuts = np.append(cuts[behind[cuts] < self.rows], BINS - 1)
        lasts = [*(low + ((cut + 1) << shift) - 1 for cut in cuts[:-1].tolist()), _LATEST]
        return list(zip(lasts, np.diff(behind[cuts], prepend=0).tolist(), strict=True))

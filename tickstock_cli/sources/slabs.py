"""Sorts the rows of many sorted pieces by slabs of time, each when its first row is read.

So the run's thread works on the first rows while the next ones are sorted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.kernels.sort import count_times, rows_before, sort_slab
from tickstock_cli.sources.plain_numbers import frozen

SLAB_ROWS = 1 << 16
"""Rows of a slab, about, so that sorting it stays within the processor's cache."""
BINS = 1 << 16
"""Stretches of time of which the rows are counted: bounds of slabs are theirs."""


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
        self._times = times
        self._starts = starts
        self._ends = ends
        self._first_origins = first_origins
        self.rows = int((ends - starts).sum())

    def slabs(self) -> Iterator[tuple[Int64s, Int64s]]:
        """Yield rows and their origins in the order of (time, origin), those of a slab at once."""
        starts = self._starts
        for limit in self._limits():
            ends = np.empty_like(starts)
            if limit is None:
                ends[:] = self._ends
                count = int((ends - starts).sum())
            else:
                count = rows_before(self._times, limit, starts, self._ends, ends)
            frozen(ends)
            if count:
                chosen, origins = np.empty(count, np.int64), np.empty(count, np.int64)
                sort_slab(self._times, starts, ends, self._first_origins, chosen, origins)
                yield chosen, origins
            starts = ends

    def _limits(self) -> list[int | None]:
        """Return the time behind the last of each slab; None is behind all."""
        if self.rows <= SLAB_ROWS:
            return [None]
        some = self._starts < self._ends
        low = int(self._times[self._starts[some]].min())
        high = int(self._times[self._ends[some] - 1].max())
        shift = max(0, (high - low).bit_length() - BINS.bit_length() + 1)
        counts = count_times(self._times, low, shift, self._starts, self._ends, BINS)
        behind = np.cumsum(counts)
        cuts = np.unique(np.searchsorted(behind, np.arange(SLAB_ROWS, self.rows, SLAB_ROWS)))
        return [*(low + ((cut + 1) << shift) for cut in cuts.tolist() if behind[cut] < self.rows), None]

"""Merges sorted runs of times, and tracks the rows used of each file."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel


@kernel
def merge_runs(
    times: NDArray[np.int64], origins: NDArray[np.int64], starts: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Fill ``out`` with the rows of all runs in the order of (time, origin).

    A binary heap holds the next row of every run. Rows of the run at its top are taken up to the next row of the
    others, so that long stretches of one run cost one comparison for each row.

    Parameters
    ----------
    times, origins
        The runs, concatenated; each is sorted by time, and by origin where times are equal.
    starts
        First row of each run, and the end of the last: one entry more than there are runs.
    out
        Filled: row numbers into ``times``, as many as there are times.
    """
    runs = len(starts) - 1
    heap = np.empty(runs, np.int64)
    cursor = starts[:-1].copy()
    size = 0
    for run in range(runs):
        if cursor[run] < starts[run + 1]:
            heap[size] = run
            size += 1
    for place in range(size // 2 - 1, -1, -1):
        _sift(heap, size, place, times, origins, cursor)
    filled = 0
    while size > 1:
        run = heap[0]
        rival = heap[1]
        if size > 2 and _before(heap[2], rival, times, origins, cursor):
            rival = heap[2]
        limit = times[cursor[rival]]
        first_of_rival = origins[cursor[rival]]
        row = cursor[run]
        end = starts[run + 1]
        while row < end and (times[row] < limit or (times[row] == limit and origins[row] < first_of_rival)):
            out[filled] = row
            filled += 1
            row += 1
        cursor[run] = row
        if row == end:
            size -= 1
            heap[0] = heap[size]
        _sift(heap, size, 0, times, origins, cursor)
    if size == 1:
        run = heap[0]
        for row in range(cursor[run], starts[run + 1]):
            out[filled] = row
            filled += 1


@kernel
def _before(
    one: int, other: int, times: NDArray[np.int64], origins: NDArray[np.int64], cursor: NDArray[np.int64]
) -> bool:
    mine = times[cursor[one]]
    theirs = times[cursor[other]]
    return bool(mine < theirs or (mine == theirs and origins[cursor[one]] < origins[cursor[other]]))


@kernel
def _sift(
    heap: NDArray[np.int64],
    size: int,
    place: int,
    times: NDArray[np.int64],
    origins: NDArray[np.int64],
    cursor: NDArray[np.int64],
) -> None:
    """Move the entry at ``place`` down until no child precedes it."""
    while True:
        child = 2 * place + 1
        if child >= size:
            return
        if child + 1 < size and _before(heap[child + 1], heap[child], times, origins, cursor):
            child += 1
        if not _before(heap[child], heap[place], times, origins, cursor):
            return
        heap[place], heap[child] = heap[child], heap[place]
        place = child


@kernel
def use_up(origin: NDArray[np.int64], row_bits: int, next_row: NDArray[np.int64], count: NDArray[np.int64]) -> None:
    """Set for each file the row after its last row in ``origin``, and add the number of its rows.

    ``row_bits`` is the number of lower bits of an origin that hold the row number.
    """
    mask = (np.int64(1) << row_bits) - 1
    for i in range(len(origin)):
        file = origin[i] >> row_bits
        next_row[file] = (origin[i] & mask) + 1
        count[file] += 1

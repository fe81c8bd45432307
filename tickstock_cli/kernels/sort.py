"""Sorts times that come from many sorted pieces: a radix sort, whose time does not grow with the number of pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

DIGIT_BITS = 11
KEY_BITS = 32
ROW_BITS = 32
MOST_INSERTED = 32
"""Rows of one key that are put in order one by one."""


@kernel
def sort_rows(
    times: NDArray[np.int64], origins: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return the rows of all pieces in the order of (time, origin).

    The highest 32 bits of the times, from the first one on, are a row's key. Rows are sorted by keys first, and then,
    where several have the same key, by times and origins.

    Parameters
    ----------
    times
        Times in ns, fewer than 2^32.
    origins
        Different for each row.
    starts, ends
        First row of each piece in ``times``, and the row behind its last. Pieces in the order of their origins are
        sorted fastest.
    """
    rows = np.int64(0)
    low = np.int64(2**63 - 1)
    high = np.int64(-(2**63))
    for piece in range(len(starts)):
        rows += ends[piece] - starts[piece]
        for row in range(starts[piece], ends[piece]):
            low = min(low, times[row])
            high = max(high, times[row])
    spare = np.uint64(0)
    while rows and (np.uint64(high - low) >> spare) >> np.uint64(KEY_BITS) > 0:
        spare += np.uint64(1)
    keyed = np.empty(rows, np.uint64)
    place = 0
    for piece in range(len(starts)):
        for row in range(starts[piece], ends[piece]):
            keyed[place] = (np.uint64(times[row] - low) >> spare) << np.uint64(ROW_BITS) | np.uint64(row)
            place += 1
    highest = np.uint64(high - low) >> spare if rows else np.uint64(0)
    other = np.empty(rows, np.uint64)
    count = np.empty(1 << DIGIT_BITS, np.int64)
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    shift = 0
    while shift < KEY_BITS and highest >> np.uint64(shift) > 0:
        by = np.uint64(shift + ROW_BITS)
        count[:] = 0
        for i in range(rows):
            count[(keyed[i] >> by) & mask] += 1
        behind = np.int64(0)
        for digit in range(len(count)):
            behind, count[digit] = behind + count[digit], behind
        for i in range(rows):
            digit = (keyed[i] >> by) & mask
            other[count[digit]] = keyed[i]
            count[digit] += 1
        keyed, other = other, keyed
        shift += DIGIT_BITS
    return _finished(keyed, times, origins)


@kernel
def _finished(keyed: NDArray[np.uint64], times: NDArray[np.int64], origins: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows of ``keyed``, those of one key in the order of (time, origin)."""
    order = keyed.view(np.int64)
    row_mask = np.uint64((1 << ROW_BITS) - 1)
    first = 0
    while first < len(keyed):
        key = keyed[first] >> np.uint64(ROW_BITS)
        behind = first
        while behind < len(keyed) and keyed[behind] >> np.uint64(ROW_BITS) == key:
            order[behind] = np.int64(keyed[behind] & row_mask)
            behind += 1
        if behind - first > MOST_INSERTED:
            rows = order[first:behind].copy()
            rows = rows[np.argsort(origins[rows])]
            order[first:behind] = rows[np.argsort(times[rows], kind="mergesort")]
        else:
            _insert(order, first, behind, times, origins)
        first = behind
    return order


@kernel
def _insert(
    order: NDArray[np.int64], first: int, behind: int, times: NDArray[np.int64], origins: NDArray[np.int64]
) -> None:
    """Sort the rows of ``order`` from place ``first`` to ``behind``, which are few or nearly in order."""
    for i in range(first + 1, behind):
        row = order[i]
        place = i
        while place > first:
            other = order[place - 1]
            if times[other] < times[row] or (times[other] == times[row] and origins[other] < origins[row]):
                break
            order[place] = other
            place -= 1
        order[place] = row

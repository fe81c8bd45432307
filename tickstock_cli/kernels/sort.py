"""Sorts times that come from many sorted pieces: a radix sort, whose time does not grow with the number of pieces.

`sort_rows` sorts all rows of pieces in any order. `sort_slab` sorts a stretch of time of pieces that are in the order
of their origins: few rows at once stay in the processor's cache, and no row needs an origin.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

DIGIT_BITS = 11
KEY_BITS = 32
ROW_BITS = 32
FEW_ROWS = 1 << 18
FEW_KEY_BITS = 2 * DIGIT_BITS
"""Key of at most so many rows: mostly different for each, and sorted in two passes."""
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
    return _finished(_by_key(keyed, highest), times, origins)


@kernel
def count_times(
    times: NDArray[np.int64], low: int, shift: int, starts: NDArray[np.int64], ends: NDArray[np.int64], bins: int
) -> NDArray[np.int64]:
    """Return how many rows of all pieces lie in each bin of 2^``shift`` ns, from ``low`` on."""
    counts = np.zeros(bins, np.int64)
    for piece in range(len(starts)):
        for row in range(starts[piece], ends[piece]):
            counts[np.uint64(times[row] - low) >> np.uint64(shift)] += 1
    return counts


@kernel
def rows_before(
    times: NDArray[np.int64], limit: int, starts: NDArray[np.int64], ends: NDArray[np.int64], out: NDArray[np.int64]
) -> int:
    """Fill ``out`` with the first row of each piece whose time is not before ``limit``; return how many rows are."""
    rows = 0
    for piece in range(len(starts)):
        low = starts[piece]
        step = 1
        while low + step < ends[piece] and times[low + step] < limit:
            low += step
            step *= 2
        high = min(low + step, ends[piece])
        while low < high:
            middle = (low + high) // 2
            if times[middle] < limit:
                low = middle + 1
            else:
                high = middle
        out[piece] = low
        rows += low - starts[piece]
    return rows


@kernel
def sort_slab(
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    first_origins: NDArray[np.int64],
    out: NDArray[np.int64],
    origins: NDArray[np.int64],
) -> None:
    """Fill ``out`` with the rows of all pieces in the order of (time, origin), and ``origins`` with their origins.

    Parameters
    ----------
    times
        Times in ns, fewer than 2^32.
    starts, ends
        First row of each piece in ``times``, and the row behind its last. Pieces are in the order of their origins.
    first_origins
        Origin that row 0 of ``times`` would have in each piece: origins count up from row to row.
    """
    low = np.int64(2**63 - 1)
    high = np.int64(-(2**63))
    for piece in range(len(starts)):
        if starts[piece] < ends[piece]:
            low = min(low, times[starts[piece]])
            high = max(high, times[ends[piece] - 1])
    rows = len(out)
    bits = FEW_KEY_BITS if rows <= FEW_ROWS else KEY_BITS
    spare = np.uint64(0)
    while rows and (np.uint64(high - low) >> spare) >> np.uint64(bits) > 0:
        spare += np.uint64(1)
    keyed = np.empty(rows, np.uint64)
    of_row = np.empty(rows, np.int32)
    to_row = np.empty(len(starts), np.int64)
    place = 0
    for piece in range(len(starts)):
        to_row[piece] = starts[piece] - place
        for row in range(starts[piece], ends[piece]):
            keyed[place] = (np.uint64(times[row] - low) >> spare) << np.uint64(ROW_BITS) | np.uint64(place)
            of_row[place] = piece
            place += 1
    keyed = _by_key(keyed, np.uint64(high - low) >> spare if rows else np.uint64(0))
    row_mask = np.uint64((1 << ROW_BITS) - 1)
    for i in range(rows):
        row_of_slab = np.int64(keyed[i] & row_mask)
        piece = of_row[row_of_slab]
        out[i] = row_of_slab + to_row[piece]
        origins[i] = out[i] + first_origins[piece]
    if spare > 0:
        _settle(keyed, times, out, origins)


@kernel
def _settle(
    keyed: NDArray[np.uint64], times: NDArray[np.int64], out: NDArray[np.int64], origins: NDArray[np.int64]
) -> None:
    """Sort the rows of each key by time. Rows of one time keep their order."""
    first = 0
    while first < len(keyed):
        key = keyed[first] >> np.uint64(ROW_BITS)
        behind = first + 1
        while behind < len(keyed) and keyed[behind] >> np.uint64(ROW_BITS) == key:
            behind += 1
        if behind - first > MOST_INSERTED:
            places = np.argsort(times[out[first:behind]], kind="mergesort")
            out[first:behind] = out[first:behind][places]
            origins[first:behind] = origins[first:behind][places]
        else:
            for i in range(first + 1, behind):
                row, origin, time = out[i], origins[i], times[out[i]]
                place = i
                while place > first and times[out[place - 1]] > time:
                    out[place], origins[place] = out[place - 1], origins[place - 1]
                    place -= 1
                out[place], origins[place] = row, origin
        first = behind


@kernel
def _by_key(keyed: NDArray[np.uint64], highest: np.uint64) -> NDArray[np.uint64]:
    """Return rows by their keys, of which none is above ``highest``. Rows of one key keep their order."""
    other = np.empty(len(keyed), np.uint64)
    count = np.empty(1 << DIGIT_BITS, np.int64)
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    shift = 0
    while shift < KEY_BITS and highest >> np.uint64(shift) > 0:
        by = np.uint64(shift + ROW_BITS)
        count[:] = 0
        for i in range(len(keyed)):
            count[(keyed[i] >> by) & mask] += 1
        behind = np.int64(0)
        for digit in range(len(count)):
            behind, count[digit] = behind + count[digit], behind
        for i in range(len(keyed)):
            digit = (keyed[i] >> by) & mask
            other[count[digit]] = keyed[i]
            count[digit] += 1
        keyed, other = other, keyed
        shift += DIGIT_BITS
    return keyed


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

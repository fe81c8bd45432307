"""Sorts times that come from many sorted pieces: a radix sort, whose time does not grow with the number of pieces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

DIGIT_BITS = 11


@kernel
def sort_rows(times: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the rows of all pieces in the order of their times; equal times keep the order of pieces and rows.

    Parameters
    ----------
    times
        Times in ns.
    starts, ends
        First row of each piece in ``times``, and the row behind its last: in the order of the pieces, which need not be
        that of the rows.
    """
    rows = np.int64(0)
    low = np.int64(2**63 - 1)
    high = np.int64(-(2**63))
    for piece in range(len(starts)):
        rows += ends[piece] - starts[piece]
        for row in range(starts[piece], ends[piece]):
            low = min(low, times[row])
            high = max(high, times[row])
    keys = np.empty(rows, np.uint64)
    order = np.empty(rows, np.int32)
    place = 0
    for piece in range(len(starts)):
        for row in range(starts[piece], ends[piece]):
            keys[place] = np.uint64(times[row] - low)
            order[place] = row
            place += 1
    other_keys = np.empty(rows, np.uint64)
    other_order = np.empty(rows, np.int32)
    count = np.empty(1 << DIGIT_BITS, np.int64)
    mask = np.uint64((1 << DIGIT_BITS) - 1)
    shift = 0
    while rows and shift < 64 and np.uint64(high - low) >> np.uint64(shift) > 0:
        count[:] = 0
        for i in range(rows):
            count[(keys[i] >> np.uint64(shift)) & mask] += 1
        behind = np.int64(0)
        for digit in range(len(count)):
            behind, count[digit] = behind + count[digit], behind
        for i in range(rows):
            digit = (keys[i] >> np.uint64(shift)) & mask
            other_keys[count[digit]] = keys[i]
            other_order[count[digit]] = order[i]
            count[digit] += 1
        keys, other_keys = other_keys, keys
        order, other_order = other_order, order
        shift += DIGIT_BITS
    return order

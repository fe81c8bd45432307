"""Numbers pairs of integers: the clusters of a standard error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd constants that spread neighbours over a table (the golden ratio's, and xxHash's second prime)."""


@kernel
def number_pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return each row's number of its pair, in order of first appearance, and how many pairs there are.

    An open hash of the row where each pair first stood: a sort would need five times as long, and would make the order
    of the numbers, in which sums over pairs are taken, depend on the codes of tickers.
    """
    rows = len(first)
    capacity = 16
    while capacity < 2 * rows:
        capacity *= 2
    mask = np.uint64(capacity - 1)
    places = np.full(capacity, -1, np.int64)
    numbers = np.empty(rows, np.int64)
    count = 0
    for row in range(rows):
        mixed = (np.uint64(first[row]) * _FIRST) ^ (np.uint64(second[row]) * _SECOND)
        place = np.int64((mixed ^ (mixed >> np.uint64(29))) & mask)
        while True:
            before = places[place]
            if before < 0:
                places[place] = row
                numbers[row] = count
                count += 1
                break
            if first[before] == first[row] and second[before] == second[row]:
                numbers[row] = numbers[before]
                break
            place = (place + 1) & (capacity - 1)
    return numbers, count

"""Numbers pairs of integers: the clusters of a standard error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

_FIRST, _SECOND = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
"""Odd constants that spread neighbours over a table (the golden ratio's, and xxHash's second prime)."""


_FEW = 4_096
"""Pairs that a table has always room for."""
_MOST = 2**31 - 1
"""Most pairs that int32 can number."""


@kernel
def number_pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return each row's number of its pair, in order of first appearance, and how many pairs there are.

    A table of all pairs that are possible, where they are few, as ticker and day are; else an open hash of the row
    where each pair first stood. A sort would need five times as long, and would make the order of the numbers, in which
    sums over pairs are taken, depend on the codes of tickers.
    """
    rows = len(first)
    direct = _direct_width(first, second)
    if direct > 0:
        return _number_directly(first, second, direct)
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


@kernel
def _direct_width(first: NDArray[np.int64], second: NDArray[np.int64]) -> int:
    """Return how many values the range of ``second`` has, if a table of all pairs is as small as a hash; else 0."""
    if not len(first):
        return 0
    widths = np.empty(2, np.int64)
    for place, values in enumerate((first, second)):
        least = most = values[0]
        for value in values:
            least, most = min(least, value), max(most, value)
        widths[place] = most - least + 1
    room = min(max(4 * len(first), _FEW), _MOST)
    if widths[0] <= 0 or widths[1] <= 0 or widths[0] > room or widths[1] > room or widths[0] * widths[1] > room:
        return 0
    return int(widths[1])


@kernel
def _number_directly(first: NDArray[np.int64], second: NDArray[np.int64], width: int) -> tuple[NDArray[np.int64], int]:
    rows = len(first)
    start, begin = first.min(), second.min()
    number = np.full((first.max() - start + 1) * width, -1, np.int32)
    numbers = np.empty(rows, np.int64)
    count = 0
    for row in range(rows):
        place = (first[row] - start) * width + second[row] - begin
        if number[place] < 0:
            number[place] = count
            count += 1
        numbers[row] = number[place]
    return numbers, count

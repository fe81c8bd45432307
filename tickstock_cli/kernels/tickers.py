"""Codes of tickers, looked up by their bytes: no Python text is made of a row.

A table is an open hash: the code of a known ticker stands at the place of its hash, or at the next free one after it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

FREE = -1
"""A place of a table without a code."""
UNKNOWN = -2
"""Code of a ticker that is in no table."""
_OFFSET_BASIS, _PRIME = np.uint64(14695981039346656037), np.uint64(1099511628211)


@kernel
def _hash(data: NDArray[np.uint8], begin: int, end: int) -> Any:
    """Return the FNV-1a hash of bytes."""
    value = _OFFSET_BASIS
    for place in range(begin, end):
        value = (value ^ np.uint64(data[place])) * _PRIME
    return value ^ (value >> np.uint64(32))


@kernel
def _differ(data: NDArray[np.uint8], begin: int, end: int, known: NDArray[np.uint8], first: int, last: int) -> bool:
    differ = end - begin != last - first
    place = 0
    while not differ and place < end - begin:
        differ = data[begin + place] != known[first + place]
        place += 1
    return differ


@kernel
def fill_table(offsets: NDArray[np.int32], data: NDArray[np.uint8], first: int, table: NDArray[np.int32]) -> None:
    """Enter the known tickers from code ``first`` on into ``table``, which has those before.

    Its length is a power of two above their number; a new table is all FREE.
    """
    mask = len(table) - 1
    for code in range(first, len(offsets) - 1):
        place = np.int64(_hash(data, offsets[code], offsets[code + 1]) & np.uint64(mask))
        while table[place] != FREE:
            place = (place + 1) & mask
        table[place] = code


@kernel
def find_codes(
    offsets: NDArray[np.int32],
    data: NDArray[np.uint8],
    known_offsets: NDArray[np.int32],
    known: NDArray[np.uint8],
    table: NDArray[np.int32],
    out: NDArray[np.int32],
) -> None:
    """Fill ``out`` with the codes of tickers; -1 for empty ones, UNKNOWN for new ones.

    Parameters
    ----------
    offsets, data
        Tickers as Arrow keeps them: the bytes of ticker i are ``data[offsets[i] : offsets[i + 1]]``.
    known_offsets, known
        Tickers by code, likewise.
    table
        As `fill_table` filled it.
    """
    mask = len(table) - 1
    for i in range(len(out)):
        begin = offsets[i]
        end = offsets[i + 1]
        if begin == end:
            out[i] = -1
            continue
        place = np.int64(_hash(data, begin, end) & np.uint64(mask))
        code = table[place]
        while code != FREE and _differ(data, begin, end, known, known_offsets[code], known_offsets[code + 1]):
            place = (place + 1) & mask
            code = table[place]
        out[i] = code if code != FREE else UNKNOWN

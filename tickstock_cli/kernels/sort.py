"""Sorts times that come from many sorted pieces: a radix sort, whose time does not grow with the number of pieces.

`sort_rows` sorts all rows of pieces in any order. Pieces that are in the order of their origins are sorted by stretches
of time, slabs: few rows at once stay in the processor's cache, and no row needs an origin. `next_slab` lays them out,
and `order_of` sorts them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.prefetch import prefetch

DIGIT_BITS = 11
KEY_BITS = 32
ROW_BITS = 32
MOST_INSERTED = 32
"""Rows of one key that are put in order one by one."""
HIGHEST_BITS = 2 * DIGIT_BITS
"""Bits of times by which the rows of a slab are sorted first."""
MOST_MOVED = 8
"""Steps by which rows move on average when they are put in order one by one; others are sorted by all digits."""
PIECES_AHEAD = 8
"""How many pieces before its own turn the rows of one are asked for."""


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
    return _finished(_by_digits(keyed, np.uint64(ROW_BITS), _bits(highest)), times, origins)


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
def next_slab(
    times: NDArray[np.int64],
    starts: NDArray[np.int64],
    behind: NDArray[np.int64],
    last: int,
    ends: NDArray[np.int64],
    out: NDArray[np.int64],
) -> None:
    """Lay out the times of the next rows of all pieces, up to those of time ``last``.

    Parameters
    ----------
    starts, behind
        First row of each piece in ``times``, and the row behind its last.
    ends
        Filled: the first row of each piece that is later.
    out
        Filled: the times, one piece after another; its length is their number.
    """
    place = 0
    for piece in range(len(starts)):
        if piece + PIECES_AHEAD < len(starts):
            prefetch(times, starts[piece + PIECES_AHEAD])
        row = starts[piece]
        while row < behind[piece] and times[row] <= last:
            out[place] = times[row]
            place += 1
            row += 1
        ends[piece] = row


@kernel
def lay_out(column: NDArray[Any], starts: NDArray[np.int64], ends: NDArray[np.int64], out: NDArray[Any]) -> None:
    """Fill ``out`` with the rows of a column that lie from ``starts`` to ``ends``, one piece after another."""
    place = 0
    for piece in range(len(starts)):
        if piece + PIECES_AHEAD < len(starts):
            prefetch(column, starts[piece + PIECES_AHEAD])
            prefetch(column, ends[piece + PIECES_AHEAD] - 1)
        for row in range(starts[piece], ends[piece]):
            out[place] = column[row]
            place += 1


@kernel
def lay_out_origins(
    first_origins: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Fill ``out`` with the origins of these rows; ``first_origins`` are what row 0 would have in each piece."""
    place = 0
    for piece in range(len(starts)):
        for row in range(starts[piece], ends[piece]):
            out[place] = row + first_origins[piece]
            place += 1


@kernel
def pick(rows: NDArray[Any], places: NDArray[np.uint32], out: NDArray[Any]) -> None:
    """Fill ``out`` with the rows at some places."""
    for i in range(len(places)):
        out[i] = rows[places[i]]


@kernel
def order_of(times: NDArray[np.int64], out: NDArray[np.uint32]) -> None:
    """Fill ``out`` with the places of times, below 2^32 of them, in their order; equal ones keep theirs.

    A key is a time, from the earliest on, with the place below it, so that keys differ and have the order of rows. They
    are sorted by the highest digits of the time, which leaves few to be moved where rows come at an even pace.
    """
    rows = len(times)
    if not rows:
        return
    low, high = times[0], times[0]
    for i in range(rows):
        low = min(low, times[i])
        high = max(high, times[i])
    place_bits = _bits(np.uint64(rows - 1))
    time_bits = _bits(np.uint64(high - low))
    spare = time_bits - min(time_bits, np.uint64(64) - place_bits)
    time_bits -= spare
    keys = np.empty(rows, np.uint64)
    for i in range(rows):
        keys[i] = np.uint64(times[i] - low) >> spare << place_bits | np.uint64(i)
    low_bits = time_bits - min(time_bits, np.uint64(HIGHEST_BITS))
    keys = _by_digits(keys, place_bits + low_bits, time_bits - low_bits)
    if not _insert_keys(keys):
        keys = _by_digits(keys, place_bits, time_bits)
    mask = (np.uint64(1) << place_bits) - np.uint64(1)
    for i in range(rows):
        out[i] = keys[i] & mask
    if spare > 0:
        _settle(keys, place_bits, times, out)


@kernel
def _bits(number: np.uint64) -> np.uint64:
    """Return how many bits a number has."""
    bits = np.uint64(0)
    while bits < np.uint64(64) and number >> bits > np.uint64(0):
        bits += np.uint64(1)
    return bits


@kernel
def _insert_keys(keys: NDArray[np.uint64]) -> bool:
    """Sort keys that are nearly in order; return False, with keys of one time still in order, if they are not."""
    left = MOST_MOVED * len(keys)
    for i in range(1, len(keys)):
        key = keys[i]
        place = i
        while place > 0 and keys[place - 1] > key:
            keys[place] = keys[place - 1]
            place -= 1
        keys[place] = key
        left -= i - place
        if left < 0:
            return False
    return True


@kernel
def _settle(keys: NDArray[np.uint64], place_bits: np.uint64, times: NDArray[np.int64], out: NDArray[np.uint32]) -> None:
    """Sort the rows by time whose keys have no room for the lowest bits of times. Rows of one time keep their order."""
    first = 0
    while first < len(keys):
        key = keys[first] >> place_bits
        behind = first + 1
        while behind < len(keys) and keys[behind] >> place_bits == key:
            behind += 1
        rows = out[first:behind]
        if behind - first > 1 and (np.diff(times[rows]) < 0).any():
            out[first:behind] = rows[np.argsort(times[rows], kind="mergesort")]
        first = behind


@kernel
def _by_digits(keys: NDArray[np.uint64], first: np.uint64, bits: np.uint64) -> NDArray[np.uint64]:
    """Return keys in the order of ``bits`` bits from bit ``first`` on. Keys that have the same keep their order."""
    other = np.empty(len(keys), np.uint64)
    count = np.empty(1 << DIGIT_BITS, np.int64)
    done = np.uint64(0)
    while done < bits:
        by = first + done
        width = min(bits - done, np.uint64(DIGIT_BITS))
        mask = (np.uint64(1) << width) - np.uint64(1)
        count[:] = 0
        for i in range(len(keys)):
            count[(keys[i] >> by) & mask] += 1
        behind = np.int64(0)
        for digit in range(len(count)):
            behind, count[digit] = behind + count[digit], behind
        for i in range(len(keys)):
            digit = (keys[i] >> by) & mask
            other[count[digit]] = keys[i]
            count[digit] += 1
        keys, other = other, keys
        done += width
    return keys


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

"""Converts decoded columns to the numbers of `core.batch`, and checks a recording's order.

Inputs are read-only arrays, so that each kernel is compiled for one signature.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

LARGEST_TIME = 2**63 - 1
LARGEST_DOUBLE_INTEGER = 2**53
"""All integers up to this one are doubles."""
MICROS_PER_SHARE = 1_000_000
SKIPPED = -2
"""Code of a ticker that is not selected."""


@kernel
def look_up(indices: NDArray[np.int32], table: NDArray[np.int32], out: NDArray[np.int32]) -> bool:
    """Fill ``out`` with the code of each dictionary index; index -1 (null) takes the table's last entry.

    Returns
    -------
    bool
        Whether any row is SKIPPED.
    """
    skipped = False
    for i in range(len(indices)):
        code = table[indices[i]]
        out[i] = code
        skipped |= code == SKIPPED
    return skipped


@kernel
def whole_shares(shares: NDArray[np.int64], most: float, out: NDArray[np.int64]) -> None:
    """Fill ``out`` with whole ``shares`` in units of 1e-6 shares; -1 where negative or above ``most``."""
    for i in range(len(shares)):
        value = shares[i]
        out[i] = value * MICROS_PER_SHARE if 0 <= value <= most else -1


@kernel
def fractional_shares(shares: NDArray[np.float64], most: float, out: NDArray[np.int64]) -> None:
    """Fill ``out`` with ``shares`` in units of 1e-6 shares, rounded half to even.

    NaN, negative values and what is above ``most`` shares become -1.
    """
    for i in range(len(shares)):
        value = shares[i]
        out[i] = np.int64(np.rint(value * MICROS_PER_SHARE)) if 0.0 <= value <= most else -1


@kernel
def scale_times(steps: NDArray[np.int64], ns_per_step: int, out: NDArray[np.int64]) -> None:
    """Fill ``out`` with times in ns; 0 where an int64 cannot hold them."""
    limit = LARGEST_TIME // ns_per_step
    for i in range(len(steps)):
        out[i] = steps[i] * ns_per_step if -limit <= steps[i] <= limit else 0


@kernel
def bar_ends(starts: NDArray[np.int64], intervals: NDArray[np.int64], out: NDArray[np.int64]) -> None:
    """Fill ``out`` with ``starts + intervals``, at most the largest int64; unusable starts stay as they are."""
    for i in range(len(starts)):
        start = starts[i]
        if start <= 0:
            out[i] = start
        elif start > LARGEST_TIME - intervals[i]:
            out[i] = LARGEST_TIME
        else:
            out[i] = start + intervals[i]


@kernel
def usable_or_minus_one(prices: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Fill ``out`` with ``prices``; -1 where NaN, infinite or not above zero."""
    for i in range(len(prices)):
        out[i] = prices[i] if 0.0 < prices[i] < np.inf else -1.0


@kernel
def count_flags(
    flags: NDArray[Any],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
    found: NDArray[np.int64],
    hidden: NDArray[np.int64],
) -> None:
    """Fill ``found`` with all bits of the flags of each piece, and ``hidden`` with how many have bit 1, 2 and 4.

    Parameters
    ----------
    flags
        uint8 or int64.
    starts, ends
        First row of each piece, and the row behind its last.
    hidden
        Three columns, one row a piece.
    """
    for piece in range(len(starts)):
        every, last, volume, extremes = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
        for row in range(starts[piece], ends[piece]):
            every |= np.int64(flags[row])
            last += flags[row] & 1
            volume += flags[row] >> 1 & 1
            extremes += flags[row] >> 2 & 1
        found[piece] = every
        hidden[piece, 0] = last
        hidden[piece, 1] = volume
        hidden[piece, 2] = extremes


@kernel
def first_not_above_zero(values: NDArray[np.int64]) -> int:
    """Return the first row whose value is not above zero, or -1."""
    for i in range(len(values)):
        if values[i] <= 0:
            return i
    return -1


@kernel
def first_descent(times: NDArray[np.int64], before: int) -> int:
    """Return the first row that is earlier than the one before it (``before`` precedes row 0), or -1."""
    for i in range(len(times)):
        if times[i] < before:
            return i
        before = times[i]
    return -1


@kernel
def first_descent_in_pieces(times: NDArray[np.int64], starts: NDArray[np.int64], before: NDArray[np.int64]) -> int:
    """Return the first row that is earlier than the one before it in its piece, or -1.

    Parameters
    ----------
    starts
        First row of each piece.
    before
        Time that precedes the first row of each piece.
    """
    for piece in range(len(starts)):
        latest = before[piece]
        for i in range(starts[piece], starts[piece + 1] if piece + 1 < len(starts) else len(times)):
            if times[i] < latest:
                return i
            latest = times[i]
    return -1


@kernel
def lift(
    times: NDArray[np.int64], known: NDArray[np.bool_], latest: int, lift_late: bool, out: NDArray[np.int64]
) -> int:
    """Fill ``out`` with available times that never descend.

    A row whose available time is not ``known`` takes the latest one before it; so does, if ``lift_late``, a row
    that stands after later ones: it was read after them, so it cannot have been known before them.

    Parameters
    ----------
    times
        Available times as recorded, int64 ns.
    known
        False where neither `received_at` nor a usable timestamp tells the available time.
    latest
        The latest available time before row 0, int64 ns.

    Returns
    -------
    int
        The first row that is earlier than a known one before it, if not ``lift_late``; ``out`` ends there. Else -1.
    """
    for i in range(len(times)):
        if known[i]:
            if times[i] >= latest:
                latest = times[i]
            elif not lift_late:
                return i
        out[i] = latest
    return -1


@kernel
def sort_keys(times: NDArray[np.int64], known: NDArray[np.bool_], latest: int, out: NDArray[np.int64]) -> int:
    """Fill ``out`` with each row's own available time, or the latest known one before it.

    Returns
    -------
    int
        The latest known time, these rows included.
    """
    for i in range(len(times)):
        out[i] = times[i] if known[i] else latest
        latest = max(latest, out[i])
    return latest


@kernel
def decimal_doubles(
    words: NDArray[np.int64], stride: int, power: float, multiplied: bool, out: NDArray[np.float64]
) -> int:
    """Fill ``out`` with decimals whose integers are doubles; NaN for the others.

    Parameters
    ----------
    words
        The integers in two's complement, ``stride`` words each, the lowest first.
    power
        The power of ten of the scale, which is a double.
    multiplied
        Whether integers are multiplied by ``power`` (a negative scale), instead of divided.

    Returns
    -------
    int
        The number of NaN.
    """
    others = 0
    for i in range(len(out)):
        low = words[i * stride]
        fits = -LARGEST_DOUBLE_INTEGER <= low <= LARGEST_DOUBLE_INTEGER
        for place in range(1, stride):
            fits &= words[i * stride + place] == low >> 63
        if fits:
            out[i] = low * power if multiplied else low / power
        else:
            out[i] = np.nan
            others += 1
    return others

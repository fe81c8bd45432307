"""Lookup tables of the market: integers, the same on every machine."""

from __future__ import annotations

from decimal import Context, Decimal
from functools import cache

import numpy as np
from numpy.typing import NDArray

WAIT_BITS = 12
WAIT_MEAN = 1_024
"""Mean of the waiting times in ``waits``."""


@cache
def waits() -> NDArray[np.int64]:
    """Return 4,096 equally likely waiting times of an exponential distribution with mean 1,024.

    The decimal module rounds -ln correctly; the C library's result may differ between machines.
    """
    context = Context(prec=20)
    count = 1 << WAIT_BITS
    return np.array(
        [round(-context.ln(Decimal(2 * i + 1) / Decimal(2 * count)) * WAIT_MEAN) for i in range(count)],
        dtype=np.int64,
    )


SLOW_ACTIVITY = np.array([8, 10, 11, 12, 13, 13, 14, 15, 16, 16, 17, 18, 19, 21, 24, 29], dtype=np.int64)
"""Activity of a symbol in a quarter of an hour, in 1/16 of its usual."""

FAST_ACTIVITY = np.array([5, 8, 10, 11, 12, 13, 14, 15, 16, 16, 17, 18, 19, 21, 25, 36], dtype=np.int64)
"""Factor on it for each minute, in 1/16."""

LOT_BITS = 8


def _lots() -> NDArray[np.int64]:
    """Return 256 equally likely trade sizes in shares; 0 stands for an odd lot of 1 to 99.

    About 45 % are odd lots and 33 % exactly 100, as on the consolidated tape since it reports odd lots.
    """
    shares = {0: 114, 100: 84, 200: 20, 300: 10, 400: 5, 500: 7, 600: 2, 700: 1, 800: 1, 1_000: 4, 1_500: 1, 2_000: 1}
    mixed = {125: 1, 137: 1, 150: 1, 211: 1, 250: 1, 340: 1}
    return np.repeat(
        np.array(list(shares) + list(mixed), dtype=np.int64), np.array(list(shares.values()) + list(mixed.values()))
    )


LOTS = _lots()

FLAG_BITS = 10


def _flags() -> NDArray[np.uint8]:
    """Return 1,024 equally likely condition flags; 12 of them exclude a trade from some values."""
    flags = np.zeros(1 << FLAG_BITS, dtype=np.uint8)
    flags[:7] = 5  # average-price, prior-reference and other trades away from the market: volume only
    flags[7:9] = 1
    flags[9] = 4
    flags[10] = 2
    flags[11] = 7  # a repeated report of a trade
    return flags


FLAGS = _flags()

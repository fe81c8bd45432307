"""Student's t for whole degrees of freedom, by its finite series, so that the oracle needs no library of statistics.

Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4. Exact to some 1e-15, absolutely.
"""

from __future__ import annotations

import math
from functools import cache


def two_sided(t: float, freedom: int) -> float:
    """Return the probability of a value at least as far from 0 as ``t``."""
    return max(0.0, 1 - _within(abs(t), freedom))


@cache
def critical(freedom: int) -> float:
    """Return the value that is exceeded, on either side, with a probability of 0.05."""
    low, high = 0.0, 20.0
    for _ in range(200):
        middle = (low + high) / 2
        if _within(middle, freedom) < 0.95:
            low = middle
        else:
            high = middle
    return high


def _within(t: float, freedom: int) -> float:
    """Return the probability of a value between -t and t."""
    angle = math.atan2(t, math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    if freedom == 1:
        return 2 * angle / math.pi
    if freedom % 2 == 0:
        term = added = 1.0
        for factor in range(1, freedom - 2, 2):
            term *= cosine**2 * factor / (factor + 1)
            added += term
        return sine * added
    term = added = cosine
    for factor in range(2, freedom - 2, 2):
        term *= cosine**2 * factor / (factor + 1)
        added += term
    return 2 / math.pi * (angle + sine * added)

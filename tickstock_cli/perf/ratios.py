"""Ratios of two sides that were measured in turns, with confidence intervals. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from statistics import median

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and an interval that holds the true one with at least ``coverage``."""

    low: float
    median: float
    high: float
    coverage: float


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Return the median and the interval of order statistics around it, whatever the values' distribution.

    The k-th least and the k-th greatest of n values enclose the median with probability
    ``1 - 2 · P(B < k)``, where B counts heads among n fair coins. The innermost pair with the wanted confidence is
    taken, or the outermost if even that has less. One outlier of nine values has no effect.

    References
    ----------
    H. A. David, H. N. Nagaraja, "Order Statistics", 3rd edition, section 7.1.

    Examples
    --------
    >>> interval([1.0, 1.1, 0.9, 1.0, 1.2, 5.0, 1.0, 0.8, 1.05])
    Interval(low=0.9, median=1.0, high=1.2, coverage=0.9609375)
    """
    ordered = sorted(values)
    count = len(ordered)
    best = 1
    while best + 1 <= (count + 1) // 2 and _coverage(count, best + 1) >= confidence:
        best += 1
    return Interval(ordered[best - 1], median(ordered), ordered[count - best], _coverage(count, best))


def apart(ratios: Sequence[float]) -> float:
    """Return the noise of a side: 0.04 means that a difference of 4 % may be noise.

    It is the farther end of the interval of the ratios' median.

    Parameters
    ----------
    ratios
        Of one side over itself, pair by pair; above 0.

    Examples
    --------
    >>> round(apart([1.0, 1.02, 0.98, 1.01, 1.03]), 3)
    0.03
    """
    found = interval(ratios)
    return max(found.high, 1 / found.low) - 1


def ratios_of(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """Return ratios pair by pair; both above 0."""
    return [value / other for value, other in zip(values, base, strict=True)]


def _coverage(count: int, rank: int) -> float:
    outside = sum(comb(count, heads) for heads in range(rank)) / 2.0**count
    return max(0.0, 1 - 2 * outside)

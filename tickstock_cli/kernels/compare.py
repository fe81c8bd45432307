"""Comparisons of docs/semantics.md that every rule uses."""

from __future__ import annotations

import numpy as np

from tickstock_cli.kernels.jit import kernel

SECOND_NS = 1_000_000_000
NEVER = 0
"""Time of an event that has not happened; real times are above 0."""


@kernel
def reaches(value: float, threshold: float) -> bool:
    """Return whether ``value`` is at least ``threshold``, with a relative tolerance of 1e-9 for binary fractions."""
    return value >= threshold - abs(threshold) * 1e-9


@kernel
def within_cooldown(time: int, last: int, cooldown: int) -> bool:
    """Return whether ``time`` is in ``[last, last + cooldown)``, int64 ns; False without an earlier event."""
    return last != NEVER and 0 <= time - last < cooldown


@kernel
def sign(value: float) -> int:
    """Return -1, 0 or +1."""
    return int(value > 0) - int(value < 0)


@kernel
def extreme_distance(reference: float, min_price_change: float, min_percent_change: float) -> float:
    """Return the least distance, in dollars, of an extreme from the last reported one."""
    return max(min_price_change, reference * min_percent_change / 100.0)


@kernel
def micro_shares(shares: int, micros: int) -> float:
    """Return ``shares * 1e6 + micros`` as a float64, exact wherever int64 can hold it.

    Sums of volumes are kept in two int64 parts, because 93 rows of the greatest size allowed would
    overflow one.
    """
    if shares < 9_000_000_000_000:
        return float(shares * 1_000_000 + micros)
    return shares * 1e6 + micros


def cooldown_ns(seconds: float) -> int:
    """Return a setting in seconds as int64 ns."""
    return int(np.rint(seconds * SECOND_NS))

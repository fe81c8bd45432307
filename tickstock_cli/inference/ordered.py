"""Sums in the order of rows.

numpy adds in blocks, whose size depends on the machine; results must not. A loop adds one row after the other, as
``np.add.accumulate`` would, but keeps no array of sums.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel

_NO_SPREAD = 1e-12


def ordered_sum(values: NDArray[np.float64]) -> float:
    """Return the sum of values (float64), added from the first to the last; 0.0 of none."""
    return float(_added(values)) + 0.0


def ordered_mean(values: NDArray[np.float64]) -> float:
    """Return the mean of at least one value (float64)."""
    return ordered_sum(values) / len(values) + 0.0


def standard_deviation(values: NDArray[np.float64], mean: float) -> float:
    """Return the standard deviation of at least two values about their mean (n − 1 in the divisor)."""
    return math.sqrt(float(_squares(values, mean)) / (len(values) - 1))


def has_spread(deviation: float, mean: float) -> bool:
    """Return whether a deviation (or standard error) is more than what rounding leaves of equal values."""
    return deviation > _NO_SPREAD * abs(mean)


def all_equal(values: NDArray[np.float64]) -> bool:
    """Return whether no value differs from the first."""
    return bool((values == values[:1]).all())


@kernel
def _added(values: NDArray[np.float64]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


@kernel
def _squares(values: NDArray[np.float64], mean: float) -> float:
    """Return the sum of the squares of distances from a mean."""
    total = 0.0
    for value in values:
        total += (value - mean) * (value - mean)
    return total

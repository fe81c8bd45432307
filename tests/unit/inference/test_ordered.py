"""Sums are those of a loop, to the last bit."""

from __future__ import annotations

import math

import numpy as np

from tickstock_cli.inference.ordered import ordered_mean, ordered_sum, standard_deviation


def test_a_sum_is_that_of_a_loop() -> None:
    """Blocks of numpy's own sum end elsewhere."""
    values = np.random.default_rng(3).normal(size=10_000) * 1e8
    total = 0.0
    for value in values.tolist():
        total += value
    assert ordered_sum(values) == total
    assert ordered_sum(values) != float(np.sum(values))  # pairwise, in blocks
    assert ordered_mean(values) == total / 10_000


def test_nothing_negative_is_written_as_a_negative_zero() -> None:
    """JSON would show it."""
    assert math.copysign(1.0, ordered_sum(np.array([-0.0, -0.0]))) == 1.0
    assert math.copysign(1.0, ordered_mean(np.array([-0.0]))) == 1.0
    assert ordered_sum(np.empty(0)) == 0.0


def test_a_standard_deviation_divides_by_one_less() -> None:
    """Squares 4, 0, 4 by 2."""
    assert standard_deviation(np.array([1.0, 3.0, 5.0]), 3.0) == 2.0

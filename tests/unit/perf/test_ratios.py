"""Medians with intervals that hold whatever the distribution, and noise that one bad round does not raise."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.perf.ratios import apart, interval, ratios_of


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_an_interval_encloses_its_median_and_is_made_of_values(values: list[float]) -> None:
    """Order statistics: nothing is estimated that was not seen."""
    found = interval(values)

    assert found.low <= found.median <= found.high
    assert {found.low, found.high} <= set(values)
    assert 0 <= found.coverage <= 1


def test_the_interval_holds_the_true_median_as_often_as_it_says() -> None:
    """Two thousand experiments of nine rounds with a heavy tail, as machines with neighbours have it."""
    dice = random.Random(7)
    held = 0
    for _ in range(2_000):
        found = interval([dice.lognormvariate(0, 1) for _ in range(9)])
        held += found.low <= 1.0 <= found.high  # the median of this distribution is 1

    assert found.coverage == 1 - 2 * (1 + 9) / 2**9
    assert abs(held / 2_000 - found.coverage) < 0.015


def test_one_outlier_of_nine_rounds_changes_no_median() -> None:
    """A neighbour that wakes up once must not decide."""
    quiet = [1.00, 1.01, 0.99, 1.02, 0.98, 1.00, 1.01, 0.99]

    assert interval([*quiet, 9.0]).high < 1.03
    assert apart([*quiet, 9.0]) < 0.03


def test_ratios_are_of_the_same_round() -> None:
    """What a machine does meanwhile meets both sides of a round."""
    assert ratios_of([2.0, 30.0], [1.0, 10.0]) == [2.0, 3.0]

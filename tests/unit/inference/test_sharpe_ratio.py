"""Sharpe ratios after selection: the paper's own example, and scipy's moments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tickstock_cli.inference.sharpe_ratio import (
    deflated_sharpe_ratio,
    expected_best,
    probabilistic_sharpe_ratio,
    sharpe_ratio,
)


def test_the_example_of_the_paper() -> None:
    """100 trials, variance of yearly ratios 1/2; the best has 2.5 over 1,250 days, skewed and fat-tailed."""
    best = expected_best(math.sqrt(0.5 / 250), 100)
    assert best == pytest.approx(0.1132, abs=5e-5)
    probability = probabilistic_sharpe_ratio(2.5 / math.sqrt(250), best, 1250, -3.0, 10.0)
    assert probability == pytest.approx(0.9004, abs=5e-5)


def test_one_trial_is_compared_with_zero() -> None:
    """As the probabilistic ratio of the moments that scipy finds."""
    returns = np.random.default_rng(2).standard_t(4, 300) * 0.01 + 0.0007
    ratio = float(returns.mean() / returns.std(ddof=1))
    spread = 1 - stats.skew(returns) * ratio + (stats.kurtosis(returns, fisher=False) - 1) / 4 * ratio**2
    expected = stats.norm.cdf(ratio * math.sqrt(299) / math.sqrt(spread))
    assert sharpe_ratio(returns) == pytest.approx(ratio, rel=1e-12)
    assert deflated_sharpe_ratio(returns, [ratio], 1.0) == pytest.approx(expected, rel=1e-12)


def test_more_trials_make_the_same_returns_less_sure() -> None:
    """A trial that is worth nothing changes nothing."""
    returns = np.random.default_rng(2).normal(0.001, 0.01, 300)
    sharpes = [0.1, -0.05, 0.02, 0.07]
    once, few, many = (deflated_sharpe_ratio(returns, sharpes, count) or 0.0 for count in (1.0, 2.5, 50.0))
    assert 1 > once > few > many > 0


def test_the_best_of_hardly_more_than_one_trial_is_not_below_zero() -> None:
    """The paper's approximation falls to −∞ at one trial."""
    assert expected_best(1.0, 1.0) == expected_best(1.0, 1.0001) == expected_best(1.0, 1.2) == 0.0
    assert expected_best(1.0, 2.0) > 0


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 30, [0.1, 0.1, 0.1 + 1e-16]])
def test_returns_without_spread_have_no_ratio(returns: list[float]) -> None:
    """A constant return is no infinite skill."""
    assert sharpe_ratio(np.array(returns)) is None
    assert deflated_sharpe_ratio(np.array(returns), [0.0], 1.0) is None


def test_an_error_of_zero_proves_nothing() -> None:
    """Of a coin of two values, the formula's error can be 0: its probability would be 1."""
    assert probabilistic_sharpe_ratio(2.0, 0.0, 100, 1.0, 1.0) is None

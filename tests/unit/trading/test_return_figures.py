"""Figures of equity: by hand, and against empyrical.

empyrical-reloaded is no dependency of the tests, because it pins a package that has no wheel. Its version 0.7.1 gave
the values here: ``empyrical.sharpe_ratio(returns)`` and so on, with ``returns`` a numpy array.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.trading.return_figures import (
    ANNUAL,
    annual_figures,
    daily_returns,
    longest_drawdown,
    max_drawdown,
)

CASH = 100_000_000_000
CYCLE = (130, -90, 40, -210, 75, 20, -35, 160, -15, 55, -120, 90)
ENDS = CASH + np.cumsum([(CYCLE[day % 12] + day * day % 17) * 10_000_000 for day in range(26)])
"""Equity at the ends of 26 days, 100,000 dollars at the start."""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("annual_return", 0.5235736144190615),
        ("annual_volatility", 0.16531286442035792),
        ("sharpe_ratio", 2.6287789004485163),
        ("sortino_ratio", 3.992195607445018),
        ("calmar_ratio", 21.560165504329696),
    ],
)
def test_empyrical_finds_the_same(name: str, value: float) -> None:
    """To rounding."""
    figures, _ = annual_figures(daily_returns(CASH, ENDS))
    assert figures[name] == pytest.approx(value, rel=1e-9)


def test_empyrical_finds_the_same_drawdown() -> None:
    """Of the same days, as if they were minutes."""
    assert max_drawdown(CASH, ENDS) == pytest.approx(-0.02428430404738395, rel=1e-12)


def test_nineteen_days_are_no_year() -> None:
    """Twenty are."""
    returns = daily_returns(CASH, ENDS)
    figures, unknown = annual_figures(returns[:19])
    assert figures == {}
    assert unknown == dict.fromkeys(ANNUAL, "fewer than 20 daily returns")
    assert annual_figures(returns[:20])[0].keys() == set(ANNUAL)


def test_a_strategy_that_never_trades_has_no_ratios() -> None:
    """Twenty days of 0: a return and a volatility of 0, and three ratios with a reason."""
    figures, unknown = annual_figures(np.zeros(20))
    assert figures == {"annual_return": 0.0, "annual_volatility": 0.0}
    assert unknown == {
        "sharpe_ratio": "daily returns have no spread",
        "deflated_sharpe_ratio": "daily returns have too little spread",
        "sortino_ratio": "no daily return is below 0",
        "calmar_ratio": "equity at day ends never fell",
    }


@pytest.mark.parametrize(
    ("equity", "depth", "length"),
    [
        ([], 0.0, 0),
        ([100, 110, 120], 0.0, 0),
        ([90, 95, 100], -0.1, 3),  # from the start, which is a peak; recovered at the third sample
        ([120, 90, 120, 110], -0.25, 2),  # recovered after two samples; one more at the end
        ([120, 120, 119, 118, 117], -0.025, 3),  # from the last sample at the peak to the end
        ([99, 100, 100, 50, 60], -0.5, 2),
        ([-50], -1.5, 1),
    ],
)
def test_drawdowns_by_hand(equity: list[int], depth: float, length: int) -> None:
    """Cash of 100, and what follows minute by minute."""
    samples = np.array(equity, np.int64)
    assert max_drawdown(100, samples) == pytest.approx(depth, rel=1e-15)
    assert longest_drawdown(100, samples) == length


@given(st.lists(st.integers(1, 8), max_size=30))
def test_the_longest_drawdown_is_that_of_a_loop(equity: list[int]) -> None:
    """Height and place of the peak, sample by sample."""
    peak, place, longest = 4, 0, 0
    for sample, value in enumerate(equity, 1):
        if value < peak:
            longest = max(longest, sample - place)
        else:
            longest = max(longest, sample - place if sample - place > 1 else 0)
            peak, place = value, sample
    assert longest_drawdown(4, np.array(equity, np.int64)) == longest


@given(st.lists(st.integers(1, 10**15), min_size=20, max_size=40))
def test_no_figure_is_infinite(equity: list[int]) -> None:
    """Whatever the equity does, above 0."""
    figures, unknown = annual_figures(daily_returns(CASH, np.array(equity, np.int64)))
    assert all(math.isfinite(value) for value in figures.values())
    assert figures.keys() | unknown.keys() == set(ANNUAL)

"""Figures of a strategy's equity: what a year of it would be worth, how much it moves, and how far it fell.

Formulas and signs are those of ``empyrical``: 252 days a year, no riskless return, standard deviations with n − 1,
falls negative. Equity is int64 micro-dollars.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.inference.ordered import ordered_mean, standard_deviation
from tickstock_cli.inference.sharpe_ratio import deflated_sharpe_ratio, sharpe_ratio

DAYS_PER_YEAR = 252
LEAST_DAYS = 20
"""From fewer daily returns, a year is guesswork."""

ANNUAL = (
    "annual_return",
    "annual_volatility",
    "sharpe_ratio",
    "sortino_ratio",
    "calmar_ratio",
    "deflated_sharpe_ratio",
)


def daily_returns(cash: int, equity: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each day's return (float64): equity at its end over that of the day before, the first over cash, − 1."""
    if not len(equity):
        return np.empty(0)
    ends = np.concatenate([[cash], equity]).astype(np.float64)
    return ends[1:] / ends[:-1] - 1.0


def annual_figures(returns: NDArray[np.float64]) -> tuple[dict[str, float], dict[str, str]]:
    """Return ``ANNUAL`` figures of daily returns above −1, and why some cannot be had.

    The deflated Sharpe ratio is that of a single trial: the probability that the true ratio is above 0.
    """
    if len(returns) < LEAST_DAYS:
        return {}, dict.fromkeys(ANNUAL, f"fewer than {LEAST_DAYS} daily returns")
    mean = ordered_mean(returns)
    year = float(np.multiply.accumulate(1.0 + returns)[-1]) ** (DAYS_PER_YEAR / len(returns)) - 1.0
    deviation = standard_deviation(returns, mean)
    figures = {"annual_return": year + 0.0, "annual_volatility": deviation * math.sqrt(DAYS_PER_YEAR)}
    unknown: dict[str, str] = {}
    ratio = sharpe_ratio(returns)
    yearly = None if ratio is None else ratio * math.sqrt(DAYS_PER_YEAR)
    probability = None if ratio is None else deflated_sharpe_ratio(returns, [ratio], 1.0)
    _put(figures, unknown, "sharpe_ratio", yearly, "daily returns have no spread")
    _put(figures, unknown, "deflated_sharpe_ratio", probability, "daily returns have too little spread")
    downside = math.sqrt(ordered_mean(np.minimum(returns, 0.0) ** 2))
    sortino = mean / downside * math.sqrt(DAYS_PER_YEAR) if downside > 0 else None
    _put(figures, unknown, "sortino_ratio", sortino, "no daily return is below 0")
    worst = _worst_fall(np.multiply.accumulate(np.concatenate([[1.0], 1.0 + returns])))
    _put(figures, unknown, "calmar_ratio", year / -worst if worst < 0 else None, "equity at day ends never fell")
    return figures, unknown


def max_drawdown(cash: int, equity: NDArray[np.int64]) -> float:
    """Return the deepest fall of equity below its peak so far, cash included, as a share of the peak: 0 or negative."""
    return _worst_fall(np.concatenate([[cash], equity]).astype(np.float64))


def longest_drawdown(cash: int, equity: NDArray[np.int64]) -> int:
    """Return the samples from the peak to recovery, or to the end, of the drawdown for which they are most; 0 without.

    Cash is a sample before the first. A peak is the last sample at its height, and recovery the first at that height
    again.
    """
    series = np.concatenate([[cash], equity])
    at_peak = np.flatnonzero(series == np.maximum.accumulate(series))
    last = len(series) - 1
    lengths = np.diff(at_peak)
    recovered = int(lengths[lengths > 1].max(initial=0))
    return max(recovered, last - int(at_peak[-1]))


def _worst_fall(series: NDArray[np.float64]) -> float:
    peaks = np.maximum.accumulate(series)
    return float(((series - peaks) / peaks).min()) + 0.0


def _put(figures: dict[str, float], unknown: dict[str, str], name: str, value: float | None, reason: str) -> None:
    if value is None:
        unknown[name] = reason
    else:
        figures[name] = value + 0.0

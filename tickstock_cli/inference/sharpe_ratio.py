"""How sure a Sharpe ratio is, and how much of it is luck of the best of many trials.

All ratios here are per period: the mean of returns over their standard deviation, not annualised.

References
----------
Bailey, López de Prado (2014), The deflated Sharpe ratio: correcting for selection bias, backtest overfitting and
non-normality, Journal of Portfolio Management 40(5).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.inference.ordered import has_spread, ordered_mean, standard_deviation


def sharpe_ratio(returns: NDArray[np.float64]) -> float | None:
    """Return mean/std (n − 1) of returns (float64); None of fewer than two, or without spread."""
    if len(returns) < 2:
        return None
    mean = ordered_mean(returns)
    deviation = standard_deviation(returns, mean)
    return mean / deviation + 0.0 if has_spread(deviation, mean) else None


def deflated_sharpe_ratio(
    returns: NDArray[np.float64], trial_sharpes: Sequence[float], effective_trials: float
) -> float | None:
    """Return the probability that the true Sharpe ratio is above what the best of trials without skill would show.

    Parameters
    ----------
    returns
        Of the strategy that was chosen, float64.
    trial_sharpes
        Ratios of all configurations tried, the chosen one included.
    effective_trials
        How many independent trials they are worth, at least 1. One trial alone is compared with 0.

    Returns
    -------
        A probability; None if the returns have no ratio, or too little spread for an error of it.
    """
    ratio = sharpe_ratio(returns)
    if ratio is None:
        return None
    residuals = returns - ordered_mean(returns)
    squares = residuals**2
    variance = ordered_mean(squares)
    skewness = ordered_mean(squares * residuals) / variance**1.5
    kurtosis = ordered_mean(squares**2) / variance**2
    benchmark = 0.0
    if len(trial_sharpes) > 1:
        trials = np.array(trial_sharpes, np.float64)
        benchmark = expected_best(standard_deviation(trials, ordered_mean(trials)), effective_trials)
    return probabilistic_sharpe_ratio(ratio, benchmark, len(returns), skewness, kurtosis)


def expected_best(deviation: float, trials: float) -> float:
    """Return the Sharpe ratio that the best of some trials without skill is expected to have.

    The paper's SR₀ = deviation·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e))), γ being Euler's constant; 0 where it would
    be negative: the approximation is for many trials, and falls without bound from 1.3 towards 1.
    """
    from scipy import special  # heavy: only where a distribution is needed

    if trials <= 1:
        return 0.0
    single, tail = special.ndtri(1 - 1 / trials), special.ndtri(1 - 1 / (trials * math.e))
    return max(0.0, deviation * float((1 - np.euler_gamma) * single + np.euler_gamma * tail))


def probabilistic_sharpe_ratio(
    ratio: float, benchmark: float, periods: int, skewness: float, kurtosis: float
) -> float | None:
    """Return the probability that the true Sharpe ratio is above a benchmark; None if its error is 0.

    Φ((SR − SR₀)·√(T − 1)/√(1 − γ₃·SR + (γ₄ − 1)/4·SR²)), γ₃ and γ₄ being skewness and kurtosis (3 of a normal one).
    """
    from scipy import special

    spread = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    if spread <= 0:
        return None
    return float(special.ndtr((ratio - benchmark) * math.sqrt(periods - 1) / math.sqrt(spread)))

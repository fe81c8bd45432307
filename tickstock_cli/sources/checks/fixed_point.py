"""The factor of prices in fixed point, from the prices themselves."""

from __future__ import annotations

import numpy as np

from tickstock_cli.core.batch import Float64s

_FACTORS = {2: "0.01", 4: "0.0001", 6: "1e-6", 8: "1e-8", 9: "1e-9"}
"""By the number of decimal places, the most usual ones."""
_LOWEST, _HIGHEST = 0.5, 10_000
"""Between which most prices of shares lie."""
_DECIMALS = 2
"""Of the price of a share: digits behind them are 0 in fixed point."""


def likely_factor(prices: Float64s) -> str:
    """Return the factor, as a setting has it, that makes plausible prices of those in fixed point.

    Of several, it is the one by which prices are whole cents; else the one that leaves them the highest.

    Examples
    --------
    >>> [likely_factor(np.array([price])) for price in (18_113.0, 1_811_300.0, 181_130_000.0, 181_130_000_000.0)]
    ['0.01', '0.0001', '1e-6', '1e-9']
    """
    middle = float(np.median(prices))
    plausible = [places for places in _FACTORS if _LOWEST <= middle / 10**places < _HIGHEST]
    places = _zeros(prices) + _DECIMALS
    if places in plausible:
        return _FACTORS[places]
    return _FACTORS[plausible[0] if plausible else max(_FACTORS)]


def _zeros(prices: Float64s) -> int:
    """Return the number of digits at the end of all prices that are 0."""
    whole = prices[np.abs(prices) < 2.0**63].astype(np.int64)
    if len(whole) < len(prices) or (whole != prices).any():
        return 0
    common = int(np.gcd.reduce(whole))
    digits = str(common)
    return len(digits) - len(digits.rstrip("0"))

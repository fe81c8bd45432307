"""How many of many tests would be wrong.

References
----------
Benjamini, Hochberg (1995), Controlling the false discovery rate, Journal of the Royal Statistical Society B 57(1).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def false_discovery_rates(p: Sequence[float]) -> list[float]:
    """Return the q of each p: the share of false discoveries if it and all smaller ones are called discoveries.

    q of the i-th smallest of m is the least of p_j·m/j over j ≥ i, at most 1; equal p have equal q.
    """
    values = np.array(p, np.float64)
    count = len(values)
    order = values.argsort(kind="stable")
    scaled = values[order] * count / np.arange(1, count + 1)
    rates = np.empty(count)
    rates[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return rates.tolist()

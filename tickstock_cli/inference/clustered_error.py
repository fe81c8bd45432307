"""The standard error of a mean whose values are correlated in two ways.

Returns of one ticker on one day share its path; returns of one moment share the market's. Each is a clustering, and the
error allows for both:

1. residual = value − mean.
2. V_X = G/(G − 1)·Σ_g(Σ_{i∈g} residual)²/n² over the G clusters of a clustering X.
3. V = max(V_A + V_B − V_AB, V_A, V_B), AB being the intersections. The difference alone can be negative, or so small
   that noise looks like proof.
4. t = mean/√V with min(G_A, G_B) − 1 degrees of freedom.

References
----------
Cameron, Gelbach, Miller (2011), Robust inference with multiway clustering, Journal of Business & Economic Statistics
29(2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.inference.ordered import all_equal, has_spread, ordered_sum
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.pairs import number_pairs

FEW_CLUSTERS = 10
"""With fewer of either clustering, the error is marked as resting on few."""

CONFIDENCE = 0.95

TOO_LARGE = "the values are too large"


@dataclass(frozen=True, slots=True)
class Clusters:
    """Clusters of rows in two ways, and their intersections: equally long arrays of numbers from 0 (int64)."""

    a: NDArray[np.int64]
    b: NDArray[np.int64]
    both: NDArray[np.int64]

    def where(self, mask: NDArray[np.bool_]) -> Clusters:
        """Return the clusters of some rows; numbers stay as they are."""
        return self if mask.all() else Clusters(self.a[mask], self.b[mask], self.both[mask])


@dataclass(frozen=True, slots=True)
class MeanError:
    """How exactly a mean is known.

    Attributes
    ----------
    se, t, p, lo, hi
        Standard error, t statistic, two-sided p, bounds of the 95 % interval; in the unit of the values. All None if
        the error cannot be had.
    few
        Whether either clustering has fewer than ``FEW_CLUSTERS`` clusters.
    unknown
        Why the error cannot be had; empty if it can.
    """

    se: float | None
    t: float | None
    p: float | None
    lo: float | None
    hi: float | None
    few: bool
    unknown: str = ""


def clusters_of(
    tickers: NDArray[np.int64], days: NDArray[np.int64], moments: NDArray[np.int64] | None = None
) -> Clusters:
    """Return the clusters (ticker, day) and (day, moment) of rows; without moments, (ticker, day) and (day)."""
    a, _ = number_pairs(tickers, days)
    b, _ = number_pairs(days, np.zeros(len(days), np.int64) if moments is None else moments)
    both, _ = number_pairs(a, b)
    return Clusters(a, b, both)


def mean_error(
    values: NDArray[np.float64], mean: float, clusters: Clusters, weights: NDArray[np.float64] | None = None
) -> MeanError:
    """Return the error of a mean.

    Parameters
    ----------
    values
        At least none, float64, finite.
    mean
        Their mean; with weights, Σ weight·value/Σ weight.
    clusters
        Of the same rows.
    weights
        Positive, float64. They weight residuals, and their sum takes the place of n.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        residuals, total = values - mean, float(len(values))
        if weights is not None:
            residuals, total = residuals * weights, ordered_sum(weights)
        sums = [_squared_sums(residuals, ids) for ids in (clusters.a, clusters.b, clusters.both)]
    count_a, count_b = sums[0][0], sums[1][0]
    groups = min(count_a, count_b)
    few = groups < FEW_CLUSTERS
    if groups < 2:
        return _unknown(few, _too_few(len(values), count_a))
    if all_equal(values):
        return _unknown(few, "all values are equal")
    of_a, of_b, of_both = (count / (count - 1) * squares / total**2 for count, squares in sums)
    variance = max(of_a + of_b - of_both, of_a, of_b)
    if not math.isfinite(variance):
        return _unknown(few, TOO_LARGE)
    se = math.sqrt(variance)
    if not has_spread(se, mean):
        return _unknown(few, "the values have no spread")
    return _tested(mean, se, groups - 1, few)


@kernel
def _squared_sums(residuals: NDArray[np.float64], ids: NDArray[np.int64]) -> tuple[int, float]:
    """Return the number of clusters that have a row, and the sum of the squares of their sums, in order.

    Clusters without a row add 0, and are not counted.
    """
    most = -1
    for i in range(len(ids)):
        most = max(most, ids[i])
    sums, has_row = np.zeros(most + 1), np.zeros(most + 1, np.bool_)
    for i in range(len(ids)):
        sums[ids[i]] += residuals[i]
        has_row[ids[i]] = True
    groups, total = 0, 0.0
    for c in range(most + 1):
        groups += has_row[c]
        total += sums[c] * sums[c]
    return groups, total


def _too_few(rows: int, count_a: int) -> str:
    if rows == 0:
        return "no observation"
    if rows == 1:
        return "one observation"
    return "all observations are of one ticker and day" if count_a < 2 else "all observations are of one moment or day"


def _unknown(few: bool, reason: str) -> MeanError:
    return MeanError(None, None, None, None, None, few, reason)


def _tested(mean: float, se: float, freedom: int, few: bool) -> MeanError:
    from scipy import special  # heavy: only where a test is made

    t = mean / se + 0.0
    p = 2.0 * float(special.stdtr(freedom, -abs(t)))
    reach = float(special.stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * se
    return MeanError(se, t, p, mean - reach + 0.0, mean + reach + 0.0, few)

"""The error of a mean, by hand, against statsmodels, and on values that break formulas."""

from __future__ import annotations

import math
from collections import defaultdict

import numpy as np
import pytest
from arch.bootstrap import IIDBootstrap
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from tickstock_cli.inference.clustered_error import Clusters, MeanError, clusters_of, mean_error
from tickstock_cli.inference.ordered import ordered_mean

Integers = NDArray[np.int64]


def error_of(
    values: list[float] | NDArray[np.float64],
    tickers: list[int] | Integers,
    days: list[int] | Integers,
    moments: list[int] | Integers | None = None,
) -> MeanError:
    """Return the error of the mean of values."""
    array = np.asarray(values, np.float64)
    ids = [None if column is None else np.asarray(column, np.int64) for column in (tickers, days, moments)]
    assert ids[0] is not None
    assert ids[1] is not None
    return mean_error(array, ordered_mean(array), clusters_of(ids[0], ids[1], ids[2]))


def test_four_returns_by_hand() -> None:
    """Residuals −2, −1, 0, 3. By ticker and day 4/3·14/16 = 7/6, by day 2·(4 + 4)/16 = 1: the larger one counts."""
    error = error_of([1.0, 2.0, 3.0, 6.0], [0, 0, 1, 1], [1, 2, 1, 2])
    assert error.se == pytest.approx(math.sqrt(7 / 6), rel=1e-15)
    assert error.t == pytest.approx(3 / math.sqrt(7 / 6), rel=1e-15)
    assert error.p == pytest.approx(1 - 2 / math.pi * math.atan(3 / math.sqrt(7 / 6)), rel=1e-12)  # one degree: Cauchy
    assert error.hi == pytest.approx(3 + math.tan(0.475 * math.pi) * math.sqrt(7 / 6), rel=1e-12)
    assert error.lo == pytest.approx(3 - math.tan(0.475 * math.pi) * math.sqrt(7 / 6), rel=1e-12)
    assert error.few


def test_the_two_ways_add_up_by_hand() -> None:
    """V is V_A + V_B − V_AB where that is the largest.

    Values 3 3 1 1 3 3 1 1, mean 2. A: four pairs, sums 2 −2 2 −2: 4/3·16/64 = 1/3. B: rows 0 2 4 5 and 1 3 6 7, sums
    2 and −2: 2·8/64 = 1/4. Intersections: {0} {1} {2} {3} {4 5} {6 7}, sums 1 1 −1 −1 2 −2: 6/5·12/64 = 9/40.
    """
    error = error_of([3.0, 3, 1, 1, 3, 3, 1, 1], [0, 0, 1, 1, 2, 2, 3, 3], [7] * 8, [0, 1, 0, 1, 0, 0, 1, 1])
    assert error.se == pytest.approx(math.sqrt(1 / 3 + 1 / 4 - 9 / 40), rel=1e-15)


@pytest.mark.parametrize("seed", range(4))
def test_statsmodels_finds_the_same_variance(seed: int) -> None:
    """Its correction G/(G − 1)·(n − 1)/(n − 1) of a regression on a constant is ours."""
    random = np.random.default_rng(seed)
    rows = 400
    tickers, days = random.integers(0, 9, rows), random.integers(0, 14, rows)
    moments = random.integers(0, 3, rows)
    values = (
        0.3 + random.normal(size=9)[tickers] + random.normal(size=(14, 3))[days, moments] + random.normal(size=rows)
    )
    clusters = clusters_of(tickers, days, moments)
    fitted = OLS(values, np.ones(rows)).fit()
    both, of_a, of_b = (float(v[0, 0]) for v in cov_cluster_2groups(fitted, clusters.a, clusters.b))
    error = mean_error(values, ordered_mean(values), clusters)
    assert error.se == pytest.approx(math.sqrt(max(both, of_a, of_b)), rel=1e-10)
    groups = min(len(set(clusters.a.tolist())), len(set(clusters.b.tolist())))
    assert error.p == pytest.approx(2 * stats.t.sf(abs(error.t or 0), groups - 1), rel=1e-9)
    assert error.hi == pytest.approx(values.mean() + stats.t.ppf(0.975, groups - 1) * (error.se or 0), rel=1e-9)
    assert not error.few


def test_days_drawn_again_and_again_scatter_as_much() -> None:
    """Whole days are drawn with replacement, by arch; all rows of a day share a shock."""
    random = np.random.default_rng(11)
    days = np.repeat(np.arange(60), random.integers(2, 9, 60))
    values = 0.5 + random.normal(size=60)[days] + random.normal(size=len(days))
    error = error_of(values, np.arange(len(days)), days)
    sums, counts = np.bincount(days, weights=values), np.bincount(days)
    drawn = IIDBootstrap(sums, counts, seed=11).apply(lambda total, count: total.sum() / count.sum(), 2000)
    assert error.se == pytest.approx(float(drawn.std()), rel=0.05)


def plain_error(values: list[float], a: list[int], b: list[int]) -> float | None:
    """Return the standard error as the page says it, with dictionaries."""
    mean = sum(values) / len(values)

    def variance(keys: list[tuple[int, ...]]) -> float:
        sums: dict[tuple[int, ...], float] = defaultdict(float)
        for key, value in zip(keys, values, strict=True):
            sums[key] += value - mean
        groups = len(sums)
        return groups / (groups - 1) * sum(total**2 for total in sums.values()) / len(values) ** 2

    if len(set(a)) < 2 or len(set(b)) < 2 or len(set(values)) < 2:
        return None
    of_a, of_b = variance([(key,) for key in a]), variance([(key,) for key in b])
    found = max(of_a + of_b - variance(list(zip(a, b, strict=True))), of_a, of_b)
    return None if found <= (1e-12 * mean) ** 2 else math.sqrt(found)


ROWS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(-50, 50)), min_size=1, max_size=40)


@given(ROWS)
def test_the_error_is_that_of_the_page_evaluated_plainly(rows: list[tuple[int, int, int]]) -> None:
    """Values are quarters, so their sums are exact in any order; the mean need not be."""
    values = [value / 4 for _, _, value in rows]
    a, b = [key for key, _, _ in rows], [key for _, key, _ in rows]
    array, both = np.array(values), np.array(a) * 5 + np.array(b)
    error = mean_error(array, ordered_mean(array), Clusters(np.array(a), np.array(b), both))
    assert error.se == plain_error(values, a, b) or error.se == pytest.approx(plain_error(values, a, b), rel=1e-14)
    assert (error.se is None) == bool(error.unknown)


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_that_counts(rows: list[tuple[int, int, int]], random: object) -> None:
    """Only roundings change."""
    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    before, after = (
        error_of([v / 7 for _, _, v in some], [a for a, _, _ in some], [b for _, b, _ in some])
        for some in (rows, shuffled)
    )
    assert before.few == after.few
    assert (before.se is None) == (after.se is None)
    assert before.se is None or before.se == pytest.approx(after.se, rel=1e-12)


def test_returns_ten_times_as_large_have_an_error_ten_times_as_large() -> None:
    """The unit of returns is no evidence."""
    random = np.random.default_rng(5)
    values, tickers, days = random.normal(size=60), random.integers(0, 5, 60), random.integers(0, 5, 60)
    once, ten = error_of(values, tickers, days), error_of(values * 10, tickers, days)
    assert (ten.se or 0) / (once.se or 1) == pytest.approx(10, rel=1e-12)
    assert ten.t == pytest.approx(once.t, rel=1e-12)


def test_every_row_twice_proves_nothing_more() -> None:
    """A naive error would be smaller by √2."""
    random = np.random.default_rng(6)
    values, tickers, days = random.normal(size=60), random.integers(0, 5, 60), random.integers(0, 5, 60)
    once = error_of(values, tickers, days)
    twice = error_of(np.repeat(values, 2), np.repeat(tickers, 2), np.repeat(days, 2))
    assert twice.se == pytest.approx(once.se, rel=1e-12)


@pytest.mark.parametrize(
    ("values", "tickers", "days", "reason"),
    [
        ([], [], [], "no observation"),
        ([1.0], [0], [0], "one observation"),
        ([1.0, 2.0], [0, 0], [0, 0], "all observations are of one ticker and day"),
        ([1.0, 2.0], [0, 1], [0, 0], "all observations are of one moment or day"),
        ([0.1, 0.1, 0.1], [0, 1, 2], [0, 1, 2], "all values are equal"),
        ([1e9, 1e9 + 1e-6, 1e9], [0, 1, 2], [0, 1, 2], "the values have no spread"),
        ([1e200, -1e200, 1e200], [0, 1, 2], [0, 1, 2], "the values are too large"),
    ],
)
def test_an_error_that_cannot_be_had_says_why(
    values: list[float], tickers: list[int], days: list[int], reason: str
) -> None:
    """Neither zero nor NaN stands for it."""
    array = np.array(values, np.float64)
    ids = clusters_of(np.array(tickers, np.int64), np.array(days, np.int64))
    error = mean_error(array, ordered_mean(array) if values else 0.0, ids)
    assert (error.se, error.t, error.p, error.lo, error.hi) == (None,) * 5
    assert error.unknown == reason
    assert error.few


def test_weights_count_a_row_as_often_as_they_say() -> None:
    """A trade of twice the money counts as two trades of one cluster."""
    values, tickers, days = np.array([4.0, 1.0, -2.0]), np.array([0, 1, 2]), np.array([0, 1, 2])
    weighted = mean_error(values, 1.75, clusters_of(tickers, days), np.array([2.0, 1.0, 1.0]))
    repeated = error_of([4.0, 4.0, 1.0, -2.0], [0, 0, 1, 2], [0, 0, 1, 2])
    assert weighted.se == repeated.se

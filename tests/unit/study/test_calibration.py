"""Calibration: a table that cries wolf is found out, and one that does not is left in peace."""

from __future__ import annotations

import math

import numpy as np

from tests.unit.study.builders import KINDS, SOURCES, Event, events_of, horizon_of
from tickstock_cli.study.calibration import TOO_SMALL_ABOVE, Calibration
from tickstock_cli.study.tables import study_table

NAN = math.nan


def calibration_of(rows: list[Event], placebo: list[list[float]], minutes: list[int], thin: int = 2) -> Calibration:
    """Return the calibration of a study whose returns are all 1."""
    return study_table(
        events_of(rows), [horizon_of([1.0] * len(rows), placebo, minutes)], KINDS, SOURCES, thin
    ).calibration


def test_each_placebo_day_takes_the_place_of_the_event() -> None:
    """Three days: day k less the mean of the others. By hand for k = 0: excesses 3 − 2 and 9 − 3.

    The third event has one placebo only, so nothing to compare it with.
    """
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 0, 2), (2, 1, 0, 0, 3)]
    found = calibration_of(rows, [[3.0, 1.0, 3.0], [9.0, 1.0, 5.0], [NAN, 7.0, NAN]], [0, 10, 20])
    assert (found.tests, found.small, found.share) == (3, 0, 0.0)


def test_without_tests_the_share_is_unknown() -> None:
    """One placebo day has no others; a thin table no tests."""
    rows: list[Event] = [(2, 1, 0, 0, 1), (2, 1, 0, 0, 2)]
    assert calibration_of(rows, [[1.0], [2.0]], [0, 10]).share is None
    assert calibration_of(rows, [[1.0, 2.0], [2.0, 4.0]], [0, 10], thin=3).share is None
    assert calibration_of(rows, [[1.0, 2.0], [2.0, 4.0]], [0, 10]).tests == 2


def test_noise_with_clusters_is_calibrated() -> None:
    """400 events of 60 days, whose days move all stocks together: about one of twenty tests is small."""
    random, found = np.random.default_rng(8), Calibration()
    for _ in range(30):
        days = np.sort(random.integers(0, 60, 400))
        rows: list[Event] = [
            (2, 1, 0, int(code), int(day)) for code, day in zip(random.integers(0, 40, 400), days, strict=True)
        ]
        placebo = random.normal(size=(60, 5))[days] + random.normal(size=(400, 5))
        one = calibration_of(rows, placebo.tolist(), (days * 1440).tolist(), thin=30)
        found.tests, found.small = found.tests + one.tests, found.small + one.small
    assert found.tests == 150
    assert 0.0 <= (found.share or 0.0) <= 0.07


def test_a_trend_of_later_days_is_found_out() -> None:
    """If each later day drifts further, the days are no fair background, and the share says so."""
    random = np.random.default_rng(9)
    rows: list[Event] = [(2, 1, 0, code, day) for day in range(40) for code in range(5)]
    placebo = random.normal(size=(200, 5)) + np.arange(5.0) * 2
    found = calibration_of(rows, placebo.tolist(), [day * 1440 for day in range(40) for _ in range(5)], thin=30)
    assert (found.share or 0.0) > TOO_SMALL_ABOVE

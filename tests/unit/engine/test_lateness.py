"""Lateness: percentiles of how late rows were."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.engine.lateness import Lateness

MILLISECOND = 1e6


def test_without_rows_nothing_was_late() -> None:
    """A run that was stopped before its first row still has a summary."""
    assert Lateness().as_dict() == {"p50": 0.0, "p99": 0.0, "max": 0.0}


def test_one_late_row_in_a_hundred_changes_only_the_tail() -> None:
    """99 rows on time and one a second late: the median knows nothing of it."""
    lateness = Lateness()
    lateness.record(np.zeros(98))
    lateness.record(np.array([0.0, 1000 * MILLISECOND]))

    assert lateness.as_dict() == pytest.approx({"p50": 0, "p99": 0, "max": 1000}, rel=1e-3)


@given(st.lists(st.lists(st.floats(0, 1e12), max_size=50), min_size=1, max_size=10))
def test_percentiles_are_those_of_all_rows(parts: list[list[float]]) -> None:
    """To three digits, however the rows were cut into pieces."""
    lateness = Lateness()
    for part in parts:
        lateness.record(np.array(part, dtype=np.float64))
    late = sorted(value / MILLISECOND for part in parts for value in part)
    if late:
        figures = lateness.as_dict()
        assert figures["max"] == pytest.approx(late[-1], rel=2e-3, abs=2e-3)
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            place = max(1, int(share * len(late) + 0.5)) - 1  # the nearest rank
            assert figures[name] == pytest.approx(late[place], rel=2e-3, abs=2e-3)


def test_lateness_of_days_is_recorded() -> None:
    """The greatest lateness is told whatever it is; a percentile beyond the histogram is the most that it holds."""
    lateness = Lateness()
    lateness.record(np.array([60 * 3600 * 1e9]))

    assert lateness.as_dict()["max"] == 60 * 3600 * 1000
    assert lateness.as_dict()["p50"] == pytest.approx(3600 * 1000, rel=1e-3)

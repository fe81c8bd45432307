"""Times of other clocks than UTC."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write

HOUR = 3_600 * SECOND
MIDNIGHT = NOON - 16 * HOUR
"""Of UTC."""


def write_times(write: Write, times: list[int], **columns: Any) -> Path:
    """Write a tick of IBM at each time."""
    count = len(times)
    ticks = {"ticker": ["IBM"] * count, "timestamp": times, "price": [180.0] * count, "size": [1] * count}
    return write(**{**ticks, **columns})


def at(hour: float) -> int:
    """Return a time of UTC, ns."""
    return MIDNIGHT + round(hour * HOUR)


@pytest.mark.parametrize("has_zone", [False, True])
@pytest.mark.parametrize(("first", "last"), [(9.5, 16 - 1e-4), (9.5001, 16), (4.001, 19.9999)])
def test_a_session_of_new_york_by_utc_is_told(write: Write, first: float, last: float, has_zone: bool) -> None:
    """Local times that were written as if they were UTC are hours early."""
    times = [at(first), at(12), at(last)]
    column = {"timestamp": pa.array(times, pa.timestamp("ns", "UTC"))} if has_zone else {}
    path = write_times(write, times, **column)
    assert "by UTC, as the clocks of New York do" in noted(path)
    assert "New York do" not in noted(path, timezone="Etc/UTC")
    assert "New York do" not in noted(path, calendar="24/7")


@pytest.mark.parametrize(("first", "last"), [(13.5, 20), (9.5, 15), (11, 16), (8, 23.99), (9.2, 16)])
def test_other_hours_are_not(write: Write, first: float, last: float) -> None:
    """A session by UTC, parts of one, and those of other markets."""
    assert noted(write_times(write, [at(first), at(last), at(last)])) == ""


def test_bars_of_new_york_by_utc_are_told(write_bars: Write) -> None:
    """The last one begins a bar before the close."""
    assert "by UTC, as the clocks of New York do" in noted(
        write_bars(timestamp=[at(9.5), at(15.5)]), interval_seconds=1_800
    )
    assert noted(write_bars(timestamp=[at(13.5), at(19.5)]), interval_seconds=1_800) == ""


@pytest.mark.parametrize(("hours", "told"), [(5, "5 h behind"), (-4, "4 h before")])
def test_arrivals_of_another_zone_are_told(write: Write, hours: int, told: str) -> None:
    """Events would count as known hours late, or rows be rejected as those of the future."""
    times = [NOON + second * SECOND for second in range(5)]
    path = write_times(write, times, received_at=[time + hours * HOUR + SECOND // 5 for time in times])
    assert f"received_at is {told} the times of rows" in noted(path)
    assert noted(path, columns={"received_at": ""}) == ""


@pytest.mark.parametrize("delay", [SECOND, 15 * 60 * SECOND, HOUR + 300 * SECOND])
def test_delays_are_none(write: Write, delay: int) -> None:
    """A feed can be a quarter of an hour late."""
    times = [NOON + second * SECOND for second in range(5)]
    assert noted(write_times(write, times, received_at=[time + delay for time in times])) == ""


def test_a_day_that_was_fetched_in_the_evening_is_none(write: Write) -> None:
    """All rows were received together."""
    times = [NOON + minute * 60 * SECOND for minute in range(20)]
    assert noted(write_times(write, times, received_at=[NOON + 5 * HOUR] * 20)) == ""

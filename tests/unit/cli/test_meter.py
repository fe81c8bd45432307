"""The meter: how far a run is, and how long it still takes."""

from __future__ import annotations

import pytest

from tickstock_cli.cli.meter import Extent, ProgressMeter
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.testing import MINUTE, new_york

OPEN, CLOSE = new_york("2024-06-12", "09:30:00"), new_york("2024-06-12", "16:00:00")
NEW_YORK = exchange_zone("XNYS")
WHOLE = Extent(1_000, (OPEN, CLOSE), whole=True)
PART = Extent(1_000, (OPEN, CLOSE), whole=False)


class Clock:
    """Wall time in seconds, set by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def test_a_whole_recording_is_measured_by_its_rows() -> None:
    """Trading is dense at its ends: half the rows are half the work, wherever the market stands."""
    clock = Clock()
    meter = ProgressMeter(WHOLE, now=clock, zone=NEW_YORK)
    meter.advanced(100, OPEN + MINUTE)
    clock.seconds += 3
    meter.advanced(400, OPEN + 30 * MINUTE)

    assert (meter.share, meter.seconds_left, meter.rows_per_second) == pytest.approx((0.4, 6.0, 100.0))


def test_a_part_of_a_recording_is_measured_by_market_time() -> None:
    """How many of the rows lie between --start and --end, nobody knows before they are read."""
    clock = Clock()
    meter = ProgressMeter(PART, now=clock, zone=NEW_YORK)
    meter.advanced(1, OPEN)
    clock.seconds += 10
    meter.advanced(7, OPEN + (CLOSE - OPEN) // 4)

    assert (meter.share, meter.seconds_left) == pytest.approx((0.25, 30.0))
    assert "7 rows" in meter.line(100)


@pytest.mark.parametrize(("speed", "left"), [(1.0, 390 * 60), (60.0, 390), (0.5, 780 * 60)])
def test_a_paced_run_takes_as_long_as_its_market_at_its_speed(speed: float, left: float) -> None:
    """However fast it was so far, and whatever part of the rows it has done."""
    clock = Clock()
    meter = ProgressMeter(WHOLE, lambda: speed, clock, zone=NEW_YORK)
    meter.advanced(600, OPEN)
    clock.seconds += 1
    meter.advanced(900, OPEN)

    assert meter.seconds_left == left


def test_a_paused_run_shows_no_remaining_time() -> None:
    """It would be the user's to tell."""
    meter = ProgressMeter(WHOLE, lambda: 0.0, Clock(), zone=NEW_YORK)
    meter.advanced(600, OPEN)

    assert meter.seconds_left is None
    assert "left" not in meter.line(80)


def test_the_rate_of_a_resumed_run_excludes_earlier_rows() -> None:
    """Nine tenths were done before: they took this run no time."""
    clock = Clock()
    meter = ProgressMeter(WHOLE, now=clock, zone=NEW_YORK)
    meter.advanced(900, OPEN)
    clock.seconds += 5
    meter.advanced(950, OPEN)

    assert (meter.rows_per_second, meter.seconds_left) == pytest.approx((10.0, 5.0))


@pytest.mark.parametrize("width", range(40, 141, 10))
def test_the_time_left_is_shown_at_any_width(width: int) -> None:
    """Other figures make room for it; nothing is cut in two."""
    clock = Clock()
    meter = ProgressMeter(Extent(230_209, (OPEN, CLOSE), whole=True), now=clock, zone=NEW_YORK)
    meter.advanced(1_000, OPEN)
    clock.seconds += 4
    meter.advanced(100_000, OPEN + 90 * MINUTE)

    line = meter.line(width, events=1_655)

    assert len(line) <= width
    assert line.endswith("00:05 left")
    assert ("100k/230k rows  24.8k rows/s  2024-06-12 11:00:00 New York  1,655 events  00:05 left" in line) == (
        width >= 100
    )
    assert "  ,  " not in line


def test_unknown_numbers_of_events_are_not_shown_as_zero() -> None:
    """Events are counted in another thread, so a small run can end before the first count."""
    meter = ProgressMeter(WHOLE, zone=NEW_YORK)
    meter.advanced(1_000, CLOSE)

    assert meter.line(120).startswith("100% |")
    assert "events" not in meter.line(120)

"""Bars that carry the time of their end."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import SECOND, Write
from tickstock_cli.core.trading_hours import CustomCalendar, PhaseHours, hours_of_date
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

MINUTE = 60 * SECOND


def at(clock: str, day: int = 8) -> int:
    """Return a time of New York in October 2013, ns UTC."""
    hour, minute = map(int, clock.split(":"))
    moment = datetime(2013, 10, day, hour, minute, tzinfo=ZoneInfo("America/New_York"))
    return int(moment.timestamp()) * SECOND


def write_times(write_bars: Write, times: list[int], **columns: Any) -> Path:
    """Write a bar of IBM at each time."""
    prices = {price: [180.0] * len(times) for price in ("open", "high", "low", "close")}
    bars = {"ticker": ["IBM"] * len(times), "timestamp": times, **prices, "volume": [1] * len(times)}
    return write_bars(**{**bars, **columns})


def session(first: str, last: str, step: int, day: int = 8) -> list[int]:
    """Return the times from the first to the last, ``step`` ns apart."""
    return list(range(at(first, day), at(last, day) + 1, step))


@pytest.mark.parametrize(
    ("first", "last", "minutes"),
    [
        ("9:31", "16:00", 1),
        ("9:35", "16:00", 5),
        ("10:00", "16:00", 30),
        ("10:00", "16:00", 60),
        ("4:01", "20:00", 1),
        ("4:01", "16:00", 1),
        ("10:30", "16:30", 60),
    ],
)
def test_bars_labelled_at_their_end_are_told(write_bars: Write, first: str, last: str, minutes: int) -> None:
    """Read as starts, every bar would be known one bar too late, and the first one missing."""
    path = write_times(write_bars, session(first, last, minutes * MINUTE))
    assert "--set recordings.bar_label=end" in noted(path, interval_seconds=minutes * 60)
    assert noted(path, interval_seconds=minutes * 60, bar_label="start") == ""


@pytest.mark.parametrize(
    ("first", "last", "minutes"),
    [
        ("9:30", "15:59", 1),
        ("9:30", "15:55", 5),
        ("9:30", "15:30", 30),
        ("9:00", "16:00", 60),
        ("4:00", "19:59", 1),
        ("9:31", "15:59", 1),
        ("9:31", "15:30", 1),
        ("9:30", "16:00", 1),
    ],
)
def test_bars_labelled_at_their_start_are_not(write_bars: Write, first: str, last: str, minutes: int) -> None:
    """Also if the first minute has no bar, or the closing auction has one."""
    assert noted(write_times(write_bars, session(first, last, minutes * MINUTE)), interval_seconds=minutes * 60) == ""


@pytest.mark.parametrize(
    ("clock", "told"),
    [
        ("16:00", True),
        ("15:59", True),
        ("16:15", True),
        ("13:00", True),
        ("17:00", False),
        ("0:00", False),
        ("9:30", False),
    ],
)
def test_days_stamped_at_the_close_are_told(write_bars: Write, clock: str, told: bool) -> None:
    """Read as its start, the close of a day would be known a day late."""
    path = write_times(write_bars, [at(clock, day) for day in (7, 8, 9)], interval=[86_400] * 3)
    assert ("bar_label=end" in noted(path)) is told
    with Recordings.open([path], ReadOptions(bar_label="end")) as recordings:
        assert recordings.span == (at(clock, 7), at(clock, 9))


def test_the_last_day_shows_what_first_rows_do_not(write_bars: Write) -> None:
    """The footer has the last time of a long file."""
    days = [time for day in (7, 8, 9, 10) for time in session("9:31", "16:00", MINUTE, day)]
    assert "bar_label=end" in noted(write_times(write_bars, days))


def test_an_end_is_known_at_its_own_time(write_bars: Write) -> None:
    """The bar of 09:31 begins at 09:30 and is known at 09:31."""
    path = write_times(write_bars, session("9:31", "16:00", MINUTE))
    with Recordings.open([path], ReadOptions(bar_label="end")) as recordings:
        assert recordings.span == (at("9:31"), at("16:00"))
        step = next(iter(recordings.batches(500)))
    assert (step.bars.timestamp[0], step.bars.available_at[0]) == (at("9:30"), at("9:31"))
    assert noted(path, bar_label="end") == ""


def test_rows_of_ends_are_selected_by_when_they_are_known(write_bars: Write) -> None:
    """Row groups are skipped by the same times."""
    path = write_times(write_bars, session("9:31", "16:00", MINUTE), interval=[60] * 390)
    options = ReadOptions(bar_label="end", start=at("16:00"))
    with Recordings.open([path], options) as recordings:
        assert [len(step) for step in recordings.batches(500)] == [1]


@pytest.mark.parametrize("last", [SECOND, 1_000_000, 1_000, 1])
@pytest.mark.parametrize("minutes", [1, 5, 60])
def test_bars_labelled_by_their_last_moment_are_told_and_read(write_bars: Write, last: int, minutes: int) -> None:
    """09:30:59 and 09:30:59.999 are the end of the bar from 09:30, whatever hours the market has."""
    starts = session("2:00", "22:00", minutes * MINUTE)
    path = write_times(write_bars, [start + minutes * MINUTE - last for start in starts])
    assert "bars carry their last moment" in noted(path, interval_seconds=minutes * 60)
    with Recordings.open([path], ReadOptions(interval_seconds=minutes * 60, bar_label="end")) as recordings:
        (step,) = recordings.batches(10_000)
        assert step.bars.timestamp.tolist() == starts
        assert recordings.span == (starts[0] + minutes * MINUTE, starts[-1] + minutes * MINUTE)


def test_days_of_utc_that_end_with_midnight_are_told(write_bars: Write) -> None:
    """A market that never closes has no other hours than its days."""
    day = 1_381_190_400 * SECOND
    ends = [day + place * MINUTE for place in range(1, 1_441)]
    assert "days of UTC go from behind midnight to midnight" in noted(write_times(write_bars, ends))
    assert noted(write_times(write_bars, [end - MINUTE for end in ends])) == ""
    assert noted(write_times(write_bars, ends), bar_label="start") == ""


@pytest.mark.parametrize(("first", "last", "is_end"), [("17:01", "16:00", True), ("17:00", "15:59", False)])
def test_a_calendar_of_the_configuration_tells_ends(write_bars: Write, first: str, last: str, is_end: bool) -> None:
    """Here that of a future in Chicago, whose day begins in the evening before."""
    hours = hours_of_date([PhaseHours("regular", 17 * 3_600, 16 * 3_600)])
    calendar = CustomCalendar("America/Chicago", hours, frozenset(range(5)))
    times = list(range(at(first, 7) + 60 * MINUTE, at(last, 8) + 61 * MINUTE, MINUTE))  # Chicago is an hour behind
    told = noted(write_times(write_bars, times), calendar=calendar)
    assert ("by the hours of session.calendar" in told) is is_end


def test_a_half_day_at_the_end_hides_nothing(write_bars: Write) -> None:
    """Neither the first rows nor the last one have the close of a whole day."""
    whole, half = [session("9:31", last, MINUTE, day) for last, day in (("16:00", 8), ("12:30", 9))]
    row = sorted([*whole, *whole, *whole, *half])
    path = write_times(write_bars, row, ticker=[f"T{place % 3}" for place in range(len(row))])
    assert "bars carry the time of their end, as from 09:31" in noted(path)


def write_tickers(write_bars: Write, times: dict[str, list[int]]) -> Path:
    """Write bars of tickers in the order of time."""
    rows = sorted((time, ticker) for ticker, some in times.items() for time in some)
    return write_times(write_bars, [time for time, _ in rows], ticker=[ticker for _, ticker in rows])


@pytest.mark.parametrize("tickers", [2, 6])
def test_one_ticker_that_is_labelled_otherwise_is_told(write_bars: Write, tickers: int) -> None:
    """Also where the close of its first day lies behind the first rows."""
    times = {f"S{place}": session("9:30", "15:59", MINUTE) for place in range(tickers - 1)}
    path = write_tickers(write_bars, {**times, "E": session("9:31", "16:00", MINUTE)})
    assert f"bars of 1 of {tickers} tickers carry the time of their end" in noted(path)


def test_a_ticker_without_a_bar_at_the_opening_is_no_other_one(write_bars: Write) -> None:
    """Its closing auction has one at 16:00."""
    thin = [time for time in session("9:31", "16:00", MINUTE) if time % (7 * MINUTE)]
    path = write_tickers(write_bars, {"S": session("9:30", "16:00", MINUTE), "THIN": thin})
    assert noted(path) == ""


def test_some_last_moments_among_starts_are_told(write_bars: Write) -> None:
    """No setting reads both."""
    ends = [time + MINUTE - 1_000_000 for time in session("9:30", "15:59", MINUTE)]
    path = write_tickers(write_bars, {"S": session("9:30", "15:59", MINUTE), "E": ends})
    assert "some bars carry their last moment, such as 13:30:59.999Z, and others their start" in noted(path)


@pytest.mark.parametrize(
    ("first", "last", "minutes"), [("9:30", "15:59", 1), ("9:30", "15:30", 30), ("4:00", "19:59", 1)]
)
def test_starts_that_are_read_as_ends_are_told(write_bars: Write, first: str, last: str, minutes: int) -> None:
    """The setting goes for all files: a bar would be known before it has begun."""
    path = write_times(write_bars, session(first, last, minutes * MINUTE))
    assert "bars carry the time of their start" in noted(path, interval_seconds=minutes * 60, bar_label="end")


def test_starts_of_days_of_utc_that_are_read_as_ends_are_told(write_bars: Write) -> None:
    """A market that never closes has no other hours."""
    midnight = at("20:00") // (24 * 60 * MINUTE) * 24 * 60 * MINUTE
    path = write_times(write_bars, list(range(midnight, midnight + 48 * 60 * MINUTE, 60 * MINUTE)))
    assert "start, from midnight UTC on" in noted(path, interval_seconds=3_600, bar_label="end")


@pytest.mark.parametrize("name", ["close_time", "barEnd", "ts_end"])
def test_the_name_of_a_column_says_that_it_has_ends(write_bars: Write, name: str) -> None:
    """Whatever the hours are."""
    path = write_times(write_bars, session("10:00", "11:00", MINUTE), **{name: session("10:01", "11:01", MINUTE)})
    assert f"column {name} has the ends of bars by its name" in noted(path, columns={"timestamp": name})
    assert noted(path, columns={"timestamp": name}, bar_label="end") == ""

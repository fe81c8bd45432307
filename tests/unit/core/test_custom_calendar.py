"""Calendars that a configuration describes: other zones, days that begin on the evening before, pauses at noon."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.sessions import Custom, Segment, segment_of
from tickstock_cli.core.calendar import PHASE_MASK, SEGMENT_DAY, Calendar, market_zone
from tickstock_cli.core.phases import PHASES
from tickstock_cli.core.shown_times import exchange_zone
from tickstock_cli.core.trading_hours import MarketCalendar, calendar_label
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.half_hours import half_hours
from tickstock_cli.testing import SECOND, settings_of

HOUR = 3_600 * SECOND
FUTURES: dict[str, Any] = {
    "session.calendar": "custom",
    "session.zone": "America/Chicago",
    "session.hours": [
        {"phase": "pre", "start": "16:45", "end": "17:00"},
        {"phase": "regular", "start": "17:00", "end": "16:00"},
    ],
    "session.holidays": ["2026-12-25"],
    "session.half_days": ["2026-11-27"],
    "session.half_day_end": "12:15",
}
TOKYO: dict[str, Any] = {
    "session.calendar": "custom",
    "session.zone": "Asia/Tokyo",
    "session.hours": [
        {"phase": "regular", "start": "09:00", "end": "11:30"},
        {"phase": "regular", "start": "12:30", "end": "15:30"},
    ],
}


def calendar_of(flat: dict[str, Any]) -> MarketCalendar:
    """Return the calendar of a configuration."""
    return settings_of(flat).session.market_calendar


def at(local: str, zone: str) -> int:
    """Return a local time as ns UTC."""
    return int(datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).timestamp()) * SECOND


def segment_at(local: str, flat: dict[str, Any]) -> tuple[str, str]:
    """Return date and phase of a local time."""
    time = at(local, flat["session.zone"])
    table = Calendar(calendar_of(flat)).table(time, time)
    segment = int(table.segments[int(table.starts.searchsorted(time, side="right")) - 1])
    return str(date(1970, 1, 1) + timedelta(days=segment // SEGMENT_DAY)), PHASES[segment & PHASE_MASK]


@pytest.mark.parametrize(
    ("local", "segment"),
    [
        ("2026-12-06T16:44:59", ("2026-12-06", "closed")),  # a Sunday
        ("2026-12-06T16:45:00", ("2026-12-07", "pre")),
        ("2026-12-06T17:00:00", ("2026-12-07", "regular")),
        ("2026-12-07T00:00:00", ("2026-12-07", "regular")),
        ("2026-12-07T15:59:59", ("2026-12-07", "regular")),
        ("2026-12-07T16:00:00", ("2026-12-07", "closed")),
        ("2026-12-07T17:00:00", ("2026-12-08", "regular")),
        ("2026-12-11T17:00:00", ("2026-12-11", "closed")),  # a Friday
        ("2026-12-24T17:00:00", ("2026-12-24", "closed")),  # before the holiday
        ("2026-12-25T10:00:00", ("2026-12-25", "closed")),
        ("2026-11-26T17:00:00", ("2026-11-27", "regular")),  # before the half-day
        ("2026-11-27T12:14:59", ("2026-11-27", "regular")),
        ("2026-11-27T12:15:00", ("2026-11-27", "closed")),
    ],
)
def test_a_futures_day_has_the_date_on_which_it_ends(local: str, segment: tuple[str, str]) -> None:
    """From 17:00 to 16:00 in Chicago; a holiday closes the evening before it, too."""
    assert segment_at(local, FUTURES) == segment


@pytest.mark.parametrize(("saturday", "hours"), [("2026-03-07", 22), ("2026-03-14", 23), ("2026-10-31", 24)])
def test_a_session_across_a_change_of_clocks_is_an_hour_shorter_or_longer(saturday: str, hours: int) -> None:
    """Where Sundays trade, their session has the small hours in which clocks change."""
    calendar = calendar_of({**FUTURES, "session.weekdays": ["sun", "mon"]})
    begin = at(f"{saturday}T17:00:00", "America/Chicago")
    table = Calendar(calendar).table(begin, begin)
    place = int(table.starts.searchsorted(begin))

    assert (table.starts[place], table.starts[place + 1] - begin) == (begin, hours * HOUR)


def test_a_pause_at_noon_parts_one_segment() -> None:
    """The afternoon goes on with the morning's highs; the pause itself is closed, in a zone without summer time."""
    days = TradingDays(calendar_of(TOKYO), ("regular",))
    number = (date(2026, 7, 1) - date(1970, 1, 1)).days

    assert segment_at("2026-07-01T11:29:59", TOKYO) == segment_at("2026-07-01T12:30:00", TOKYO)
    assert segment_at("2026-07-01T11:30:00", TOKYO) == ("2026-07-01", "closed")
    limits = days.limits(number)
    assert (limits.start, limits.end) == (at("2026-07-01T09:00", "Asia/Tokyo"), at("2026-07-01T15:30", "Asia/Tokyo"))


ORACLES = {
    "futures": (
        FUTURES,
        Custom(
            "America/Chicago",
            (("pre", "16:45", "17:00"), ("regular", "17:00", "16:00")),
            ("mon", "tue", "wed", "thu", "fri"),
            ("2026-12-25",),
            ("2026-11-27",),
            "12:15",
        ),
    ),
    "Globex in New York": (
        {
            **FUTURES,
            "session.zone": "America/New_York",
            "session.hours": [{"phase": "regular", "start": "18:00", "end": "17:00"}],
            "session.half_day_end": "13:15",
        },
        Custom(
            "America/New_York",
            (("regular", "18:00", "17:00"),),
            ("mon", "tue", "wed", "thu", "fri"),
            ("2026-12-25",),
            ("2026-11-27",),
            "13:15",
        ),
    ),
    "Tokyo": (
        TOKYO,
        Custom(
            "Asia/Tokyo",
            (("regular", "09:00", "11:30"), ("regular", "12:30", "15:30")),
            ("mon", "tue", "wed", "thu", "fri"),
            (),
            (),
            "24:00",
        ),
    ),
}
NEAR = [at(f"2026-{day}T00:00", "America/New_York") for day in ("03-08", "11-01", "11-27", "12-25", "12-31")]
"""Changes of clocks, a half-day, a holiday, a new year."""


@pytest.mark.parametrize("name", ORACLES)
@given(
    times=st.lists(
        st.one_of(
            st.integers(NEAR[0] // SECOND - 40 * 86_400, NEAR[-1] // SECOND + 40 * 86_400),
            st.builds(lambda near, off: near // SECOND + off, st.sampled_from(NEAR), st.integers(-172_800, 172_800)),
        ),
        min_size=1,
        max_size=50,
    )
)
def test_every_time_has_the_segment_of_the_oracle(name: str, times: list[int]) -> None:
    """Sunday nights, holidays, half-days, and the nights in which clocks change."""
    flat, oracle = ORACLES[name]
    table = Calendar(calendar_of(flat)).table(min(times) * SECOND, max(times) * SECOND)
    for time in times:
        segment = int(table.segments[int(table.starts.searchsorted(time * SECOND, side="right")) - 1])
        day = date(1970, 1, 1) + timedelta(days=segment // SEGMENT_DAY)
        assert Segment(day, PHASES[segment & PHASE_MASK]) == segment_of(time * SECOND, oracle)


def test_half_hours_stand_in_the_order_of_the_calendars_day() -> None:
    """The evening before comes first, for futures and for the nights of New York."""
    clocks = ("00:00", "09:30", "15:30", "17:00", "20:00", "23:30")
    futures = [at(f"2026-12-07T{clock}", "America/Chicago") for clock in clocks]
    nights = [at(f"2026-12-07T{clock}", "America/New_York") for clock in clocks]

    names, places = half_hours(np.array(futures), calendar_of(FUTURES))

    assert names == ["17:00", "20:00", "23:30", "00:00", "09:30", "15:30"]
    assert [names[place] for place in places] == list(clocks)
    assert half_hours(np.array(nights), "XNYS")[0] == ["20:00", "23:30", "00:00", "09:30", "15:30", "17:00"]


def test_a_futures_day_of_a_backtest_begins_before_its_midnight() -> None:
    """Its clocks and its end are Chicago's."""
    days = TradingDays(calendar_of(FUTURES), ("regular",))
    limits = days.limits((date(2026, 12, 7) - date(1970, 1, 1)).days)
    zone = "America/Chicago"

    assert limits.midnight == at("2026-12-07T00:00", zone)
    assert (limits.start, limits.end) == (at("2026-12-06T17:00", zone), at("2026-12-07T16:00", zone))
    assert limits.over == at("2026-12-07T16:45", zone)


def test_times_are_shown_in_the_zone_of_the_calendar() -> None:
    """A log and a server name the zone alone; a name that is no zone is New York's, as it always was."""
    calendar = calendar_of(FUTURES)

    assert calendar_label(calendar) == "America/Chicago"
    assert [exchange_zone(name).name for name in (calendar, "America/Chicago", "XNYS", "24/7", "", "../etc")] == [
        "Chicago",
        "Chicago",
        "New York",
        "UTC",
        "New York",
        "New York",
    ]
    assert market_zone("24/7") is UTC


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"session.zone": ""}, 'calendar = "custom" needs session.zone'),
        ({"session.hours": []}, 'calendar = "custom" needs session.hours'),
        ({"session.zone": "Chicago"}, "did you mean America/Chicago?"),
        ({"session.calendar": "XNYS"}, "session.zone describes a custom calendar"),
        ({"session.holidays": ["2026-11-27"]}, "2026-11-27 is among session.holidays and session.half_days"),
        ({"session.holidays": ["christmas"]}, "must be a date, as in 2026-12-25"),
        (
            {"session.hours": [{"phase": "closed", "start": "01:00", "end": "02:00"}]},
            "must not name closed: it is what no phase covers",
        ),
        (
            {
                "session.hours": [
                    {"phase": "pre", "start": "08:00", "end": "10:00"},
                    {"phase": "regular", "start": "09:00", "end": "16:00"},
                ]
            },
            "session.hours must fit into 24 hours, in the order in which they follow each other",
        ),
        (
            {"session.hours": [{"phase": "regular", "start": "13:00", "end": "16:00"}]},
            "session.half_day_end must be after the start of the day's first phase",
        ),
    ],
)
def test_a_calendar_that_cannot_be_is_refused(changed: dict[str, Any], message: str) -> None:
    """With what to do."""
    with pytest.raises(ValueError, match=r".") as raised:
        settings_of({**FUTURES, **changed})
    assert message in str(raised.value)

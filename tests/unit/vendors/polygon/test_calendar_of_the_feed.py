"""The calendar of the configuration says when a feed is silent and which trades are of extended hours."""

from __future__ import annotations

import asyncio
from time import gmtime
from typing import Any

import pytest

from tests.unit.vendors.polygon.scripted_vendor import Client, Feed, trade, vendor
from tests.unit.vendors.polygon.test_played_feed import Endless
from tickstock_cli.config.settings import LiveSettings
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.testing import new_york, settings_of
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.vendor import PlayOptions, vendor_in_thread

EXTENDED_HOURS = 12
NIGHT_MS = new_york("2026-11-25", "22:00:00") // 1_000_000
"""New York's evening, and noon of a Thursday in Tokyo."""
TOKYO: dict[str, Any] = {
    "session.calendar": "custom",
    "session.zone": "Asia/Tokyo",
    "session.hours": [{"phase": "regular", "start": "09:00", "end": "15:30"}],
}


def calendar_of(flat: dict[str, Any]) -> MarketCalendar:
    """Return the calendar with which a run of a configuration reads its feed."""
    settings = settings_of(flat)
    return read_options(Request(("polygon:*",), settings), settings).calendar


def open_on(*weekdays: str) -> MarketCalendar:
    """Return a calendar with regular hours around the clock on some days of the week, in UTC."""
    halves = [
        {"phase": "regular", "start": "00:00", "end": "12:00"},
        {"phase": "regular", "start": "12:00", "end": "24:00"},
    ]
    return calendar_of(
        {
            "session.calendar": "custom",
            "session.zone": "UTC",
            "session.hours": halves,
            "session.weekdays": list(weekdays),
        }
    )


def another_day() -> str:
    """Return a day of the week that is neither today, yesterday nor tomorrow."""
    return ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[(gmtime().tm_wday + 3) % 7]


@pytest.mark.parametrize(
    ("calendar", "notices"),
    [
        (open_on("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1),
        (open_on(another_day()), 0),
    ],
)
def test_silence_is_judged_in_the_hours_of_the_configuration(calendar: MarketCalendar, notices: int) -> None:
    """A market of its own hours is neither told to be silent while it is closed, nor left alone while it is open."""

    async def quiet_for_a_while(client: Client) -> None:
        await client.ready()
        await client.tell(trade(1))
        await asyncio.sleep(0.3)
        await client.tell(trade(2))
        await client.stay()

    with vendor(quiet_for_a_while) as played:
        feed = Feed(played.url, live=LiveSettings(stale_few_seconds=0.2), calendar=calendar)
        feed.read(2)

    assert len([notice for notice in feed.heard.notices if notice.startswith("no rows of T")]) == notices


def test_a_feed_that_falls_silent_and_answers_pings_is_left_for_another_connection() -> None:
    """It can be mute for hours; no ping finds that. The rows that pass meanwhile are a gap."""
    faults = FaultPlan.model_validate({"fault": [{"kind": "silence", "after_rows": 3, "times": 1}]})
    every_day = open_on("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    with vendor_in_thread(Endless(), PlayOptions(speed=None, events_per_frame=1), faults) as played:
        feed = Feed(played.url, live=LiveSettings(stale_few_seconds=0.5), calendar=every_day)
        for batch in feed.source.record_batches():
            feed.take(batch)
            if feed.source.gaps and feed.source.gaps[0].end is not None:
                feed.source.interrupt()
        feed.source.close()

    assert feed.source.gaps[0].reason.startswith("no rows of T for longer than a channel is silent")
    assert feed.heard.notices[0] == feed.source.gaps[0].reason
    assert played.faults == {"silence": 1}


@pytest.mark.parametrize(("flat", "flags"), [({}, 0), (TOKYO, 5), ({"session.calendar": "24/7"}, 5)])
def test_extended_hours_are_those_of_the_configuration(flat: dict[str, Any], flags: int) -> None:
    """Condition 12 hides prices in regular hours only: those of the phase that detectors see, too."""

    async def at_night(client: Client) -> None:
        await client.ready()
        await client.tell(trade(1, t=NIGHT_MS, c=[EXTENDED_HOURS]))
        await client.stay()

    with vendor(at_night) as played:
        rows = Feed(played.url, calendar=calendar_of(flat)).read(1)

    assert [row["flags"] for row in rows] == [flags]

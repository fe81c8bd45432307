"""When a live run ends: `--until` on the clocks of the market."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from tickstock_cli.core.time_input import parse_time_input
from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import UsageError
from tickstock_cli.live.request import next_moment

NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("until", "now", "moment"),
    [
        ("16:05", "2026-11-27T09:00:00-05:00", "2026-11-27T16:05:00-05:00"),
        ("16:05", "2026-11-27T16:05:00-05:00", "2026-11-28T16:05:00-05:00"),
        ("04:00", "2026-11-27T23:59:59-05:00", "2026-11-28T04:00:00-05:00"),
        ("16:05", "2026-10-31T20:00:00-04:00", "2026-11-01T16:05:00-05:00"),
        ("2026-11-27T16:05", "2026-11-27T09:00:00-05:00", "2026-11-27T16:05:00-05:00"),
        ("2026-07-01 16:05:00.25", "2026-06-27T09:00:00-04:00", "2026-07-01T16:05:00.25-04:00"),
        ("2026-11-27T16:05:00-05:00", "2026-11-27T09:00:00-05:00", "2026-11-27T16:05:00-05:00"),
    ],
)
def test_a_time_of_day_is_the_next_one_of_the_market(until: str, now: str, moment: str) -> None:
    """Clocks change in the night of 1 November: 16:05 stays 16:05. A full time without a zone is one of the market."""
    assert next_moment(parse_time_input(until), parse_time(now), NEW_YORK) == parse_time(moment)


def test_a_time_that_is_past_is_refused() -> None:
    """A full time names one moment only."""
    until, now = parse_time_input("2026-11-26T16:05:00-05:00"), parse_time("2026-11-27T09:00:00-05:00")
    with pytest.raises(UsageError, match=r"is past: it is 2026-11-27 09:00:00.000 EST; name a later"):
        next_moment(until, now, NEW_YORK)

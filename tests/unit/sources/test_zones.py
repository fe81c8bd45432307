"""What clocks on a wall showed, as moments."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.sources.zones import in_utc

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
NEW_YORK = ZoneInfo("America/New_York")


def shown(text: str) -> int:
    """Return what a clock shows, counted from 1970 (ns)."""
    return int(datetime.fromisoformat(f"{text}+00:00").timestamp()) * SECOND


def moments(zone: ZoneInfo, *texts: str) -> list[str]:
    """Return the moments in UTC of what clocks showed; 1970 stands for none."""
    times = in_utc(np.array([shown(text) for text in texts]), zone)
    return [datetime.fromtimestamp(time // SECOND, UTC).isoformat()[:16] for time in times.tolist()]


def test_summer_and_winter_have_their_own_offsets() -> None:
    """On both sides of a change within one day."""
    assert moments(NEW_YORK, "2024-03-10T01:59", "2024-03-10T03:00") == ["2024-03-10T06:59", "2024-03-10T07:00"]
    assert moments(NEW_YORK, "2024-11-03T00:59", "2024-11-03T02:00") == ["2024-11-03T04:59", "2024-11-03T07:00"]


def test_an_hour_that_came_twice_is_the_first() -> None:
    """Nothing tells which one was meant; what is later on the clocks stays later."""
    assert moments(NEW_YORK, "2024-11-03T01:00", "2024-11-03T01:59") == ["2024-11-03T05:00", "2024-11-03T05:59"]


def test_a_skipped_hour_is_unusable() -> None:
    """No clock showed it, so the row is rejected by name instead of being put somewhere."""
    assert moments(NEW_YORK, "2024-03-10T02:00", "2024-03-10T02:59") == ["1970-01-01T00:00", "1970-01-01T00:00"]
    assert in_utc(np.array([0, -5]), NEW_YORK).tolist() == [0, 0]
    assert in_utc(np.array([], dtype=np.int64), NEW_YORK).tolist() == []


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu"])
@given(times=st.lists(st.datetimes(datetime(1975, 1, 1), datetime(2035, 1, 1)), min_size=1, max_size=20))  # noqa: DTZ001 - what clocks show has no zone
def test_every_time_equals_that_of_the_standard_library(name: str, times: list[datetime]) -> None:
    """In any order, for zones of half and quarter hours, too."""
    zone = ZoneInfo(name)
    local = [int(time.replace(tzinfo=UTC, microsecond=0).timestamp()) * SECOND for time in times]

    found = in_utc(np.array(local), zone).tolist()

    for time, moment in zip(times, found, strict=True):
        aware = time.replace(tzinfo=zone, microsecond=0)
        exists = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == aware.replace(tzinfo=None)
        assert moment == (int(aware.timestamp()) * SECOND if exists else 0)

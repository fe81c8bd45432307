"""Days and times of day in two columns."""

from __future__ import annotations

from datetime import date, time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

DAY = date(2013, 10, 8)
CLOCKS = [time(12, 0, second) for second in range(4)]
TIMES = [NOON + second * SECOND for second in range(4)]


def write_four(write: Write, **columns: Any) -> Path:
    """Write four ticks of IBM, a second apart, with some columns replaced, added or left out."""
    return write(**{"ticker": ["IBM"] * 4, "timestamp": TIMES, "price": [180.0] * 4, "size": [1] * 4, **columns})


def times_of(path: Path, **options: Any) -> list[int]:
    """Return the times of the rows of a recording of New York."""
    with Recordings.open([path], ReadOptions(timezone="America/New_York", **options)) as recordings:
        return [time for step in recordings.batches(10) for time in step.ticks.timestamp.tolist()]


def test_ticks_of_days_stop_with_the_column_of_the_time_of_day(write: Write) -> None:
    """Else all would be known at midnight."""
    path = write_four(write, timestamp=[DAY] * 4, tod=CLOCKS)
    with pytest.raises(SchemaError, match=r"times are days alone, .*--map time_of_day=tod adds it$"):
        noted(path)
    assert times_of(path, columns={"time_of_day": "tod"}) == TIMES


@pytest.mark.parametrize("hour", [0, 4])
def test_ticks_of_days_alone_are_told(write: Write, hour: int) -> None:
    """As midnights of UTC or of New York."""
    path = write_four(write, timestamp=[NOON - (16 - hour) * 3_600 * SECOND] * 4)
    assert "times are days alone, so that all rows of a day are known at its midnight" in noted(path)


def test_a_value_of_each_day_is_none(write_fmvs: Write) -> None:
    """Fair values can be daily."""
    days = [date(2013, 10, day) for day in (7, 8, 9)]
    path = write_fmvs(ticker=["IBM"] * 3, timestamp=days, fmv=[180.0] * 3)
    assert noted(path) == ""


def test_a_time_of_day_is_not_added_to_times(write: Write) -> None:
    """Times of a recording often have a column beside them that repeats the clock."""
    path = write_four(write, time_of_day=CLOCKS)
    with pytest.raises(SchemaError, match=r"column timestamp has times of day itself, .*--map time_of_day= "):
        noted(path)
    assert times_of(path, columns={"time_of_day": ""}) == TIMES


@pytest.mark.parametrize("days", [[DAY] * 4, pa.array([DAY] * 4).cast(pa.timestamp("us")), ["2013-10-08"] * 4])
def test_it_is_added_to_days(write: Write, days: Any) -> None:
    """Of any type."""
    path = write_four(write, timestamp=days, time_of_day=CLOCKS)
    assert noted(path) == ""
    assert times_of(path) == TIMES


def test_a_time_of_day_of_numbers_is_refused_with_a_remedy_that_loses_none(write: Write) -> None:
    """Without it, days would be read."""
    with pytest.raises(SchemaError, match="write it as times of day or as durations since midnight"):
        noted(write_four(write, timestamp=[DAY] * 4, time_of_day=[120_000] * 4))


@pytest.mark.parametrize(
    ("day", "clock"), [("DATE", "TIME_M"), ("trade_date", "trade_time"), ("day", "tod"), ("Date", "Time")]
)
def test_pairs_of_columns_are_understood(write: Write, day: str, clock: str) -> None:
    """By the names of TAQ and others, as times of New York."""
    path = write_four(write, timestamp=None, **{day: [DAY] * 4, clock: CLOCKS})
    with Recordings.open([path]) as recordings:
        assert [time for step in recordings.batches(10) for time in step.ticks.timestamp.tolist()] == TIMES

"""Dates that are written as numbers, and times of another age."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.recordings import Recordings


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (20131008, 20131009, "2013-10-08"),
        (201310080930, 201310080931, "2013-10-08 09:30:00"),
        (20131008093000, 20131008093001, "2013-10-08 09:30:00"),
        (20131008093000123, 20131008093000124, "2013-10-08 09:30:00"),
    ],
)
def test_dates_written_as_numbers_stop(write: Write, first: int, second: int, shown: str) -> None:
    """As seconds since 1970, 20131008 is a day in August 1970."""
    with pytest.raises(SchemaError, match=rf"ticks\.parquet: times such as {first} are dates .*\({shown}\)"):
        noted(write(timestamp=[first, second]))


@pytest.mark.parametrize("values", [[NOON, NOON + 1], [NOON // 10**9] * 2, [NOON // 10**6] * 2, [NOON // 1_000] * 2])
def test_times_since_1970_are_not_mentioned(write: Write, values: list[int]) -> None:
    """In any unit."""
    assert noted(write(timestamp=values)) == ""


def test_times_of_another_age_are_told(write: Write) -> None:
    """They look like a wrong unit."""
    assert "times are of the year 1970" in noted(write(timestamp=[86_400 * 300, 86_400 * 300 + 1]))
    assert "times are of the year 2150" in noted(write(timestamp=[5_680_281_600, 5_680_281_601]))


def test_a_column_of_dates_is_midnight(write_bars: Write) -> None:
    """As daily bars have it."""
    with Recordings.open([write_bars(timestamp=pa.array([date(2013, 10, 8), date(2013, 10, 9)]))]) as recordings:
        assert any("times without a zone are read as UTC" in note for note in recordings.notes)
        (step,) = recordings.batches(10)
    midnight = NOON - 16 * 3_600 * 10**9
    assert step.bars.timestamp.tolist() == [midnight, midnight + 86_400 * 10**9]


def test_fractions_of_seconds_of_the_nineties_are_told(write: Write) -> None:
    """Numbers that count from 1985 or 2000 are years early if they are read since 1970."""
    early = NOON - 473_385_600 * SECOND
    assert "but finer than a second, as no market was recorded then" in noted(write(timestamp=[early + 1, early + 2]))
    assert noted(write(timestamp=[early, early + SECOND])) == ""


@pytest.mark.parametrize("value", [20131008.093000, 20131008093000.5])
def test_dates_with_fractions_stop(write: Write, value: float) -> None:
    """Their whole part is a date: a fraction holds the time of day, or that of a second."""
    with pytest.raises(SchemaError, match=rf"times such as {int(value)} are dates"):
        noted(write(timestamp=[value, value]))


def test_fractions_of_seconds_since_1970_are_not_mentioned(write: Write) -> None:
    """Floats have them."""
    assert noted(write(timestamp=[NOON / SECOND + 0.25, NOON / SECOND + 1.5])) == ""

"""Times in floats, decimals and texts are read to the nanosecond that they mean, or refused with the remedy."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.time_columns import nanoseconds


def times_of(path: Path, **options: Any) -> list[int]:
    """Return the timestamps of a recording of one step."""
    with Recordings.open([path], ReadOptions(**options)) as recordings:
        (step,) = recordings.batches(1_000)
    return [*step.ticks.timestamp.tolist(), *step.bars.timestamp.tolist()]


@pytest.mark.parametrize("step", [SECOND, 1_000_000, 1_000, 1])
def test_floats_are_times_since_1970(write: Write, step: int) -> None:
    """Pandas writes integers with a null as floats, and `time.time()` is one."""
    path = write(timestamp=pa.array([float(NOON // step), None, float((NOON + SECOND) // step)]), **rows(3))
    assert times_of(path) == [NOON, 0, NOON + SECOND]


def rows(count: int) -> dict[str, Any]:
    """Return the other columns of ticks."""
    return {"ticker": ["IBM"] * count, "price": [180.0] * count, "size": [1] * count}


@given(st.integers(10**15, 2 * 10**15), st.sampled_from([10**9, 10**6, 10**3]))
def test_floats_keep_every_microsecond(microseconds: int, step: int) -> None:
    """A double of seconds is some 100 ns beside the microsecond that was written."""
    floats = pa.array([microseconds * 1_000 / step, np.nan, 1e300])
    assert nanoseconds(floats, step).tolist() == [microseconds * 1_000, 0, 0]


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (pa.decimal128(38, 0), Decimal(NOON)),
        (pa.decimal128(38, 9), Decimal(NOON + 7).scaleb(-9)),
        (pa.decimal256(60, 0), Decimal(NOON // 1_000_000)),
    ],
)
def test_decimals_are_exact(write: Write, type_: Any, value: Decimal) -> None:
    """Snowflake and Oracle export whole numbers as decimals."""
    path = write(timestamp=pa.array([value, value], type_))
    expected = NOON + 7 if type_.scale else NOON
    assert times_of(path) == [expected, expected]


@pytest.mark.parametrize(
    "text",
    [
        "2013-10-08T16:00:00Z",
        "2013-10-08T16:00:00.000000000Z",
        "2013-10-08 16:00:00",
        "2013-10-08 16:00",
        "2013-10-08 12:00:00-04:00",
        "2013-10-08T12:00:00.000-0400",
        "2013-10-08 16:00:00 UTC",
        "2013-10-08 16:00:00+00",
        "2013/10/08 16:00:00",
        "2013.10.08 16:00",
        "20131008 16:00:00.000",
        "20131008 160000",
        "20131008 160000000",
        "20131008160000",
        "08.10.2013 12:00:00.000 GMT-0400",
        "8-Oct-2013 16:00:00",
        "1381248000",
        "1381248000.000",
        "1381248000000",
        " 1381248000000000000 ",
    ],
)
@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_of_one_meaning_are_read(write: Write, text: str, type_: Any) -> None:
    """ISO 8601 and its relatives, with and without a zone, and numbers since 1970."""
    assert times_of(write(timestamp=pa.array([text, text]).cast(type_))) == [NOON, NOON]


def test_texts_without_a_zone_have_that_of_the_settings(write: Write) -> None:
    """With one of their own they have not."""
    path = write(timestamp=["2013-10-08 12:00:00", "2013-10-08 12:00:00.000000001"])
    assert times_of(path, timezone="America/New_York") == [NOON, NOON + 1]
    with_zone = write(timestamp=["2013-10-08 16:00:00Z"] * 2)
    assert times_of(with_zone, timezone="America/New_York") == [NOON, NOON]


def test_a_text_that_is_no_time_leaves_its_row_without_one(write: Write) -> None:
    """Such a row is rejected, and counted."""
    texts = ["2013-10-08T16:00:00Z", "n/a", "", None, "2013-10-08T16:00:01Z"]
    assert times_of(write(timestamp=texts, **rows(5))) == [NOON, 0, 0, 0, NOON + SECOND]


@pytest.mark.parametrize("text", ["10/08/2013 16:00:00", "10/08/2013 04:00 PM", "10/08/2013"])
def test_month_and_day_are_not_guessed(write: Write, text: str) -> None:
    """The message offers both forms; a day above 12 shows which one it is."""
    path = write(timestamp=[text, text])
    with pytest.raises(
        SchemaError, match=r"ticks\.parquet: 10/08/2013.* month or the day first.*time_format='?%m/%d/%Y"
    ):
        times_of(path)
    clear = write(timestamp=[text.replace("10/08", "09/30"), text])
    assert times_of(clear, time_format="auto")[1] in (NOON, NOON - 16 * 3_600 * SECOND)


def test_the_form_of_the_settings_is_taken(write: Write) -> None:
    """Where it fits nothing, the message says so instead of rejecting all rows."""
    path = write(timestamp=["08/10/2013 16:00"] * 2)
    assert times_of(path, time_format="%d/%m/%Y %H:%M") == [NOON, NOON]
    for form in ("%H:%M", "%d.%m.%Y", "%Q?"):
        with pytest.raises(SchemaError, match="fits none of the first texts in column timestamp, such as 08/10/2013"):
            times_of(path, time_format=form)


@pytest.mark.parametrize("text", ["9:30 on Tuesday 8", "2013-10-08T09:30-05:00[America/New_York]"])
def test_texts_of_no_form_are_an_error(write: Write, text: str) -> None:
    """The remedy is a setting, or another type."""
    with pytest.raises(SchemaError, match="no known form fits the texts in column timestamp, such as "):
        times_of(write(timestamp=[text, text]))


def test_texts_of_several_forms_are_told_with_two_of_them(write: Write) -> None:
    """One that fits alone says nothing about the others."""
    for other in ("1381248000000", "2013-10-08T16:00:00"):
        with pytest.raises(SchemaError, match=f"fits all texts .* such as 2013-10-08T16:00:00Z and {other}: "):
            times_of(write(timestamp=["2013-10-08T16:00:00Z", other]))


def test_years_of_two_digits_have_no_form(write: Write) -> None:
    """The settings can name one."""
    path = write(timestamp=["10/08/13 16:00:00"] * 2)
    with pytest.raises(SchemaError, match="no known form fits the texts in column timestamp"):
        times_of(path)
    assert times_of(path, time_format="%m/%d/%y %H:%M:%S") == [NOON, NOON]


def test_a_form_is_found_behind_rows_without_a_time(write: Write) -> None:
    """The footer states the first and the last text."""
    times = [None] * 1_001 + ["2013-10-08T16:00:00Z"]
    path = write(timestamp=times, **rows(len(times)))
    with Recordings.open([path]) as recordings:
        assert [step.ticks.timestamp.max() for step in recordings.batches(2_000)] == [NOON]


@pytest.mark.parametrize("clock", ["12:00:00", "12:00", "12:00:00.000", "120000", "12:00:00 PM"])
def test_a_day_and_a_time_of_day_can_be_texts(write: Write, clock: str) -> None:
    """Kibot and MetaTrader write them apart."""
    path = write(timestamp=["2013-10-08"] * 3, time_of_day=[clock, None, clock], **rows(3))
    assert times_of(path, timezone="America/New_York") == [NOON, 0, NOON]


@pytest.mark.parametrize(
    "flags",
    [
        pa.array([4.0, None, 1.0]),
        pa.array([4.0, float("nan"), 1.0]),
        pa.array([4, None, 1], pa.decimal128(38, 0)),
        pa.array([4.0, None, 1.0], pa.float32()),
    ],
)
def test_flags_with_nulls_can_be_floats(write: Write, flags: Any) -> None:
    """Pandas makes floats of integers with a null, Snowflake decimals."""
    path = write(timestamp=[NOON, NOON, NOON], flags=flags, **rows(3))
    with Recordings.open([path]) as recordings:
        (step,) = recordings.batches(10)
    assert step.ticks.flags.tolist() == [4, 0, 1]


def test_flags_with_a_fraction_are_those_of_nobody(write: Write) -> None:
    """They stop the run with the remedy for foreign bits."""
    with (
        Recordings.open([write(flags=[0.0, 1.5])]) as recordings,
        pytest.raises(Exception, match=r"row 1: flags is 1\.5, but the bits of flags are .*--map flags="),
    ):
        list(recordings.batches(10))

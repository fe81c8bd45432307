"""Lengths of bars in any notation."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from tests.unit.sources.conftest import SECOND, Write
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.sources.intervals import lengths, parse_interval
from tickstock_cli.sources.recordings import Recordings


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1m", 60),
        ("5min", 300),
        ("1h", 3600),
        ("1d", 86400),
        ("1D", 86400),
        ("30s", 30),
        ("1Min", 60),
        ("90", 90),
        ("PT5M", 300),
        ("P1D", 86400),
        ("5 minutes", 300),
        ("hour", 3600),
        ("1w", 604800),
        ("0.5h", 1800),
        ("P1W", 604800),
        ("M5", 300),
        ("H1", 3600),
        ("D1", 86400),
        ("MINUTE_5", 300),
        ("00:05:00", 300),
        ("1 days 00:00:30", 86430),
    ],
)
def test_usual_notations_are_read(text: str, seconds: int) -> None:
    """As vendors and libraries write them."""
    assert parse_interval(text) == seconds * NS_PER_SECOND


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        "1M",
        "M",
        "0",
        "0m",
        "-1m",
        "1x",
        "1mo",
        "P",
        "PT",
        "nan",
        "MN1",
        "X5",
        "00:00:00",
        "0:05",
        "9" * 30,
        "inf",
    ],
)
def test_others_are_none(text: str) -> None:
    """A month has no length; a letter alone is no length."""
    assert parse_interval(text) is None


@pytest.mark.parametrize(
    "column",
    [
        pa.array([timedelta(minutes=5), None], pa.duration("ms")),
        pa.array(["5m", None]),
        pa.array(["5m", None]).dictionary_encode(),
        pa.array([300, None], pa.int16()),
        pa.array([300.0, float("nan")]),
    ],
)
def test_columns_of_any_type_are_lengths(column: pa.Array[pa.Scalar[pa.DataType]]) -> None:
    """Numbers are seconds; null is the length of bars without one."""
    assert lengths(column, NS_PER_SECOND, 7).tolist() == [300 * NS_PER_SECOND, 7]


@pytest.mark.parametrize(
    "folder",
    [
        "timeframe=5m",
        "Interval=5m",
        "kline_interval=5m",
        "duration=5min",
        "freq=5min",
        "tf=M5",
        "bar=5m",
        "bar_size=5min",
        "period=300s",
        "Granularity=PT5M",
        "frequency=5T",
    ],
)
def test_partitions_of_other_names_say_the_length_of_bars(write_bars: Write, tmp_path: Path, folder: str) -> None:
    """A folder of each timeframe is a usual layout."""
    (tmp_path / folder).mkdir()
    path = write_bars(f"{folder}/bars.parquet")
    with Recordings.open([path]) as recordings:
        (step,) = recordings.batches(10)
    assert step.bars.interval.tolist() == [300 * SECOND] * 2


@pytest.mark.parametrize("folder", ["bar=front", "bar=3", "timeframe=all", "freq=1M"])
def test_partitions_that_are_no_length_are_ignored(write_bars: Write, tmp_path: Path, folder: str) -> None:
    """A number alone is one only under a name that has no other meaning; a month has no length."""
    (tmp_path / folder).mkdir()
    with Recordings.open([write_bars(f"{folder}/bars.parquet")]) as recordings:
        (step,) = recordings.batches(10)
    assert step.bars.interval.tolist() == [60 * SECOND] * 2


def test_a_column_of_texts_of_another_name_says_the_length_of_bars(write_bars: Write) -> None:
    """Its texts must all be lengths."""
    for frames, length in ((["1m", "5m"], [60, 300]), (["5m", "front"], [60, 60])):
        with Recordings.open([write_bars(timeframe=frames)]) as recordings:
            (step,) = recordings.batches(10)
        assert step.bars.interval.tolist() == [seconds * SECOND for seconds in length]

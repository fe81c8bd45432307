"""Lengths of bars in any notation."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.sources.intervals import lengths, parse_interval


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

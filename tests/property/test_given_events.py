"""A column of times of a file of events is read in bulk as `parse_time` reads one."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.backtest.given_columns import GivenColumn
from tickstock_cli.core.times import parse_time
from tickstock_cli.errors import DataError, UsageError

digits = st.integers(0, 99).map("{:02d}".format)
clocks = st.builds("{}{}:{}".format, st.sampled_from("T t"), digits, digits) | st.builds(
    "{}{}:{}:{}{}".format,
    st.sampled_from("T "),
    digits,
    digits,
    digits,
    st.sampled_from(["", ".5", ",000000001", ".12"]),
)
zones = st.sampled_from(["", "Z", "z", " Z", "+01", "-0430", "-05:00", "+24:00", "+0160", "+"])
dates = st.dates().map(str) | st.sampled_from(["2026-02-29", "2026-13-01", "1970-01-01", "2262-04-11", "1677-09-21"])
texts = st.builds("{}{}{}".format, dates, clocks, zones) | dates | st.integers(0, 10**20).map(str) | st.text(max_size=5)


@given(st.lists(texts, max_size=5))
def test_times_in_bulk_are_times_one_by_one(written: list[str]) -> None:
    """Also which texts are none; those before 1970 and in the last second of int64 are refused here alone."""
    expected = []
    for text in written:
        try:
            expected.append(parse_time(text))
        except UsageError:
            expected.append(0)

    try:
        found = GivenColumn(Path("events.csv"), pl.Series("time", written, pl.String)).times().tolist()
    except DataError:
        assert any(time < 10**9 or time > 2**63 - 2 * 10**9 for time in expected)
    else:
        assert found == expected

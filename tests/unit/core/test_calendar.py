"""Session tables are put together from years, and no joint shows."""

from __future__ import annotations

import pytest

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.testing import new_york


@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_a_table_that_grew_is_the_table_of_all_its_years(name: str) -> None:
    """Rows with wrong times widen the table in any order; every segment is in it once, in order of time."""
    first, middle, last = (new_york(f"{year}-06-12", "10:00:00") for year in (2015, 2019, 2024))
    grown = Calendar(name)
    for time in (middle, last, first):
        grown.table(time, time)

    starts, segments = grown.table(first, last)
    whole = Calendar(name).table(first, last)

    assert starts.tolist() == whole.starts.tolist() == sorted(set(starts.tolist()))
    assert segments.tolist() == whole.segments.tolist()


@pytest.mark.parametrize("name", ["XNYS", "24/7"])
def test_no_day_is_missing_between_two_years(name: str) -> None:
    """A session of New Year's Eve is followed by one of New Year's Day."""
    _, segments = Calendar(name).table(new_york("2019-06-12", "10:00:00"), new_york("2021-06-12", "10:00:00"))
    days = [int(segment) // 4 for segment in segments]

    assert sorted(set(days)) == list(range(days[0], days[-1] + 1))

"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC

import pytest

from tickstock_cli.core.calendar import market_zone
from tickstock_cli.core.time_input import local_clock, parse_time_input
from tickstock_cli.errors import UsageError
from tickstock_cli.testing import SECOND, new_york

NEW_YORK = market_zone("XNYS")
DAY_NS = 86_400 * SECOND


def at(clock: str) -> int:
    """Return a time of one summer's day in New York, ns."""
    return new_york("2024-06-12", clock)


@pytest.mark.parametrize("text", ["10:31:05", "2024-06-12T10:31:05-04:00", "2024-06-12T14:31:05Z", "1718202665"])
def test_a_moment_can_be_written_in_many_ways(text: str) -> None:
    """A time of day means the recording's date in New York; a whole time means itself."""
    assert parse_time_input(text).resolved((at("09:30:00"), at("16:00:00")), NEW_YORK) == at("10:31:05")


def test_a_time_of_day_may_have_a_fraction_or_no_seconds() -> None:
    """To the nanosecond, or to the minute."""
    span = at("09:30:00"), at("16:00:00")
    assert parse_time_input("9:31").resolved(span, NEW_YORK) == at("09:31:00")
    assert parse_time_input("09:31:00.000000001").resolved(span, NEW_YORK) == at("09:31:00") + 1


def test_on_the_day_clocks_change_times_of_day_are_still_those_on_the_wall() -> None:
    """Ten in the morning is ten in the morning, on the Sunday in March too."""
    span = new_york("2024-03-10", "09:00:00"), new_york("2024-03-10", "11:00:00")
    assert parse_time_input("10:00").resolved(span, NEW_YORK) == new_york("2024-03-10", "10:00:00")


def test_a_market_that_never_closes_has_days_of_utc() -> None:
    """Where `session.calendar` is 24/7."""
    assert market_zone("24/7") is UTC
    assert parse_time_input("00:00:01").resolved((DAY_NS, DAY_NS + SECOND), UTC) == DAY_NS + SECOND


def test_a_time_of_day_needs_a_recording_of_one_date() -> None:
    """The message shows how to write the date, zone included."""
    with pytest.raises(UsageError, match=r"from 2024-06-12 to 2024-06-13.*write it too, as in 2024-06-12T10:31-04:00"):
        parse_time_input("10:31").resolved((at("10:00:00"), at("10:00:00") + DAY_NS), NEW_YORK)
    with pytest.raises(UsageError, match="the recording does not show the date of 10:31"):
        parse_time_input("10:31").resolved(None, NEW_YORK)


@pytest.mark.parametrize("text", ["25:00", "10:61", "10:31:05:00", "soon"])
def test_an_invalid_time_is_an_error(text: str) -> None:
    """With the forms that are understood."""
    with pytest.raises(UsageError, match=r"cannot read .* write 2013-10-08, .* a time of day .* such as 10:31:05"):
        parse_time_input(text)


def test_moments_are_shown_with_the_market_s_own_clock() -> None:
    """Winter and summer."""
    assert local_clock(at("10:31:05.250"), NEW_YORK) == "2024-06-12 10:31:05.250 EDT"
    assert local_clock(new_york("2024-01-31", "10:31:05"), NEW_YORK) == "2024-01-31 10:31:05.000 EST"

"""Times as text and back, to the nanosecond."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.times import NS_PER_UNIT, epoch_unit, format_duration, format_time, parse_time
from tickstock_cli.errors import UsageError

OPEN = 1_381_239_000_000_000_000
"""2013-10-08 09:30 in New York, which is at UTC-4 on that day."""

any_ns = st.integers(min_value=-(2**63), max_value=2**63 - 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2013-10-08T13:30:00Z", OPEN),
        ("2013-10-08 13:30", OPEN),
        ("2013-10-08T09:30:00-04:00", OPEN),
        ("2013-10-08T09:30-0400", OPEN),
        ("2013-10-08t19:00:00+05:30", OPEN),
        ("  2013-10-08T09:30:00 -04 ", OPEN),
        ("2013-10-08", OPEN - 13 * 3_600_000_000_000 - 30 * 60_000_000_000),
        ("2013-10-08T13:30:00.000000001Z", OPEN + 1),
        ("2013-10-08T13:30:00,25Z", OPEN + 250_000_000),
        ("1970-01-01T00:00:00+00:00", 0),
    ],
)
def test_iso_times_are_read_exactly(text: str, expected: int) -> None:
    """Zones, missing zones, missing times and nine digits of fraction all mean what they say."""
    assert parse_time(text) == expected


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_an_integer_time_follows_from_its_magnitude(unit: str) -> None:
    """The same moment is read from seconds, milliseconds, microseconds and nanoseconds."""
    value = OPEN // NS_PER_UNIT[unit]

    assert epoch_unit(value) == unit
    assert parse_time(str(value)) == OPEN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("noon", "cannot read 'noon' as a time"),
        ("", "cannot read '' as a time"),
        ("2013-10-08T25:00", "hour is 25, but 0 to 23 is allowed"),
        ("2013-10-08T13:30:60Z", "second is 60, but 0 to 59 is allowed"),
        ("2013-02-29", "day"),
        ("2013-10-08T13:30:00.0000000001Z", "cannot read"),
        ("2013-10-08T13:30+24:00", r"zone \+24:00 is out of range"),
        ("20131008", "may be a date or seconds"),
        ("2263-01-01", "out of range"),
        ("1500-01-01", "out of range"),
        ("9999999999999999999", "out of range"),
        ("1.5e9", "cannot read"),
    ],
)
def test_an_invalid_time_is_an_error_with_its_reason(text: str, reason: str) -> None:
    """Nothing is guessed: a date without dashes could be seconds, ten digits of fraction cannot be kept."""
    with pytest.raises(UsageError, match=reason):
        parse_time(text)


@given(any_ns)
def test_every_time_reads_back_as_it_was_written(ns: int) -> None:
    """No nanosecond is lost between 1677 and 2262."""
    assert parse_time(format_time(ns)) == ns


@given(any_ns, any_ns)
def test_text_orders_as_time_does_within_one_second_precision(first: int, second: int) -> None:
    """Whole seconds sort as text, which is what lists of events rely on."""
    first, second = (ns // 10**9 * 10**9 if ns > -(2**63) + 10**9 else 0 for ns in (first, second))

    assert (format_time(first) < format_time(second)) == (first < second)


def test_a_fraction_is_as_short_as_it_can_be() -> None:
    """Trailing zeros say nothing and are left out."""
    assert format_time(OPEN) == "2013-10-08T13:30:00Z"
    assert format_time(OPEN + 500_000_000) == "2013-10-08T13:30:00.5Z"
    assert format_time(OPEN + 1) == "2013-10-08T13:30:00.000000001Z"


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (0, "0 s"),
        (1, "1 ns"),
        (1_500, "1.5 us"),
        (999_999_999, "999.999 ms"),
        (1_000_000_000, "1 s"),
        (59_999_900_000, "59.999 s"),
        (60_000_000_000, "1 min 0 s"),
        (23_400_000_000_000, "6 h 30 min"),
        (90_000_000_000_000, "1 d 1 h"),
        (-2_500_000, "-2.5 ms"),
    ],
)
def test_durations_show_their_two_greatest_units(ns: int, expected: str) -> None:
    """Long ones are cut, never rounded up to a unit they have not reached."""
    assert format_duration(ns) == expected

"""Durations and sizes that users write."""

from __future__ import annotations

import pytest

from tickstock_cli.core.quantities import parse_duration, parse_size, size_words
from tickstock_cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "seconds"), [("1h", 3_600), ("90", 90), ("1.5m", 90), ("250ms", 0.25), ("2d", 172_800), (" 5s ", 5)]
)
def test_a_duration_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    """`--duration 1h` is an hour, and a bare number is seconds."""
    assert parse_duration(text) == seconds * 1_000_000_000


@pytest.mark.parametrize("text", ["", "0", "0s", "-1h", "1w", "1 hour", "h", "1e3s", "٣s"])
def test_what_is_no_duration_is_said_in_one_line(text: str) -> None:
    """The line has the value, and an example of a right one."""
    with pytest.raises(UsageError, match="as in 1h, was"):
        parse_duration(text)


@pytest.mark.parametrize(("text", "size"), [("4MiB", 4 << 20), ("1.5GiB", 3 << 29), ("512", 512), ("2TiB", 2 << 40)])
def test_a_size_is_a_number_with_its_unit(text: str, size: int) -> None:
    """Units are those of 1,024, as their names say."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1_023, "1,023 bytes"),
        (1_024, "1.00 KiB"),
        (3_070, "3.00 KiB"),
        (1 << 20, "1.00 MiB"),
        (3 << 29, "1.50 GiB"),
        (5 << 40, "5,120.00 GiB"),
    ],
)
def test_a_size_is_shown_in_a_unit_of_which_it_has_one(size: int, words: str) -> None:
    """A small file has a size, too: 0.00 MiB says nothing."""
    assert size_words(size) == words


@pytest.mark.parametrize("text", ["", "0", "0.1", "-4MiB", "4MB", "4 mib", "MiB"])
def test_what_is_no_size_is_said_in_one_line(text: str) -> None:
    """MB could be meant as either unit, so it is asked for."""
    with pytest.raises(UsageError, match="as in 4MiB, was"):
        parse_size(text)

"""Numbers with their nouns, in sentences."""

from __future__ import annotations

import pytest

from tickstock_cli.core.counted import counted, worded
from tickstock_cli.sources.checks.facts import Oddity


@pytest.mark.parametrize(("count", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_345, "12,345 rows")])
def test_a_noun_fits_its_number(count: int, text: str) -> None:
    """Small recordings have one row of a kind more often than large ones."""
    assert counted(count, "row") == text


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ((1, 1), "1 of 1 row is late"),
        ((1, 2), "1 of 2 rows are late"),
        ((2, 3_000), "2 of 3,000 rows are late"),
    ],
)
def test_words_fit_the_number_before_them(counts: tuple[int, int], text: str) -> None:
    """Verbs and pronouns change with it, too."""
    assert worded("{} of {} {row is|rows are} late", *counts) == text


def test_braces_of_names_stay() -> None:
    """A path can hold what looks like a place."""
    assert worded("a{}b{c|d}.parquet is a copy") == "a{}b{c|d}.parquet is a copy"
    assert worded("{} {row|rows} in a{}.parquet", 1) == "1 row in a{}.parquet"


def test_an_oddity_of_one_row_is_worded_as_one() -> None:
    """Sums over files are taken before the words are chosen."""
    assert str(Oddity("--where a=1 leaves out {} of {} {row|rows}", (0, 1))) == "--where a=1 leaves out 0 of 1 row"

"""Tickers that are none, or that nobody finds."""

from __future__ import annotations

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write


@pytest.mark.parametrize(
    ("tickers", "told"),
    [
        (["IBM   ", "MSFT  "], "tickers have blanks around them, such as 'IBM   '"),
        (["IBM", "nan"], "rows of the ticker nan are read as those of one: write null"),
        (["<NA>", "IBM"], "rows of the ticker <NA> are read"),
    ],
)
def test_they_are_told(write: Write, tickers: list[str], told: str) -> None:
    """Databases pad texts, and pandas writes nan as one."""
    assert told in noted(write(ticker=tickers))


@pytest.mark.parametrize("tickers", [["IBM", "NA"], ["BRK B", "BRK.B"], ["ibm", None], ["", "NASDAQ:MSFT"]])
def test_others_are_not(write: Write, tickers: list[str | None]) -> None:
    """Blanks within, small letters and prefixes belong to a ticker; null is none."""
    assert noted(write(ticker=tickers)) == ""


def test_a_folder_of_another_ticker_is_told(write: Write) -> None:
    """The column is read; one that agrees is no oddity."""
    assert noted(write("ticker=IBM/a.parquet")) == ""
    assert "the folder is named ticker=MSFT, but rows are of IBM" in noted(write("ticker=MSFT/b.parquet"))

"""Bars of some tickers that have another length than they are read with."""

from __future__ import annotations

from pathlib import Path

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write

MINUTE = 60 * SECOND


def write_minutes(write_bars: Write, minutes: dict[str, list[int]]) -> Path:
    """Write bars of tickers that begin at these minutes behind noon."""
    rows = sorted((minute, ticker) for ticker, some in minutes.items() for minute in some)
    prices = {price: [180.0] * len(rows) for price in ("open", "high", "low", "close")}
    times = [NOON + minute * MINUTE for minute, _ in rows]
    return write_bars(ticker=[ticker for _, ticker in rows], timestamp=times, **prices, volume=[1] * len(rows))


def test_a_ticker_with_longer_bars_is_told(write_bars: Write) -> None:
    """Five minutes beside one: they would be known four minutes too early."""
    path = write_minutes(write_bars, {"A": list(range(60)), "FIVE": list(range(0, 60, 5))})
    assert "bars of FIVE are 5 min 0 s apart, but read as 1 min 0 s long" in noted(path)


def test_gaps_of_a_ticker_are_none(write_bars: Write) -> None:
    """Thinly traded shares have a bar now and then."""
    thin = [0, 2, 5, 7, 9, 14, 16, 18, 21, 23, 25]
    assert noted(write_minutes(write_bars, {"A": list(range(60)), "THIN": thin})) == ""


def test_few_bars_say_nothing(write_bars: Write) -> None:
    """Three in a row can be by chance."""
    assert noted(write_minutes(write_bars, {"A": list(range(60)), "FIVE": [0, 5, 10, 15]})) == ""

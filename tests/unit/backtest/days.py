"""A few days of two tickers that walk at random, busy enough for dozens of highs and lows."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.cli.market import write_recording
from tickstock_cli.testing import SECOND, Bar, Record, Tick, new_york

DAYS = ("2024-06-10", "2024-06-11", "2024-06-12", "2024-06-13")
TICKERS = ("AAA", "BBB")
MINUTES = 30


def walk(days: int = len(DAYS)) -> list[Record]:
    """Return a tick of each ticker every 15 seconds from 10:00 on, and one at 15:58, on each day."""
    rng = Random(7)
    rows: list[Record] = []
    for day in DAYS[:days]:
        begun, end = new_york(day, "10:00:00"), new_york(day, "15:58:00")
        for ticker in TICKERS:
            price = 100.0
            for number in range(4 * MINUTES):
                price = round(price * (1 + rng.gauss(0, 4e-4)), 2)
                rows.append(Tick(ticker, begun + number * 15 * SECOND, price, 500))
            rows.append(Tick(ticker, end, price, 500))
    return rows


def write_walk(folder: Path, days: int = len(DAYS)) -> Path:
    """Write these ticks as a recording."""
    return write_recording(walk(days), folder)


def write_bars(folder: Path) -> Path:
    """Write half an hour of minute bars of one ticker."""
    begun = new_york(DAYS[0], "10:00:00")
    bars = [Bar("AAA", begun + minute * 60 * SECOND, 100, 101, 99, 100, 1_000) for minute in range(30)]
    return write_recording(bars, folder)

"""From steps of a market to the rows of a recording; shared by both generators of recordings.

A ``Step`` says what happens next: how long after the former step, to which ticker, how far its price goes, and
which row tells of it. ``lay_out`` walks the steps and writes the files. Whatever the steps are, the files are
sorted by available time and all rows of a file have the same columns, as in any recording.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.oracle.admission import LONG_AGO, available_time, interval_of
from tests.oracle.records import SECOND, Record, Row
from tests.oracle.sessions import NEW_YORK
from tests.oracle.settings import Settings, complete

TICKERS = ("AAPL", "BRK.B", "MSFT", "Zürich", "aapl")

REQUIRED: dict[Record, tuple[str, ...]] = {
    "tick": ("ticker", "timestamp", "price", "size"),
    "ohlcv": ("ticker", "timestamp", "open", "high", "low", "close", "volume"),
    "fmv": ("ticker", "timestamp", "fmv"),
}
OPTIONAL: dict[Record, tuple[str, ...]] = {
    "tick": ("flags", "conditions", "exchange", "sequence", "received_at"),
    "ohlcv": ("vwap", "transactions", "avg_volume", "percent_change", "interval", "received_at"),
    "fmv": ("market_price", "confidence", "received_at"),
}

OPEN_DAYS = (
    "2024-01-31",  # a plain Wednesday in winter
    "2024-03-08",  # before and after clocks go forward
    "2024-03-11",
    "2024-06-12",  # a plain Wednesday in summer
    "2024-07-03",  # half-day
    "2024-11-01",  # before and after clocks go back
    "2024-11-04",
    "2024-11-29",  # half-day
)
CLOSED_DAYS = ("2024-03-10", "2024-07-04", "2024-11-03", "2024-11-28", "2024-12-25")
CLOCKS = ("09:30", "16:00", "20:00", "10:15", "04:00", "13:00", "17:00", "00:00")


def _new_york(day: str, clock: str) -> int:
    return int(datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK).timestamp()) * SECOND


CLOSED = tuple(_new_york(day, clock) for day in CLOSED_DAYS for clock in CLOCKS)
NIGHTS = tuple(
    _new_york(f"2024-{day}", clock)
    for day, clock in (
        ("03-10", "20:00"),  # a Sunday on which clocks went forward
        ("03-11", "00:00"),
        ("06-11", "20:00"),
        ("06-12", "04:00"),
        ("07-04", "20:00"),  # a holiday before a trading day
        ("11-04", "00:00"),
        ("11-28", "22:15"),
    )
)
"""Times (ns) at which a night begins, ends, or has midnight or nothing at all in it."""
BORDERS = tuple(_new_york(day, clock) for day in OPEN_DAYS for clock in CLOCKS) + CLOSED + NIGHTS
"""Times (ns) around which something changes, and 10:15 of each day, where nothing does."""

OPEN = tuple(_new_york(day, clock) for day in OPEN_DAYS for clock in ("10:15", "09:30"))
"""Times (ns) after which the market stays open for hours."""

BAD_PRICES = (None, math.nan, math.inf, -math.inf, 0.0, -1.0)
BAD_SIZES = (None, math.nan, math.inf, -1.0, 200_000_000_000.0)
FAULTS: dict[Record, dict[str, tuple[Any, ...]]] = {
    "tick": {"ticker": (None, ""), "timestamp": (None, 0, -5), "price": BAD_PRICES, "size": BAD_SIZES},
    "ohlcv": {
        "ticker": (None, ""),
        "timestamp": (None, 0, -5),
        **dict.fromkeys(("open", "high", "low", "close"), (*BAD_PRICES, 0.01, 1e9)),
        "volume": BAD_SIZES,
        "avg_volume": (math.nan, 0.0, -1.0),
        "percent_change": (math.nan,),
        "interval": (None,),
    },
    "fmv": {
        "ticker": (None, ""),
        "timestamp": (None, 0, -5),
        "fmv": BAD_PRICES,
        "market_price": BAD_PRICES[1:],
        "confidence": (math.nan, -0.1, 1.1),
    },
}
"""Per record type and column: values that are rejected, or count as null."""


@dataclass(frozen=True)
class Step:
    """What happens next.

    Attributes
    ----------
    gap
        Time since the former step, ns.
    move
        Factor on the ticker's price that lasts.
    stray
        Factor for this row alone: on a tick's price, a bar's high (above 1) or low (below 1), or the fair value.
    delay
        ``received_at - timestamp`` (of a bar: minus its end), ns; None = null.
    file
        Which of the files of its type the row goes to, modulo their number.
    beyond
        How far a bar's close lies outside its range, as a share of the bound: above the high, or below the low if
        negative; 0 = it is what it is. Adjusted bars are off by some 1e-16.
    columns
        Values of optional columns, and bad values of any.
    """

    record: Record
    ticker: str
    gap: int = 0
    move: float = 1.0
    stray: float = 1.0
    size: float = 100.0
    delay: int | None = 0
    file: int = 0
    beyond: float = 0.0
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class FileShape:
    """One file: its record type, optional columns, and whether its sizes are integers."""

    record: Record
    optional: frozenset[str]
    integers: bool = False
    decimals: int = 2


@dataclass
class _Market:
    price: float = 100.0
    last_close: float = 100.0
    since_bar: list[float] = field(default_factory=list)

    def move(self, factor: float) -> None:
        moved = self.price * factor
        if 1.0 < moved < 100_000.0:
            self.price = moved
        self.since_bar.append(self.price)


def lay_out(steps: Sequence[Step], start: int, shapes: Sequence[FileShape], settings: Settings) -> list[list[Row]]:
    """Return the rows of each file. ``start``: ns. Steps whose type has no file only move the market."""
    default_interval = complete(settings)["recordings.interval_seconds"]
    markets = {ticker: _Market() for ticker in {step.ticker for step in steps}}
    contents: list[list[dict[str, Any]]] = [[] for _ in shapes]
    time = start
    for step in steps:
        time += step.gap
        market = markets[step.ticker]
        market.move(step.move)
        files = [number for number, shape in enumerate(shapes) if shape.record == step.record]
        if files:
            number = files[step.file % len(files)]
            contents[number].append(_values(step, time, market, shapes[number], default_interval))
    return [
        _sorted_rows(shape.record, number, values, complete(settings))
        for number, (shape, values) in enumerate(zip(shapes, contents, strict=True))
    ]


def _values(step: Step, time: int, market: _Market, shape: FileShape, default_interval: int) -> dict[str, Any]:
    names = [*REQUIRED[shape.record], *(name for name in OPTIONAL[shape.record] if name in shape.optional)]
    values: dict[str, Any] = dict.fromkeys(names)
    known: dict[str, Any] = {"ticker": step.ticker, "timestamp": time}
    available_at = time
    if step.record == "tick":
        known |= {"price": round(market.price * step.stray, shape.decimals), "size": step.size}
    elif step.record == "fmv":
        known |= {"fmv": round(market.price * step.stray, shape.decimals), "market_price": round(market.price, 2)}
    else:
        own_interval = step.columns.get("interval") if "interval" in shape.optional else None
        interval = (own_interval or default_interval) * SECOND
        available_at = time // interval * interval
        known |= {"timestamp": available_at - interval, "volume": step.size} | _prices(step, market, shape.decimals)
    if step.delay is not None:
        known["received_at"] = available_at + step.delay
    known |= step.columns
    values |= {name: value for name, value in known.items() if name in values}
    if shape.integers:
        values |= {name: _integer(values[name]) for name in ("size", "volume") if name in values}
    return values


def _prices(step: Step, market: _Market, decimals: int) -> dict[str, float]:
    seen = [market.last_close, *market.since_bar]
    high, low = max(seen) * max(1.0, step.stray), min(seen) * min(1.0, step.stray)
    prices = {"open": market.last_close, "high": high, "low": low, "close": market.price}
    market.last_close = market.price
    market.since_bar.clear()
    prices = {name: round(price, decimals) for name, price in prices.items()}
    if step.beyond:
        prices["close"] = prices["high" if step.beyond > 0 else "low"] * (1 + step.beyond)
    return prices


def _integer(size: float | None) -> int | None:
    return None if size is None or not math.isfinite(size) else int(size)


def _sorted_rows(record: Record, number: int, contents: list[dict[str, Any]], settings: Settings) -> list[Row]:
    def order(values: dict[str, Any]) -> int:
        row = Row(record, number, 0, values)
        available_at = available_time(row, settings)
        if available_at is None:  # in front of all others, and in order for readers that take the time as it is
            length = interval_of(row, settings) if record == "ohlcv" else 0
            return LONG_AGO + 10 + (values["timestamp"] or 0) + length
        return available_at

    return [Row(record, number, place, values) for place, values in enumerate(sorted(contents, key=order))]

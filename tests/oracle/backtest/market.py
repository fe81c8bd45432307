"""Section 1: prints, days, covered ends and marks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.oracle.backtest.days import Days
from tests.oracle.backtest.inputs import BarRow, Judged, TickRow, milliseconds, money
from tests.oracle.records import nanoseconds
from tests.oracle.sessions import calendar_of

NO_LAST_PRICE = 1
NO_VOLUME = 2


@dataclass(frozen=True)
class Print:
    """A print: of a tick all prices are one and ``known`` is its time; a bar opens at ``time``."""

    ticker: str
    time: int
    known: int
    day: date
    open: float
    high: float
    low: float
    close: float
    size: int
    order: int


class Market:
    """All prints of a recording, and what can be asked of them."""

    def __init__(self, judged: Judged, settings: Mapping[str, Any]) -> None:
        self.days = Days(calendar_of(settings), settings["prices.phases"])
        source = settings["prices.source"]
        if source == "auto":
            source = "tick" if judged.has_ticks else "ohlcv"
        self.is_bars = source == "ohlcv"
        self.slack = milliseconds(settings["prices.open_slack_ms"])
        self.longest_interval = max((bar.interval for bar in judged.bars), default=0)
        rows: list[TickRow] | list[BarRow] = judged.bars if self.is_bars else judged.ticks
        self._last_known: dict[date, int] = {}
        for row in rows:
            day = self.days.date_of(_time(row))
            self._last_known[day] = max(self._last_known.get(day, 0), row.available_at)
        self._end_slack = nanoseconds(settings["study.end_slack_seconds"])
        self.prints = [self._print(row) for row in rows if self._is_print(row)]
        self.of_ticker: dict[str, list[Print]] = {}
        for one in self.prints:
            self.of_ticker.setdefault(one.ticker, []).append(one)
        self.recorded = sorted({one.day for one in self.prints if self.days.has_session(one.day)})

    def _is_print(self, row: TickRow | BarRow) -> bool:
        if isinstance(row, TickRow) and (row.suspect or row.flags & NO_LAST_PRICE):
            return False
        return row.phase in self.days.phases

    def _print(self, row: TickRow | BarRow) -> Print:
        day = self.days.date_of(_time(row))
        if isinstance(row, BarRow):
            prices = (row.open, row.high, row.low, row.close)
            return Print(row.ticker, row.timestamp, row.available_at, day, *prices, row.volume, row.order)
        size = 0 if row.flags & NO_VOLUME else row.size
        time, price = row.available_at, row.price
        return Print(row.ticker, time, time, day, price, price, price, price, size, row.order)

    def covered_end(self, day: date) -> int:
        """Return the time up to which a recorded day is covered, ns."""
        end, last = self.days.end(day), self._last_known[day]
        return end if last >= end - self._end_slack else last

    def mark(self, ticker: str, moment: int) -> float | None:
        """Return the mark of a ticker: its last known price of that day."""
        last = self._last(ticker, moment)
        return last.close if last is not None and last.day == self.days.date_of(moment) else None

    def last_price(self, ticker: str, moment: int) -> float:
        """Return the ticker's last known price of any day."""
        last = self._last(ticker, moment)
        assert last is not None, f"{ticker} has no print"
        return last.close

    def mark_or_last(self, ticker: str, moment: int) -> int:
        """Return the mark, or else the last print, in micro-dollars."""
        return money(self.last_price(ticker, moment))

    def following(self, day: date, count: int) -> list[date]:
        """Return the next ``count`` recorded days."""
        return [other for other in self.recorded if other > day][:count]

    def _last(self, ticker: str, moment: int) -> Print | None:
        for one in reversed(self.of_ticker.get(ticker, [])):
            if one.known <= moment:
                return one
        return None


def _time(row: TickRow | BarRow) -> int:
    return row.timestamp if isinstance(row, BarRow) else row.available_at

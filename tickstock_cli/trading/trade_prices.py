"""Prices around each trade, for its chart: those of its ticker from before the entry to behind the exit.

Memory holds one day of prices a minute, for every ticker, because nobody knows before which of them is traded. Prices
of its trades are complete when the day is over: a bar of a minute can come long after it. A trade that was held over
night has the prices of its last day.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import Prints

MINUTE_NS = 60_000_000_000

MARGIN_MINUTES = 10
"""Prices begin so many minutes before the first fill, and end so many after the last."""

PLACES = 120
"""Most places of a trade's prices; longer trades have several minutes a place."""

MOST_TRADES = 20_000
"""Trades of a strategy that have prices: the first ones."""

TRADE_PRICES = np.dtype(
    [
        ("trade", "i8"),
        ("start", "i8"),  # of the first place
        ("length", "i8"),  # of a place, ns
        ("places", "i8"),
        ("low", "f4", (PLACES,)),
        ("high", "f4", (PLACES,)),
        ("close", "f4", (PLACES,)),
    ],
    align=True,
)
"""Prices of a trade in dollars, by place; NaN where the ticker has no print. Times are int64 ns UTC."""

_WANTED = np.dtype([("trade", "i8"), ("first", "i8"), ("last", "i8"), ("code", "i4"), ("strategy", "i4")], align=True)


class TradePrices:
    """Keeps the prices around trades; slices and trades may be cut anywhere.

    Parameters
    ----------
    days
        Trading days of the chosen phases.
    strategies
        Number of strategies; each has its own trades.
    """

    def __init__(self, days: TradingDays, strategies: int) -> None:
        self._days = days
        self._day = -1
        self._start = 0
        self._prices = np.empty((0, 0, 3), dtype=np.float32)
        self._wanted = np.empty(0, dtype=_WANTED)
        self._added = np.zeros(strategies, dtype=np.int64)

    def add(self, strategy: int, trades: NDArray[Any]) -> None:
        """Add trades (dtype ``records.TRADE``) that have ended, in their order.

        They come before the prints of a later day, in the same slice at the latest: ``take`` forgets a day then.
        """
        room = MOST_TRADES - int(self._added[strategy])
        chosen = trades[: max(0, room)]
        self._added[strategy] += len(chosen)
        wanted = np.zeros(len(chosen), dtype=_WANTED)
        wanted["trade"], wanted["code"], wanted["strategy"] = chosen["trade"], chosen["code"], strategy
        wanted["first"] = chosen["first_entry"] - MARGIN_MINUTES * MINUTE_NS
        wanted["last"] = chosen["last_exit"] + MARGIN_MINUTES * MINUTE_NS
        self._wanted = np.concatenate([self._wanted, wanted])

    def take(self, prints: Prints, tickers: int) -> list[tuple[int, NDArray[Any]]]:
        """Take the prints of a slice, after the trades that it ends; return prices that are complete, by strategy.

        Parameters
        ----------
        tickers
            Number of tickers so far; every code is below it.
        """
        found = []
        bounds = np.flatnonzero(np.diff(prints.day, prepend=-1, append=-1)) if prints.rows else np.empty(0, np.intp)
        for first, last in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
            part = prints.at(slice(first, last))
            day = int(part.day[0])
            if day > self._day:
                before = self._wanted["last"] - MARGIN_MINUTES * MINUTE_NS < self._days.limits(day).start
                found += self._complete(before)
                self._begin(day, tickers)
            if day == self._day:
                self._grow(tickers)
                keep_prices(part.code, part.opening, part.low, part.high, part.close, self._start, self._prices)
        return found

    def finish(self) -> list[tuple[int, NDArray[Any]]]:
        """Return the prices of the trades that are left, by strategy."""
        return self._complete(np.ones(len(self._wanted), dtype=np.bool_))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        place = np.array([self._day, self._start], dtype=np.int64)
        return {"place": place, "prices": self._prices, "wanted": self._wanted, "added": self._added}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._day, self._start = (int(value) for value in state["place"])
        self._prices, self._added = state["prices"].copy(), state["added"].copy()
        self._wanted = state["wanted"].astype(_WANTED)

    def _begin(self, day: int, tickers: int) -> None:
        limits = self._days.limits(day)
        self._day, self._start = day, limits.start
        minutes = -(-(limits.end - limits.start) // MINUTE_NS)
        self._prices = np.full((tickers, minutes, 3), np.nan, dtype=np.float32)

    def _grow(self, tickers: int) -> None:
        more = tickers - len(self._prices)
        if more > 0:
            blank = np.full((max(more, len(self._prices)), *self._prices.shape[1:]), np.nan, dtype=np.float32)
            self._prices = np.concatenate([self._prices, blank])

    def _complete(self, chosen: NDArray[np.bool_]) -> list[tuple[int, NDArray[Any]]]:
        if not chosen.any():
            return []
        done, self._wanted = self._wanted[chosen], self._wanted[~chosen]
        return [
            (strategy, np.array([self._prices_of(one) for one in done[done["strategy"] == strategy]], TRADE_PRICES))
            for strategy in np.unique(done["strategy"]).tolist()
        ]

    def _prices_of(self, wanted: Any) -> tuple[Any, ...]:
        minutes = self._prices.shape[1]
        first = min(max(0, (int(wanted["first"]) - self._start) // MINUTE_NS), max(0, minutes - 1))
        last = min(max(first + 1, (int(wanted["last"]) - self._start) // MINUTE_NS + 1), minutes)
        length = max(1, -(-(last - first) // PLACES))
        places = -(-(last - first) // length)
        columns = np.full((3, PLACES), np.nan, dtype=np.float32)
        join_minutes(self._prices, int(wanted["code"]), first, last, length, columns)
        return (int(wanted["trade"]), self._start + first * MINUTE_NS, length * MINUTE_NS, places, *columns)


@kernel
def keep_prices(code: Int32s, time: Int64s, low: Any, high: Any, close: Any, start: int, prices: Any) -> None:
    """Keep low, high and close of each print in its minute from ``start`` on; ``time`` of a bar is its start."""
    for i in range(len(code)):
        minute = (time[i] - start) // MINUTE_NS
        if minute < 0 or minute >= prices.shape[1]:
            continue
        place = prices[code[i], minute]
        if not place[0] <= low[i]:
            place[0] = low[i]
        if not place[1] >= high[i]:
            place[1] = high[i]
        place[2] = close[i]


@kernel
def join_minutes(prices: Any, code: int, first: int, last: int, length: int, columns: Any) -> None:
    """Join minutes [first, last) of a ticker, ``length`` at a time: least low, greatest high, last close."""
    if code >= len(prices):
        return
    for minute in range(first, last):
        low, high, close = prices[code, minute]
        place = (minute - first) // length
        if not np.isnan(close):
            if not columns[0, place] <= low:
                columns[0, place] = low
            if not columns[1, place] >= high:
                columns[1, place] = high
            columns[2, place] = close

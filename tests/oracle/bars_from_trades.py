"""Bars of trades in plain Python: one dictionary of lists, exact fractions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import inf
from typing import Any

AHEAD_NS = 60_000_000_000
MOST_SHARES = 1e11


@dataclass(frozen=True)
class Trade:
    """A trade as it came; None is null."""

    ticker: str | None
    timestamp: int | None
    price: float | None
    size: float | None
    flags: int | None
    received_at: int

    @property
    def is_usable(self) -> bool:
        """Whether a run would not reject it for its values."""
        return (
            bool(self.ticker)
            and self.timestamp is not None
            and 0 < self.timestamp <= self.received_at + AHEAD_NS
            and self.price is not None
            and 0 < self.price < inf
            and self.size is not None
            and 0 <= self.size <= MOST_SHARES
        )


Call = Sequence[Trade] | tuple[int, int]
"""Trades that are added together, or market time and stamp of an advance."""


def gathered(calls: Sequence[Call], interval: int) -> tuple[list[list[dict[str, Any]]], dict[str, int]]:
    """Return the bars that each advance tells, and the counters."""
    open_bars: dict[tuple[int, str], list[Trade]] = defaultdict(list)
    told_to = 0
    told: list[list[dict[str, Any]]] = []
    counts: dict[str, int] = defaultdict(int)
    for call in calls:
        if isinstance(call, tuple):
            time, stamp = call
            told_to = max(told_to, time // interval * interval)
            ended = sorted(key for key in open_bars if key[0] < told_to)
            bars = [(key, open_bars.pop(key)) for key in ended]
            priced = [(key, trades) for key, trades in bars if any(not (trade.flags or 0) & 1 for trade in trades)]
            told.append([bar_of(start, ticker, trades, interval, stamp) for (start, ticker), trades in priced])
            counts["bars.told"] += len(priced)
            counts["bars.unpriced"] += len(bars) - len(priced)
            counts["bars.used_trades"] += sum(len(trades) for _, trades in priced)
            counts["bars.unpriced_trades"] += sum(len(trades) for _, trades in bars if (_, trades) not in priced)
            continue
        for trade in call:
            counts["bars.trades"] += 1
            if not trade.is_usable:
                counts["bars.skipped_trades"] += 1
                continue
            assert trade.timestamp is not None
            assert trade.ticker is not None
            start = trade.timestamp // interval * interval
            if start < told_to:
                counts["bars.late_trades"] += 1
            else:
                open_bars[start, trade.ticker].append(trade)
    counts["bars.open_trades"] = sum(map(len, open_bars.values()))
    return told, dict(counts)


def bar_of(start: int, ticker: str, trades: Sequence[Trade], interval: int, stamp: int) -> dict[str, Any]:
    """Return the bar of the trades of one interval, in the order in which they came."""
    last = sorted((trade for trade in trades if not (trade.flags or 0) & 1), key=lambda trade: trade.timestamp or 0)
    prices = [trade.price for trade in trades if not (trade.flags or 0) & 4] + [last[0].price, last[-1].price]
    counted = [trade for trade in trades if not (trade.flags or 0) & 2]
    weighted = [(Fraction(trade.price or 0), micros(trade)) for trade in counted if not (trade.flags or 0) & 1]
    weight = sum(size for _, size in weighted)
    return {
        "ticker": ticker,
        "timestamp": start,
        "open": last[0].price,
        "high": max(price for price in prices if price is not None),
        "low": min(price for price in prices if price is not None),
        "close": last[-1].price,
        "volume": sum(map(micros, counted)) / 1_000_000,
        "vwap": float(sum(price * size for price, size in weighted) / weight) if weight else None,
        "interval": interval / 1e9,
        "received_at": stamp,
    }


def micros(trade: Trade) -> int:
    """Return the size in units of 1e-6 shares, rounded half to even."""
    return round((trade.size or 0) * 1_000_000)

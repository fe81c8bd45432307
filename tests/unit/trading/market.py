"""Small markets for the trade simulation: ticks, bars and events of one New York day, and any cut into slices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tickstock_cli.build import event_kinds
from tickstock_cli.config.strategy_file import strategy_of
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import EVENT, EventRows, event_ids
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.testing.records import new_york
from tickstock_cli.trading.records import OUTCOMES, REASONS
from tickstock_cli.trading.simulation import Records, TradeSimulation

DAY = "2024-06-12"
SHARE = 1_000_000
KINDS = event_kinds()
KIND_NAMES = tuple(kind.name for kind in KINDS)
FREE = {"half_spread_bps": 0, "half_spread_min": 0, "slippage_bps": 0}
NO_FEES = {"per_share": 0}


@cache
def at(clock: str, day: str = DAY) -> int:
    """Return a New York time as ns since the epoch."""
    return new_york(day, clock)


@dataclass(frozen=True)
class MarketTick:
    """A print of tick mode."""

    ticker: str
    time: int
    price: float
    shares: float = 1_000


@dataclass(frozen=True)
class MarketBar:
    """A print of bar mode: it opens at ``opening`` and is known at ``time``."""

    ticker: str
    opening: int
    time: int
    open: float
    high: float
    low: float
    close: float
    shares: float = 1_000


@dataclass(frozen=True)
class MarketEvent:
    """An event, emitted at ``time``."""

    ticker: str
    time: int
    direction: int = 1
    kind: str = "surge"
    source: int = 0
    strength: int = 0
    score: float = np.nan
    rel_volume: float = np.nan
    percent_change: float = np.nan


def tick(clock: str, price: float, shares: float = 1_000, ticker: str = "A", day: str = DAY) -> MarketTick:
    """Return a tick of A, unless told otherwise."""
    return MarketTick(ticker, at(clock, day), price, shares)


def bar(
    clock: str, open_: float, high: float, low: float, close: float, shares: float = 1_000, ticker: str = "A"
) -> MarketBar:
    """Return a minute bar."""
    return MarketBar(ticker, at(clock), at(clock) + 60_000_000_000, open_, high, low, close, shares)


def event(clock: str, direction: int = 1, ticker: str = "A", day: str = DAY, **values: Any) -> MarketEvent:
    """Return an event of A, unless told otherwise."""
    return MarketEvent(ticker, at(clock, day), direction, **values)


def strategy(**sections: Any) -> dict[str, Any]:
    """Return a strategy's values: every event is followed, 1,000 dollars each."""
    given = {"size": {"value": 1_000}, "enter": [{}], **sections}
    given["strategy"] = {"name": "test", **given.get("strategy", {})}
    return given


def slices(
    rows: Sequence[Any], events: Sequence[MarketEvent], cuts: Iterable[int], symbols: SymbolTable, days: TradingDays
) -> list[PriceSlice]:
    """Return a market in slices that end at ``cuts`` and at the end of time."""
    is_bars = bool(rows) and isinstance(rows[0], MarketBar)
    symbols.add([row.ticker for row in (*rows, *events)])
    whole = _prints(rows, symbols, days).at(np.argsort([row.time for row in rows], kind="stable"))
    openings = whole.at(np.lexsort((whole.number, whole.opening))) if is_bars else Prints.none()
    emitted = _events(events, symbols)
    parts, start, newest = [], 0, -1
    for until in [*sorted(set(cuts)), MAX_NS]:
        prints, opened = (
            part.at((times >= start) & (times < until))
            for part, times in ((whole, whole.time), (openings, openings.opening))
        )
        first = (opened if is_bars else prints).day
        fresh = np.unique(first[first > newest])
        newest = max(newest, *fresh.tolist(), -1)
        mine = emitted[(emitted["emitted_at"] >= start) & (emitted["emitted_at"] < until)]
        none = np.empty(0, np.int32)
        parts.append(PriceSlice(until, prints, opened, mine, fresh, none, np.empty(0, np.int64)))
        start = until
    return parts


def simulation(
    values: Mapping[str, Any], rows: Sequence[Any], symbols: SymbolTable, days: TradingDays, **options: Any
) -> TradeSimulation:
    """Return a simulation of a strategy, for ticks or for bars."""
    is_bars = bool(rows) and isinstance(rows[0], MarketBar)
    return TradeSimulation(strategy_of(values), EventNames(symbols, KIND_NAMES), days, is_bars=is_bars, **options)


def traded(
    values: Mapping[str, Any],
    rows: Sequence[Any],
    events: Sequence[MarketEvent],
    cuts: Iterable[int] = (),
    calendar: str = "XNYS",
    **options: Any,
) -> Records:
    """Return the records of a strategy in a market; its books are checked at the end."""
    symbols, days = SymbolTable(), TradingDays(calendar, ("regular",))
    parts = slices(rows, events, cuts, symbols, days)
    trading = simulation(values, rows, symbols, days, **options)
    for part in parts:
        trading.step(part, event_ids(part.events, KINDS, symbols.hashes()))
    trading.finish()
    return trading.take()


def outcomes(records: Records) -> list[str]:
    """Return what became of each signal."""
    return [OUTCOMES[outcome] for outcome in records["signals"]["outcome"]]


def reasons(records: Records) -> list[str]:
    """Return why each trade ended."""
    return [REASONS[reason] for reason in records["trades"]["reason"]]


def _prints(rows: Sequence[Any], symbols: SymbolTable, days: TradingDays) -> Prints:
    bars = [row if isinstance(row, MarketBar) else _as_bar(row) for row in rows]
    code = np.array([symbols.code(row.ticker) for row in bars], dtype=np.int32)
    time = np.array([row.time for row in bars], dtype=np.int64)
    opening = np.array([row.opening for row in bars], dtype=np.int64)
    size = np.array([round(row.shares * SHARE) for row in bars], dtype=np.int64)
    open_, high, low, close = (
        np.array([getattr(row, name) for row in bars], dtype=np.float64) for name in ("open", "high", "low", "close")
    )
    number = np.arange(len(bars))
    return Prints(code, time, opening, days.numbers(opening), open_, high, low, close, size, number)


def _as_bar(row: MarketTick) -> MarketBar:
    return MarketBar(row.ticker, row.time, row.time, row.price, row.price, row.price, row.price, row.shares)


def _events(events: Sequence[MarketEvent], symbols: SymbolTable) -> EventRows:
    names = [kind.name for kind in KINDS]
    rows = np.zeros(len(events), dtype=EVENT)
    rows["emitted_at"] = rows["timestamp"] = rows["available_at"] = [one.time for one in events]
    rows["code"] = [symbols.code(one.ticker) for one in events]
    rows["kind"] = [names.index(one.kind) for one in events]
    rows["phase"] = 1
    for name in ("direction", "source", "strength", "score", "rel_volume", "percent_change"):
        rows[name] = [getattr(one, name) for one in events]
    return rows[np.argsort(rows["emitted_at"], kind="stable")]

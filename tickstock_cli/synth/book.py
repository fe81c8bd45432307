"""The market's state in kernels: the worth of each symbol, and its trades of the current minute.

worth = price at the beginning of the day * (1 + beta * market + gamma * sector + own walk + injected move)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.rng import BELL_DEVIATION, bell, draw
from tickstock_cli.synth.universe import BELL_BITS, MICROS, PART_BITS, PARTS_PER_PERCENT, SECTORS

HIDES_LAST, HIDES_VOLUME, HIDES_EXTREMES = 1, 2, 4
_NO_PRICE = HIDES_LAST | HIDES_EXTREMES

_FMV, _HALT = int(InjectionKind.FMV), int(InjectionKind.HALT)

_MAX_MOVE = 1 << (PART_BITS - 1)
"""No symbol moves by more than half in a day; keeps products within int64."""

_MS = 1_000_000
_CALM_SHIFT = 8
_WEIGHT_SHIFT = 8

_MARKET_STEP = PARTS_PER_PERCENT * 80 // 100 * 65_536 // (153 * BELL_DEVIATION)
_SECTOR_STEP = PARTS_PER_PERCENT * 60 // 100 * 65_536 // (153 * BELL_DEVIATION)
"""A second's move of the market (0.8 % a day) and of a sector (0.6 %); 153 is the root of a session's seconds."""


BOOK = np.dtype(
    [
        ("own", "i8"),  # the symbol's own walk since the day began, in parts
        ("watch", "i8"),  # index of the active injection; -1 = none
        ("last", "i8"),  # last good trade price, in micros as all prices; 0 = none yet
        ("open", "i8"),  # of the minute so far; 0 = no price yet
        ("high", "i8"),
        ("low", "i8"),
        ("close", "i8"),
        ("volume", "i8"),  # 1e-6 shares
        ("priced_volume", "i8"),
        ("money", "i8"),  # price * priced volume, in 1e-7 dollars
        ("trades", "i8"),
    ],
    align=True,
)


def make_book(symbols: int) -> NDArray[Any]:
    """Return the book of a market before its first trade: rows of ``BOOK``, by symbol."""
    book = np.zeros(symbols, dtype=BOOK)
    book["watch"] = -1
    return book


@kernel
def walk_factors(
    keys: NDArray[np.uint64], first_second: int, volatility: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Fill ``out`` with the day's moves, in parts, of the market (column 0) and of the sectors (from 1 on)."""
    for factor in range(SECTORS + 1):
        step = _MARKET_STEP if factor == 0 else _SECTOR_STEP
        reached = 0
        for second in range(len(volatility)):
            move = (bell(draw(keys[factor], first_second + second)) * step) >> BELL_BITS
            reached += (move * volatility[second]) >> _CALM_SHIFT
            out[second, factor] = reached


@kernel
def injected_parts(injection: Any, time: int) -> int:
    """Return the injected move at ``time`` (ns), with the drift after it, in parts."""
    parts: int = injection["parts"]
    kind = injection["kind"]
    if kind == _FMV or time < injection["start"]:
        return 0
    if kind == _HALT:
        return parts if time >= injection["end"] else 0
    elapsed = (time - injection["start"]) // _MS
    ramp = injection["ramp_ms"]
    move = parts if elapsed >= ramp else parts * elapsed // ramp
    drifting = (time - injection["end"]) // _MS
    if injection["drift_parts"] != 0 and drifting > 0:
        span = injection["drift_ms"]
        move += injection["drift_parts"] if drifting >= span else injection["drift_parts"] * drifting // span
    return move


@kernel
def is_on(kind: int, entry: Any, injected: NDArray[Any], time: int) -> bool:
    """Return whether an injection of ``kind`` is active on a symbol at ``time`` (ns)."""
    if entry["watch"] < 0:
        return False
    injection = injected[entry["watch"]]
    on: bool = injection["kind"] == kind and injection["start"] <= time < injection["end"]
    return on


@kernel
def worth(symbol: Any, entry: Any, injected: NDArray[Any], factors: NDArray[np.int64], second: int, time: int) -> int:
    """Return the worth of a symbol, in micros, at ``time`` (ns), which lies in ``second`` of the day."""
    shared = symbol["beta"] * factors[second, 0] + symbol["gamma"] * factors[second, 1 + symbol["sector"]]
    move = entry["own"] + (shared >> _WEIGHT_SHIFT)
    if entry["watch"] >= 0:
        move += injected_parts(injected[entry["watch"]], time)
    move = min(max(move, -_MAX_MOVE), _MAX_MOVE)
    price: int = symbol["price"] + ((symbol["price"] * move) >> PART_BITS)
    return price


@kernel
def to_grid(value: int, grid: int) -> int:
    """Return a price rounded to its grid, at least one step."""
    return max((value + grid // 2) // grid, 1) * grid


@kernel
def record(entry: Any, price: int, size: int, flags: int) -> None:
    """Add a trade to the current minute, except for the values that its flags exclude."""
    priced = flags & _NO_PRICE == 0
    if priced:
        if entry["open"] == 0:
            entry["open"] = price
            entry["high"] = price
            entry["low"] = price
        entry["high"] = max(entry["high"], price)
        entry["low"] = min(entry["low"], price)
        entry["close"] = price
    if flags & HIDES_VOLUME == 0:
        entry["volume"] += size
        entry["trades"] += 1
        if priced:
            entry["priced_volume"] += size
            entry["money"] += price // 100 * size // 1_000


class Bars(NamedTuple):
    """Finished bars: symbol, prices in dollars, volume in 1e-6 shares; NaN = null."""

    symbol: NDArray[np.int32]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]
    vwap: NDArray[np.float64]
    transactions: NDArray[np.int64]


def first_bars(bars: Bars, count: int) -> Bars:
    """Return a copy of the first ``count`` bars."""
    return Bars._make(column[:count].copy() for column in bars)


def make_bars(rows: int) -> Bars:
    """Return uninitialised columns for ``rows`` bars."""
    return Bars(
        np.empty(rows, np.int32),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows),
        np.empty(rows, np.int64),
        np.empty(rows),
        np.empty(rows, np.int64),
    )


@kernel
def close_minute(book: NDArray[Any], out: Bars) -> int:
    """Fill ``out`` with the minute's bars, one for each symbol with a price, and return their number."""
    count = 0
    for symbol in range(len(book)):
        entry = book[symbol]
        if entry["open"] > 0:
            out.symbol[count] = symbol
            out.open[count] = entry["open"] / MICROS
            out.high[count] = entry["high"] / MICROS
            out.low[count] = entry["low"] / MICROS
            out.close[count] = entry["close"] / MICROS
            out.volume[count] = entry["volume"]
            shares = entry["priced_volume"]
            out.vwap[count] = np.rint(entry["money"] / (shares / 1_000)) / 10_000 if shares > 0 else np.nan
            out.transactions[count] = entry["trades"]
            count += 1
        entry["open"] = 0
        entry["volume"] = 0
        entry["priced_volume"] = 0
        entry["money"] = 0
        entry["trades"] = 0
    return count

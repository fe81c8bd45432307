"""Trades: the kernel that fills seconds with ticks.

A second's rows first get their times, in order. Then each row is one of

1. an extra trade of an injected move, at a random position among the others;
2. a sweep: another fill of the previous trade, at the same nanosecond, sometimes at the next price;
3. a trade of a symbol drawn by its activity, at the bid or the ask around its worth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.book import (
    HIDES_EXTREMES,
    HIDES_LAST,
    is_on,
    record,
    to_grid,
    worth,
)
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.picking import Picker, pick, time_rows
from tickstock_cli.synth.rng import bell, bits, draw
from tickstock_cli.synth.tables import FLAG_BITS, LOT_BITS
from tickstock_cli.synth.universe import BELL_BITS, CHEAP, DEAR, MICROS

_SWEEPS = 7
"""Rows of 32 that continue a sweep; on real tapes 20 to 40 % of trades share the time of the previous one."""

_REDRAWS = 16
_EXTENDED_SPREAD = 3
_ROUNDING = 1 << (BELL_BITS - 1)
_BAD_BITS = 20
_MAX_BLOCK = 20_000
_TREND, _HALT = int(InjectionKind.TREND), int(InjectionKind.HALT)


class TradingKeys(NamedTuple):
    """Streams of draws, each counted by the tick's row number."""

    time: np.uint64
    pick: np.uint64
    look: np.uint64
    move: np.uint64
    fill: np.uint64


class Tables(NamedTuple):
    """Lookup tables that the kernel draws waits (ns), lot sizes (shares) and trade flags from."""

    waits: NDArray[np.int64]
    lots: NDArray[np.int64]
    flags: NDArray[np.uint8]


class TradingRules(NamedTuple):
    """Options in the form for the kernel."""

    resolution: int  # ns
    bad_prints: int  # of 2**20
    fractional: bool
    sweeps: bool


class SecondRange(NamedTuple):
    """The seconds ``[first, last)`` of the timeline that a call fills, all of one minute."""

    first: int
    last: int
    day_first: int  # the day's first second
    day_start: int  # ns
    regular: bool


class Flow(NamedTuple):
    """First ordinary row and first extra row by second of the timeline, with one entry more than seconds."""

    cuts: NDArray[np.int64]
    extra_cuts: NDArray[np.int64]
    extra_symbol: NDArray[np.int64]  # by extra


class Ticks(NamedTuple):
    """Ticks: prices in dollars, sizes in 1e-6 shares."""

    symbol: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]


def make_ticks(rows: int) -> Ticks:
    """Return uninitialised columns for ``rows`` ticks."""
    return Ticks(
        np.empty(rows, np.int32),
        np.empty(rows, np.int64),
        np.empty(rows),
        np.empty(rows, np.int64),
        np.empty(rows, np.uint8),
    )


@kernel
def pick_symbol(key: np.uint64, row: int, picker: Picker, book: NDArray[Any], injected: NDArray[Any], time: int) -> int:
    """Return a drawn symbol whose trading is not halted."""
    symbol = 0
    for redraw in range(_REDRAWS):
        symbol = pick(draw(key, row * _REDRAWS + redraw), picker)
        if not is_on(_HALT, book[symbol], injected, time):
            break
    return symbol


@kernel
def own_step(symbol: Any, look: np.uint64, drawn: np.uint64, trends: bool) -> int:
    """Return a symbol's own move in one trade, in parts: one in 64 is three times as wide, a trend's are narrow."""
    step = bell(drawn) * symbol["step"]
    if bits(look, 6, 6) == 0:
        step *= 3
    if trends:
        step //= 4
    rounded: int = (step + _ROUNDING) >> BELL_BITS
    return rounded


@kernel
def fill_size(drawn: np.uint64, lots: NDArray[np.int64], lot_class: int, fractional: bool) -> int:
    """Return a trade's size in 1e-6 shares."""
    shares = int(lots[bits(drawn, 0, LOT_BITS)])
    luck = bits(drawn, 54, 10)
    if shares == 0:
        if fractional and luck < 128:
            return 1 + bits(drawn, 8, 22)
        shares = 1 + (luck * luck * 99 >> 20)  # small sizes are more common
    elif luck == 0:
        shares = _MAX_BLOCK // 4 + bits(drawn, 38, 16) * (_MAX_BLOCK * 3 // 4) >> 16
    elif lot_class == CHEAP:
        shares *= 4
    elif lot_class == DEAR:
        shares = shares // 4 + 1
    return shares * MICROS


@kernel
def trade_second(
    second: int,
    span: SecondRange,
    flow: Flow,
    symbols: NDArray[Any],
    book: NDArray[Any],
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    picker: Picker,
    tables: Tables,
    keys: TradingKeys,
    rules: TradingRules,
    out: Ticks,
    at: int,
) -> int:
    """Fill ``out`` from row ``at`` with the trades of one second, and return the next row."""
    extra, last_extra = flow.extra_cuts[second], flow.extra_cuts[second + 1]
    first_row = flow.cuts[second] + extra
    rows = flow.cuts[second + 1] + last_extra - first_row
    day_second = second - span.day_first
    start = span.day_start + day_second * NS_PER_SECOND
    time_rows(keys.time, first_row, start, tables.waits, out.timestamp[at : at + rows])
    spread = 1 if span.regular else _EXTENDED_SPREAD
    symbol, side, price, time, may_sweep = 0, 1, 0, start, False
    for i in range(rows):
        row = first_row + i
        look = draw(keys.look, row)
        # Sequential sampling: every extra row is placed, and each order is equally likely.
        is_extra = (bits(look, 32, 32) * (rows - i)) >> 32 < last_extra - extra
        if may_sweep and not is_extra and bits(look, 0, 5) < _SWEEPS:
            if bits(look, 13, 2) == 0:
                price = max(price + side * symbols[symbol]["grid"], symbols[symbol]["grid"])
        else:
            time = out.timestamp[at] - out.timestamp[at] % rules.resolution
            if is_extra:
                symbol = flow.extra_symbol[extra]
                extra += 1
            else:
                symbol = pick_symbol(keys.pick, row, picker, book, injected, time)
                trends = is_on(_TREND, book[symbol], injected, time)
                book[symbol]["own"] += own_step(symbols[symbol], look, draw(keys.move, row), trends)
            may_sweep = rules.sweeps and not is_extra
            side = 1 - 2 * bits(look, 12, 1)
            price = worth(symbols[symbol], book[symbol], injected, factors, day_second, time)
            price = to_grid(price + side * spread * symbols[symbol]["half_spread"], symbols[symbol]["grid"])
        out.timestamp[at] = time
        out.symbol[at] = symbol
        fill(draw(keys.fill, row), price, symbols[symbol], book[symbol], tables, rules, out, at)
        at += 1
    return at


@kernel
def fill(
    drawn: np.uint64, price: int, symbol: Any, entry: Any, tables: Tables, rules: TradingRules, out: Ticks, at: int
) -> None:
    """Write the trade's price, size and flags to row ``at`` and to the book."""
    flags = tables.flags[bits(drawn, LOT_BITS, FLAG_BITS)]
    amount = bits(drawn, 38, 16)
    sign = 1 - 2 * (amount & 1)
    if bits(drawn, LOT_BITS + FLAG_BITS, _BAD_BITS) < rules.bad_prints:  # 12 to 50 % off
        price = to_grid(price * (65_536 + sign * (7_864 + amount * 3 // 8)) >> 16, symbol["grid"])
    elif flags & (HIDES_LAST | HIDES_EXTREMES):  # reported late or at an average: up to 0.6 % off
        price = to_grid(price * (65_536 + sign * (amount * 393 >> 16)) >> 16, symbol["grid"])
    elif flags == 0:
        entry["last"] = price
    size = fill_size(drawn, tables.lots, symbol["lot_class"], rules.fractional)
    record(entry, price, size, flags)
    out.price[at] = price / MICROS
    out.size[at] = size
    out.flags[at] = flags

"""What a symbol is worth and what was traded: the market's changing state, as kernels keep it.

    worth = price at the beginning of the day * (1 + beta * market + gamma * sector + own walk + injected move)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.compare import kernel
from tickstock_cli.synth.dice import BELL_DEVIATION, bell, draw
from tickstock_cli.synth.injections import Injected, InjectionKind
from tickstock_cli.synth.timeline import CALM
from tickstock_cli.synth.universe import BELL_BITS, MICROS, PART_BITS, PARTS_PER_PERCENT, SECTORS, Symbols

HIDES_LAST, HIDES_VOLUME, HIDES_EXTREMES = 1, 2, 4
_NO_PRICE = HIDES_LAST | HIDES_EXTREMES

_SURGE, _TREND = int(InjectionKind.SURGE), int(InjectionKind.TREND)
_FMV, _HALT = int(InjectionKind.FMV), int(InjectionKind.HALT)

_MAX_MOVE = 1 << (PART_BITS - 1)
"""No symbol moves by more than half in a day; keeps products within int64."""

_MS = 1_000_000
_CALM_SHIFT = 8
_WEIGHT_SHIFT = 8

_MARKET_STEP = PARTS_PER_PERCENT * 80 // 100 * 65_536 // (153 * BELL_DEVIATION)
_SECTOR_STEP = PARTS_PER_PERCENT * 60 // 100 * 65_536 // (153 * BELL_DEVIATION)
"""A second's move of the market (0.8 % a day) and of a sector (0.6 %); 153 is the root of a session's seconds."""


class Book(NamedTuple):
    """By symbol. Prices in micros, sizes in 1e-6 shares, money in 1e-7 dollars."""

    own: NDArray[np.int64]  # the symbol's own walk since the day began, in parts
    watch: NDArray[np.int64]  # place of the injection that is on; -1 = none
    last: NDArray[np.int64]  # last good trade price; 0 = none yet
    open: NDArray[np.int64]  # of the minute so far; 0 = no price yet
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    close: NDArray[np.int64]
    volume: NDArray[np.int64]
    priced_volume: NDArray[np.int64]
    money: NDArray[np.int64]  # price * priced volume
    trades: NDArray[np.int64]


def make_book(symbols: int) -> Book:
    """Give the book of a market that has not begun."""
    book = Book(*(np.zeros(symbols, dtype=np.int64) for _ in Book._fields))
    book.watch[:] = -1
    return book


@kernel
def walk_factors(
    keys: NDArray[np.uint64], first_second: int, restless: NDArray[np.int64], out: NDArray[np.int64]
) -> None:
    """Fill ``out`` with the day's moves, in parts, of the market (row 0) and of the sectors (rows from 1)."""
    for factor in range(SECTORS + 1):
        step = _MARKET_STEP if factor == 0 else _SECTOR_STEP
        reached = 0
        for second in range(len(restless)):
            move = (bell(draw(keys[factor], first_second + second)) * step) >> BELL_BITS
            reached += (move * restless[second]) >> _CALM_SHIFT
            out[factor, second] = reached


@kernel
def injected_parts(injected: Injected, watch: int, time: int) -> int:
    """Give the injected move at ``time`` (ns), in parts."""
    kind = injected.kind[watch]
    if kind == _FMV or time < injected.start[watch]:
        return 0
    if kind == _HALT:
        return injected.parts[watch] if time >= injected.end[watch] else 0
    elapsed = (time - injected.start[watch]) // _MS
    ramp = injected.ramp_ms[watch]
    return injected.parts[watch] if elapsed >= ramp else injected.parts[watch] * elapsed // ramp


@kernel
def is_on(injected: Injected, watch: int, kind: int, time: int) -> bool:
    """Tell whether the watched injection is of ``kind`` and fills ``time`` (ns)."""
    return (
        watch >= 0
        and injected.kind[watch] == kind
        and injected.start[watch] <= time
        and time < injected.end[watch]
    )


@kernel
def is_halted(injected: Injected, watch: int, time: int) -> bool:
    """Tell whether trading in a symbol is halted."""
    return is_on(injected, watch, _HALT, time)


@kernel
def is_trending(injected: Injected, watch: int, time: int) -> bool:
    """Tell whether a symbol is in an injected trend."""
    return is_on(injected, watch, _TREND, time)


@kernel
def is_deviating(injected: Injected, watch: int, time: int) -> bool:
    """Tell whether a symbol's fair values are held away from its price."""
    return is_on(injected, watch, _FMV, time)


@kernel
def worth(
    symbols: Symbols, book: Book, injected: Injected, factors: NDArray[np.int64], symbol: int, second: int, time: int
) -> int:
    """Give what a symbol is worth, in micros, at ``time`` (ns), which lies in ``second`` of the day."""
    shared = symbols.beta[symbol] * factors[0, second]
    shared += symbols.gamma[symbol] * factors[1 + symbols.sector[symbol], second]
    move = book.own[symbol] + (shared >> _WEIGHT_SHIFT)
    watch = book.watch[symbol]
    if watch >= 0:
        move += injected_parts(injected, watch, time)
    move = min(max(move, -_MAX_MOVE), _MAX_MOVE)
    return symbols.price[symbol] + ((symbols.price[symbol] * move) >> PART_BITS)


@kernel
def to_grid(value: int, grid: int) -> int:
    """Round a price to its grid; at least one step of it."""
    return max((value + grid // 2) // grid, 1) * grid


@kernel
def record(book: Book, symbol: int, price: int, size: int, flags: int) -> None:
    """Enter a trade into the minute so far: what its flags forbid is left out."""
    priced = flags & _NO_PRICE == 0
    if priced:
        if book.open[symbol] == 0:
            book.open[symbol] = price
            book.high[symbol] = price
            book.low[symbol] = price
        book.high[symbol] = max(book.high[symbol], price)
        book.low[symbol] = min(book.low[symbol], price)
        book.close[symbol] = price
    if flags & HIDES_VOLUME == 0:
        book.volume[symbol] += size
        book.trades[symbol] += 1
        if priced:
            book.priced_volume[symbol] += size
            book.money[symbol] += price // 100 * size // 1_000


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


def make_bars(rows: int) -> Bars:
    """Give room for ``rows`` bars."""
    return Bars(
        np.empty(rows, np.int32),
        *(np.empty(rows) for _ in range(4)),
        np.empty(rows, np.int64),
        np.empty(rows),
        np.empty(rows, np.int64),
    )


@kernel
def close_minute(book: Book, out: Bars) -> int:
    """Turn the minute so far into bars, one for each symbol that has a price; gives their number."""
    count = 0
    for symbol in range(len(book.open)):
        if book.open[symbol] > 0:
            out.symbol[count] = symbol
            out.open[count] = book.open[symbol] / MICROS
            out.high[count] = book.high[symbol] / MICROS
            out.low[count] = book.low[symbol] / MICROS
            out.close[count] = book.close[symbol] / MICROS
            out.volume[count] = book.volume[symbol]
            shares = book.priced_volume[symbol]
            out.vwap[count] = book.money[symbol] / (shares * 10) if shares > 0 else np.nan
            out.transactions[count] = book.trades[symbol]
            count += 1
        book.open[symbol] = 0
        book.volume[symbol] = 0
        book.priced_volume[symbol] = 0
        book.money[symbol] = 0
        book.trades[symbol] = 0
    return count

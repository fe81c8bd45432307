"""Fair market values: the kernel that fills seconds with them.

A row looks at the symbol's last good trade before its second. Its value lies around what the symbol is worth, or,
while a deviation is injected, at that distance from the last trade.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.compare import kernel
from tickstock_cli.synth.book import Book, is_deviating, worth
from tickstock_cli.synth.dice import BELL_DEVIATION, bell, bits, draw
from tickstock_cli.synth.injections import Injected
from tickstock_cli.synth.picking import Picker, pick, time_rows
from tickstock_cli.synth.trading import Flow, Span
from tickstock_cli.synth.universe import MICROS, PART_BITS, PARTS_PER_PERCENT, SUB_CENT, Symbols

_NOISE = PARTS_PER_PERCENT * 15 // 100
"""Standard deviation of a fair value around what a symbol is worth: 0.15 %."""

_MAX_STRAY = 1
_PERCENT = 100


class FmvKeys(NamedTuple):
    """Streams of draws, each counted by the fair value's row number."""

    time: np.uint64
    pick: np.uint64
    value: np.uint64
    look: np.uint64


class Fmvs(NamedTuple):
    """Made fair values, in dollars; NaN = null."""

    symbol: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]


def make_fmvs(rows: int) -> Fmvs:
    """Give room for ``rows`` fair values."""
    return Fmvs(np.empty(rows, np.int32), np.empty(rows, np.int64), *(np.empty(rows) for _ in range(3)))


@kernel
def value_row(
    symbol: int,
    second: int,
    row: int,
    symbols: Symbols,
    book: Book,
    injected: Injected,
    factors: NDArray[np.int64],
    keys: FmvKeys,
    out: Fmvs,
    at: int,
) -> None:
    """Fill row ``at``, whose time is known, with a fair value of ``symbol``."""
    time = out.timestamp[at]
    look = draw(keys.look, row)
    market = book.last[symbol]
    watch = book.watch[symbol]
    deviates = market > 0 and is_deviating(injected, watch, time)
    if deviates:
        value = market + ((market * injected.parts[watch]) >> PART_BITS)
    else:
        value = worth(symbols, book, injected, factors, symbol, second, time)
        value += (value * (bell(draw(keys.value, row)) * _NOISE // BELL_DEVIATION)) >> PART_BITS
    out.symbol[at] = symbol
    out.fmv[at] = max((value + SUB_CENT // 2) // SUB_CENT, 1) * SUB_CENT / MICROS
    known = market > 0 and (deviates or bits(look, 0, 4) != 0)
    out.market_price[at] = market / MICROS if known else np.nan
    if deviates:
        out.confidence[at] = (80 + bits(look, 4, 4)) / _PERCENT
    elif bits(look, 8, 6) == 0:
        out.confidence[at] = np.nan
    else:  # one in eight is not sure of itself
        out.confidence[at] = ((50 if bits(look, 14, 3) == 0 else 74) + (bits(look, 17, 8) * 25 >> 8)) / _PERCENT


@kernel
def value_seconds(
    span: Span,
    flow: Flow,
    symbols: Symbols,
    book: Book,
    injected: Injected,
    factors: NDArray[np.int64],
    picker: Picker,
    waits: NDArray[np.int64],
    keys: FmvKeys,
    second: int,
    out: Fmvs,
    at: int,
) -> int:
    """Fill ``out`` from row ``at`` on with the fair values of one second; gives the row behind them."""
    extra, last_extra = flow.extra_cuts[second], flow.extra_cuts[second + 1]
    first_row = flow.cuts[second] + extra
    rows = flow.cuts[second + 1] + last_extra - first_row
    day_second = second - span.day_first
    time_rows(
        keys.time, first_row, span.day_start + day_second * NS_PER_SECOND, waits, out.timestamp[at : at + rows]
    )
    for i in range(rows):
        row = first_row + i
        if extra < last_extra:
            symbol = flow.extra_symbol[extra]
            extra += 1
        else:
            symbol = pick(draw(keys.pick, row), picker)
        value_row(symbol, day_second, row, symbols, book, injected, factors, keys, out, at)
        at += 1
    return at

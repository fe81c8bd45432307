"""Fair market values: the kernel that fills seconds with them.

A row uses the symbol's last good trade before its second. Its value lies around the symbol's worth or, during an
injected deviation, at the injected distance from the last trade.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.book import is_on, to_grid, worth
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.picking import Picker, pick, time_rows
from tickstock_cli.synth.rng import BELL_DEVIATION, bell, bits, draw
from tickstock_cli.synth.trading import Flow, SecondRange
from tickstock_cli.synth.universe import MICROS, PART_BITS, PARTS_PER_PERCENT, SUB_CENT

_NOISE = PARTS_PER_PERCENT * 15 // 100
"""Standard deviation of a fair value around the symbol's worth: 0.15 %."""

_PERCENT = 100
_FMV = int(InjectionKind.FMV)


class FmvKeys(NamedTuple):
    """Streams of draws, each counted by the fair value's row number."""

    time: np.uint64
    pick: np.uint64
    value: np.uint64
    look: np.uint64


class Fmvs(NamedTuple):
    """Fair values in dollars; NaN = null."""

    symbol: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]


def make_fmvs(rows: int) -> Fmvs:
    """Return uninitialised columns for ``rows`` fair values."""
    return Fmvs(np.empty(rows, np.int32), np.empty(rows, np.int64), *(np.empty(rows) for _ in range(3)))


@kernel
def value_row(
    symbol: Any,
    entry: Any,
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    second: int,
    look: np.uint64,
    noise: np.uint64,
    out: Fmvs,
    at: int,
) -> None:
    """Fill row ``at``, which has its time, with a fair value of one symbol."""
    time = out.timestamp[at]
    market = entry["last"]
    deviates = market > 0 and is_on(_FMV, entry, injected, time)
    if deviates:
        value = market + ((market * injected[entry["watch"]]["parts"]) >> PART_BITS)
    else:
        value = worth(symbol, entry, injected, factors, second, time)
        if market > 0:  # fair values stay near the last price, even if it is hours old
            value = (3 * market + value) // 4
        value += (value * (bell(noise) * _NOISE // BELL_DEVIATION)) >> PART_BITS
    out.fmv[at] = to_grid(value, SUB_CENT) / MICROS
    known = market > 0 and (deviates or bits(look, 0, 4) != 0)
    out.market_price[at] = market / MICROS if known else np.nan
    if deviates:
        out.confidence[at] = (80 + bits(look, 4, 4)) / _PERCENT
    elif bits(look, 8, 6) == 0:
        out.confidence[at] = np.nan
    else:  # one in eight has a low confidence
        out.confidence[at] = ((50 if bits(look, 14, 3) == 0 else 74) + (bits(look, 17, 8) * 25 >> 8)) / _PERCENT


@kernel
def value_second(
    second: int,
    span: SecondRange,
    flow: Flow,
    symbols: NDArray[Any],
    book: NDArray[Any],
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    picker: Picker,
    waits: NDArray[np.int64],
    keys: FmvKeys,
    out: Fmvs,
    at: int,
) -> int:
    """Fill ``out`` from row ``at`` with the fair values of one second, and return the next row."""
    extra, last_extra = flow.extra_cuts[second], flow.extra_cuts[second + 1]
    first_row = flow.cuts[second] + extra
    rows = flow.cuts[second + 1] + last_extra - first_row
    day_second = second - span.day_first
    start = span.day_start + day_second * NS_PER_SECOND
    time_rows(keys.time, first_row, start, waits, out.timestamp[at : at + rows])
    for i in range(rows):
        row = first_row + i
        if extra < last_extra:
            symbol = flow.extra_symbol[extra]
            extra += 1
        else:
            symbol = pick(draw(keys.pick, row), picker)
        out.symbol[at] = symbol
        look, noise = draw(keys.look, row), draw(keys.value, row)
        value_row(symbols[symbol], book[symbol], injected, factors, day_second, look, noise, out, at)
        at += 1
    return at

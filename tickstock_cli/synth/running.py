"""The kernels that run the market: a range of seconds, and an overnight gap."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.book import worth
from tickstock_cli.synth.fairvalues import FmvKeys, Fmvs, value_second
from tickstock_cli.synth.picking import Picker
from tickstock_cli.synth.rng import BELL_DEVIATION, bell
from tickstock_cli.synth.trading import Flow, SecondRange, Tables, Ticks, TradingKeys, TradingRules, trade_second
from tickstock_cli.synth.universe import PART_BITS, PARTS_PER_PERCENT

_GAP = PARTS_PER_PERCENT
"""Standard deviation of a symbol's gap over night: 1 %."""


@kernel
def run_span(
    span: SecondRange,
    flow: Flow,
    fmv_flow: Flow,
    symbols: NDArray[Any],
    book: NDArray[Any],
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    picker: Picker,
    fmv_picker: Picker,
    tables: Tables,
    keys: TradingKeys,
    fmv_keys: FmvKeys,
    rules: TradingRules,
    ticks: Ticks,
    fmvs: Fmvs,
) -> None:
    """Fill ``ticks`` and ``fmvs`` with the rows of the seconds of ``span``."""
    tick, fmv = 0, 0
    for second in range(span.first, span.last):
        fmv = value_second(
            second, span, fmv_flow, symbols, book, injected, factors, fmv_picker, tables.waits, fmv_keys, fmvs, fmv
        )
        tick = trade_second(
            second, span, flow, symbols, book, injected, factors, picker, tables, keys, rules, ticks, tick
        )


@kernel
def pass_night(
    symbols: NDArray[Any],
    book: NDArray[Any],
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    second: int,
    gaps: NDArray[np.uint64],
) -> None:
    """Set the next day's prices: each symbol's worth in the last ``second``, with a random gap."""
    for symbol in range(len(gaps)):
        price = worth(symbols[symbol], book[symbol], injected, factors, second, 0)
        price += (price * (bell(gaps[symbol]) * _GAP // BELL_DEVIATION)) >> PART_BITS
        symbols[symbol]["price"] = max(price, 20 * symbols[symbol]["grid"])
        book[symbol]["own"] = 0

"""Quotes for symbols without trades, so that every symbol has a bar: a kernel.

A symbol with ticks that had none in the bar keeps its price, with a volume of 0. A symbol that only has bars moves in
four steps over the bar's time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.synth.book import is_on, record, to_grid, worth
from tickstock_cli.synth.injections import InjectionKind
from tickstock_cli.synth.rng import bell, bits, draw, pair
from tickstock_cli.synth.universe import BELL_BITS

MOMENTS = 4
"""Steps of a symbol without ticks in a bar."""

_HEAVY = 8
"""Volume during an injected surge, in multiples of the usual."""

_SURGE = int(InjectionKind.SURGE)


@kernel
def quote_untraded(
    begin: int,
    end: int,
    start: int,
    first_traded: int,
    last_traded: int,
    typical: NDArray[np.int64],
    symbols: NDArray[Any],
    book: NDArray[Any],
    injected: NDArray[Any],
    factors: NDArray[np.int64],
    key: np.uint64,
) -> None:
    """Add quotes to the book for ``[begin, end)``, seconds after ``start`` (ns), of all symbols without a trade in it.

    ``typical`` is each symbol's usual volume in a quarter of that time (1e-6 shares). The symbols
    ``[first_traded, last_traded)`` have ticks.
    """
    for symbol in range(len(book)):
        if book[symbol]["open"] > 0:
            continue
        if first_traded <= symbol < last_traded:
            price = book[symbol]["last"]
            if price == 0:
                price = worth(symbols[symbol], book[symbol], injected, factors, 0, start)
                price = to_grid(price, symbols[symbol]["grid"])
            record(book[symbol], price, 0, 0)
            continue
        for moment in range(MOMENTS):
            second = begin + (end - begin) * (moment + 1) // MOMENTS
            second = min(max(second, 0), len(factors) - 1)
            time = start + second * NS_PER_SECOND
            drawn = draw(key, pair(end * MOMENTS + moment, symbol))
            book[symbol]["own"] += (bell(drawn) * symbols[symbol]["step"]) >> BELL_BITS
            price = worth(symbols[symbol], book[symbol], injected, factors, second, time)
            price = to_grid(price, symbols[symbol]["grid"])
            volume = typical[symbol] * (128 + bits(drawn, 20, 8)) >> 8
            if is_on(_SURGE, book[symbol], injected, time):
                volume *= _HEAVY
            book[symbol]["last"] = price
            record(book[symbol], price, volume, 0)

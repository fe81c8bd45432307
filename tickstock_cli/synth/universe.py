"""The symbols: activity, price, volatility, and shares in the market's and the sector's moves.

Fixed-point units, here and in all kernels: prices are int64 of 1e-6 dollars ("micros"), relative moves are int64 of
2**-30 ("parts").
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.rng import BELL_DEVIATION, draws, uniform
from tickstock_cli.synth.tickers import make_tickers

MICROS = 1_000_000
PART_BITS = 30
PARTS = 1 << PART_BITS
PARTS_PER_PERCENT = PARTS // 100
SECTORS = 11

BELL_BITS = 16
"""A step is ``bell * step >> BELL_BITS``."""

CENT = 10_000
HALF_CENT = 5_000
SUB_CENT = 100
"""Price grids in micros: a cent; half a cent below 5 dollars; 0.0001 dollars below a dollar."""

CHEAP, USUAL, DEAR = range(3)
"""Lot classes: cheap shares trade in larger lots, expensive ones in smaller."""

_TOP_WEIGHT = 1 << 26
_ZIPF_OFFSET = 10
_PRICE_QUANTILES = np.array(
    [40, 110, 220, 400, 700, 1_100, 1_600, 2_200, 3_000, 4_000, 5_400, 7_500, 10_500, 15_500, 24_000, 42_000, 95_000]
)
"""Prices in cents at the quantiles 0/16 to 16/16."""

_MAX_STEP_PARTS = PARTS_PER_PERCENT * 12 // 100
"""Limit of a symbol's own move in a trade: 0.12 %."""


SYMBOL = np.dtype(
    [
        ("price", "i8"),  # micros, at the beginning of the day
        ("grid", "i8"),  # micros
        ("half_spread", "i8"),  # micros
        ("volatility", "i8"),  # own moves of a day, 1/100 percent
        ("step", "i8"),  # own move a trade: parts * 2**BELL_BITS / standard deviation of the bell
        ("beta", "i4"),  # part in the market's moves, 1/256
        ("gamma", "i4"),  # part in the sector's moves, 1/256
        ("sector", "i4"),
        ("lot_class", "i4"),
    ],
    align=True,
)


class Universe(NamedTuple):
    """The symbols, busiest first. Nothing changes during a day; prices change overnight."""

    tickers: list[str]
    symbols: NDArray[Any]  # of SYMBOL
    weight: NDArray[np.int64]  # share of the trades in regular trading
    thin_weight: NDArray[np.int64]  # and outside, where few symbols trade
    fmv_weight: NDArray[np.int64]  # share of the fair values


def make_universe(options: MarketOptions) -> Universe:
    """Return the symbols of a market."""
    count = options.symbols
    rank = np.arange(count, dtype=np.int64)

    def chance(purpose: str, low: int, high: int) -> NDArray[np.int64]:
        return uniform(draws(options.seed, purpose, count), low, high)

    weight = _zipf(rank)
    price = _prices(chance("prices", 0, 1 << 16), rank)
    grid = np.where(price < MICROS, SUB_CENT, np.where(price < 5 * MICROS, HALF_CENT, CENT))
    if options.pure_noise:
        grid = np.full(count, SUB_CENT)  # a step of a cent that rounding made is taken back by the next
    price = np.maximum(price // grid, 1) * grid
    # "restless" names the random stream; another name would make another market.
    volatility = chance("restless", 80, 260) * np.where(price < 5 * MICROS, 2, 1)
    symbols = np.zeros(count, dtype=SYMBOL)
    symbols["price"] = price
    symbols["grid"] = grid
    symbols["volatility"] = volatility
    # From half a basis point for the busiest to 8 for the least busy, but half the grid at least.
    spread = np.maximum(price * (2 + 30 * rank // count) // 40_000, grid // 2)
    symbols["half_spread"] = 0 if options.pure_noise else spread
    symbols["step"] = own_steps(volatility, weight, options.rows / options.days)
    symbols["beta"] = chance("beta", 120, 440)
    symbols["gamma"] = chance("gamma", 60, 320)
    symbols["sector"] = chance("sector", 0, SECTORS - 1)
    symbols["lot_class"] = np.where(price < 10 * MICROS, CHEAP, np.where(price < 400 * MICROS, USUAL, DEAR))
    thin_weight = weight * (weight + weight[0] // 64) // weight[0] + 1
    fmv_weight = np.sqrt(weight).astype(np.int64) + 1
    return Universe(make_tickers(options.seed, count), symbols, weight, thin_weight, fmv_weight)


def _zipf(rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return Zipf weights with an offset; the last symbols have down to a fiftieth, like the tail of a real market."""
    count = len(rank)
    rest = count // 50
    weight: NDArray[np.int64] = _TOP_WEIGHT // (rank + 1 + _ZIPF_OFFSET) * (count - rank + rest) // (count + rest)
    return weight


def _prices(chance: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return prices in micros from the quantiles (``chance`` is in 1/65,536).

    Busy symbols are not the cheapest: where a cent is a percent, the bounce between bid and ask is a surge.
    """
    chance = np.where(rank < 64, (1 << 14) + chance * 3 // 4, chance)
    chance = np.where((rank >= 64) & (rank < len(rank) // 4), (1 << 13) + chance * 7 // 8, chance)
    place, rest = np.minimum(chance >> 12, 15), chance & 4_095
    low, high = _PRICE_QUANTILES[place], _PRICE_QUANTILES[place + 1]
    price: NDArray[np.int64] = (low * 4_096 + (high - low) * rest) * CENT // 4_096
    return price


def own_steps(volatility: NDArray[np.int64], weight: NDArray[np.int64], rows: float) -> NDArray[np.int64]:
    """Return a symbol's own step a trade, from its volatility a day (1/100 percent) and its trades among ``rows``.

    The walk advances by trades, not by seconds, so it is volatile when trading is busy, like real prices.
    """
    trades = np.maximum(rows * weight / weight.sum(), 1.0)
    a_day = volatility * (PARTS_PER_PERCENT // 100)
    a_trade = np.minimum((a_day / np.sqrt(trades)).astype(np.int64), _MAX_STEP_PARTS)
    step: NDArray[np.int64] = (a_trade << BELL_BITS) // BELL_DEVIATION
    return step

"""Gathers trades into bars: one array of open bars per interval, by ticker code."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.admission import HIDES_EXTREMES, HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.reasons import MAX_AHEAD_NS, is_price

OPEN_BAR = np.dtype(
    [
        ("trades", "i8"),
        ("first_time", "i8"),  # of the trades that may set open and close
        ("last_time", "i8"),  # 0 = there is none
        ("open", "f8"),
        ("close", "f8"),
        ("high", "f8"),  # 0 = no trade may set it
        ("low", "f8"),
        ("volume", "i8"),  # units of 1e-6 shares
        ("weight", "i8"),  # volume of the trades that count for vwap
        ("turnover", "f8"),  # price x volume of the same
    ],
    align=True,
)
"""An interval of a ticker; all zeros = no trade yet."""
MOST_VOLUME = 2**62
"""Limit of a sum of volumes: it stays there."""


@kernel
def usable_trades(
    codes: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    received_at: NDArray[np.int64],
    prices: NDArray[np.float64],
    sizes: NDArray[np.int64],
    out: NDArray[np.bool_],
) -> None:
    """Mark the trades that a run would not reject for their values.

    Parameters
    ----------
    codes
        -1 is no ticker.
    sizes
        Units of 1e-6 shares; -1 is unusable.
    """
    for i in range(len(codes)):
        is_time = 0 < timestamps[i] <= received_at[i] + MAX_AHEAD_NS
        out[i] = is_time and codes[i] >= 0 and is_price(prices[i]) and sizes[i] >= 0


@kernel
def gather_trades(
    rows: NDArray[np.int64],
    codes: NDArray[np.int32],
    timestamps: NDArray[np.int64],
    prices: NDArray[np.float64],
    sizes: NDArray[np.int64],
    flags: NDArray[np.uint8],
    bars: NDArray[Any],
) -> None:
    """Add trades of one interval to its bars.

    Parameters
    ----------
    rows
        Row numbers of the trades, ascending.
    bars
        Dtype `OPEN_BAR`, by ticker code.
    """
    for i in rows:
        bar = bars[codes[i]]
        price = prices[i]
        size = sizes[i]
        flag = np.int64(flags[i])
        bar["trades"] += 1
        if not flag & HIDES_LAST:
            if bar["last_time"] == 0 or timestamps[i] < bar["first_time"]:
                bar["first_time"] = timestamps[i]
                bar["open"] = price
            if timestamps[i] >= bar["last_time"]:
                bar["last_time"] = timestamps[i]
                bar["close"] = price
        if not flag & HIDES_EXTREMES:
            if bar["high"] == 0.0 or price > bar["high"]:
                bar["high"] = price
            if bar["low"] == 0.0 or price < bar["low"]:
                bar["low"] = price
        if not flag & HIDES_VOLUME:
            bar["volume"] = min(bar["volume"] + size, MOST_VOLUME)
            if not flag & HIDES_LAST:
                bar["weight"] = min(bar["weight"] + size, MOST_VOLUME)
                bar["turnover"] += price * size

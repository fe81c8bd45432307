"""Brings the columns of a batch into group order.

Rows of a group lie far apart in the batch, so that every value of every column would be waited for. A *packed* row has
its values side by side, within one line of the processor's cache: packing reads and writes straight on, and a row in
group order is then waited for once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.rows import BarRows, FmvRows, TickRows

PACKED_TICK = np.dtype([("available_at", "i8"), ("timestamp", "i8"), ("price", "f8"), ("size", "i8")])
PACKED_BAR = np.dtype(
    [
        ("available_at", "i8"),
        ("timestamp", "i8"),
        ("interval", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "i8"),
    ]
)
PACKED_FMV = np.dtype([("available_at", "i8"), ("timestamp", "i8"), ("fmv", "f8"), ("market_price", "f8")])


@kernel
def pack_ticks(ticks: Any, packed: NDArray[Any]) -> None:
    """Fill ``packed`` (dtype PACKED_TICK) with the columns of a batch."""
    for i in range(len(packed)):
        row = packed[i]
        row["available_at"] = ticks.available_at[i]
        row["timestamp"] = ticks.timestamp[i]
        row["price"] = ticks.price[i]
        row["size"] = ticks.size[i]


@kernel
def gather_ticks(
    ticks: Any, packed: NDArray[Any], rows: NDArray[np.int32], available_at: NDArray[np.int64], out: TickRows
) -> None:
    """Copy the columns of a batch into group order."""
    for j in range(len(rows)):
        row = packed[rows[j]]
        available_at[j] = row["available_at"]
        out.timestamp[j] = row["timestamp"]
        out.price[j] = row["price"]
        out.size[j] = row["size"]
    gather_repeated(ticks.flags, rows, out.flags)


@kernel
def pack_bars(bars: Any, packed: NDArray[Any]) -> None:
    """Fill ``packed`` (dtype PACKED_BAR) with the columns of a batch."""
    for i in range(len(packed)):
        row = packed[i]
        row["available_at"] = bars.available_at[i]
        row["timestamp"] = bars.timestamp[i]
        row["interval"] = bars.interval[i]
        row["open"] = bars.open[i]
        row["high"] = bars.high[i]
        row["low"] = bars.low[i]
        row["close"] = bars.close[i]
        row["volume"] = bars.volume[i]


@kernel
def gather_bars(
    bars: Any, packed: NDArray[Any], rows: NDArray[np.int32], available_at: NDArray[np.int64], out: BarRows
) -> None:
    """Copy the columns of a batch into group order; ``out.end`` gets the length of the bars."""
    for j in range(len(rows)):
        row = packed[rows[j]]
        available_at[j] = row["available_at"]
        out.timestamp[j] = row["timestamp"]
        out.end[j] = row["interval"]
        out.open[j] = row["open"]
        out.high[j] = row["high"]
        out.low[j] = row["low"]
        out.close[j] = row["close"]
        out.volume[j] = row["volume"]
    gather_repeated(bars.avg_volume, rows, out.avg_volume)
    gather_repeated(bars.percent_change, rows, out.percent_change)


@kernel
def pack_fmvs(fmvs: Any, packed: NDArray[Any]) -> None:
    """Fill ``packed`` (dtype PACKED_FMV) with the columns of a batch."""
    for i in range(len(packed)):
        row = packed[i]
        row["available_at"] = fmvs.available_at[i]
        row["timestamp"] = fmvs.timestamp[i]
        row["fmv"] = fmvs.fmv[i]
        row["market_price"] = fmvs.market_price[i]


@kernel
def gather_fmvs(
    fmvs: Any, packed: NDArray[Any], rows: NDArray[np.int32], available_at: NDArray[np.int64], out: FmvRows
) -> None:
    """Copy the columns of a batch into group order."""
    for j in range(len(rows)):
        row = packed[rows[j]]
        available_at[j] = row["available_at"]
        out.timestamp[j] = row["timestamp"]
        out.fmv[j] = row["fmv"]
        out.market_price[j] = row["market_price"]
    gather_repeated(fmvs.confidence, rows, out.confidence)


@inlined_kernel
def gather_repeated(column: NDArray[Any], rows: NDArray[np.int32], out: NDArray[Any]) -> None:
    """Copy a column into group order that most recordings fill with one value, or not at all (NaN)."""
    first = column[0] if len(column) else out[0]
    others = 0
    for value in column:
        others += (value != first) & ((value == value) | (first == first))
    if others:
        for j in range(len(rows)):
            out[j] = column[rows[j]]
    else:
        out[: len(rows)] = first

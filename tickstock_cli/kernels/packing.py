"""Brings the columns of a batch into the order of its tickers.

A *packed* row has its values side by side, within a line of the processor's cache, with its number in the batch and the
first reason in its values to reject it. Rows are brought into order in two passes: into buckets of neighbouring
tickers, then from each bucket to their tickers. Each pass reads straight on and writes at some hundred places at most,
which stay in the cache. A single pass would write at as many places as there are tickers, and wait for most of them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.reasons import bar_reason, fmv_reason, tick_reason

BUCKETS_BITS = 5
"""Buckets are at most two to the power of this, but for millions of tickers."""
MOST_BUCKET_BITS = 16
"""Tickers of a bucket are at most two to the power of this: a row holds which one of them it belongs to in 16 bits."""
_EVERY_ROW = [("row", "i4"), ("own", "u2")]
PACKED_TICK = np.dtype(
    [("timestamp", "i8"), ("price", "f8"), ("size", "i8"), *_EVERY_ROW, ("reason", "i1"), ("flags", "u1")], align=True
)
PACKED_BAR = np.dtype(
    [
        ("timestamp", "i8"),
        ("interval", "i8"),
        ("open", "f8"),
        ("high", "f8"),
        ("low", "f8"),
        ("close", "f8"),
        ("volume", "i8"),
        *_EVERY_ROW,
        ("reason", "i1"),
    ],
    align=True,
)
PACKED_FMV = np.dtype(
    [("timestamp", "i8"), ("fmv", "f8"), ("market_price", "f8"), *_EVERY_ROW, ("reason", "i1")], align=True
)


def bucket_bits(tickers: int) -> int:
    """Return how many lower bits of a code tell the tickers of a bucket apart; 0: each bucket is a ticker."""
    return min(max(0, (tickers - 1).bit_length() - BUCKETS_BITS), MOST_BUCKET_BITS)


class Buckets(NamedTuple):
    """Where packed rows go.

    Parameters
    ----------
    code
        Ticker codes of the batch; -1 is no ticker.
    mine
        By ticker code: whether its rows are packed.
    bits
        See ``bucket_bits``.
    places
        By bucket, the place of its next row.
    """

    code: NDArray[np.int32]
    mine: NDArray[np.bool_]
    bits: int
    places: NDArray[np.int64]


@inlined_kernel
def place_for(buckets: Buckets, i: int) -> int:
    """Return the place of a row of the batch among the packed ones; -1 if it is not packed."""
    code = buckets.code[i]
    if code < 0 or not buckets.mine[code]:
        return -1
    place = buckets.places[code >> buckets.bits]
    buckets.places[code >> buckets.bits] = place + 1
    return int(place)


@inlined_kernel
def name_row(row: Any, buckets: Buckets, i: int) -> None:
    """Write the number of a row into its packed one, and which ticker of its bucket it belongs to."""
    row["row"] = i
    row["own"] = buckets.code[i] & ((1 << buckets.bits) - 1)


@kernel
def pack_ticks(ticks: Any, buckets: Buckets, packed: NDArray[Any]) -> None:
    """Pack the columns of a batch into ``packed`` (dtype PACKED_TICK), bucket by bucket."""
    for i in range(len(buckets.code)):
        place = place_for(buckets, i)
        if place >= 0:
            row = packed[place]
            row["timestamp"] = ticks.timestamp[i]
            row["price"] = ticks.price[i]
            row["size"] = ticks.size[i]
            row["flags"] = ticks.flags[i]
            row["reason"] = tick_reason(ticks, i)
            name_row(row, buckets, i)


@kernel
def pack_bars(bars: Any, buckets: Buckets, packed: NDArray[Any]) -> None:
    """Pack the columns of a batch into ``packed`` (dtype PACKED_BAR), bucket by bucket."""
    for i in range(len(buckets.code)):
        place = place_for(buckets, i)
        if place >= 0:
            row = packed[place]
            row["timestamp"] = bars.timestamp[i]
            row["interval"] = bars.interval[i]
            row["open"] = bars.open[i]
            row["high"] = bars.high[i]
            row["low"] = bars.low[i]
            row["close"] = bars.close[i]
            row["volume"] = bars.volume[i]
            row["reason"] = bar_reason(bars, i)
            name_row(row, buckets, i)


@kernel
def pack_fmvs(fmvs: Any, buckets: Buckets, packed: NDArray[Any]) -> None:
    """Pack the columns of a batch into ``packed`` (dtype PACKED_FMV), bucket by bucket."""
    for i in range(len(buckets.code)):
        place = place_for(buckets, i)
        if place >= 0:
            row = packed[place]
            row["timestamp"] = fmvs.timestamp[i]
            row["fmv"] = fmvs.fmv[i]
            row["market_price"] = fmvs.market_price[i]
            row["reason"] = fmv_reason(fmvs, i)
            name_row(row, buckets, i)


@kernel
def order_buckets(
    packed: NDArray[Any], starts: NDArray[np.int64], bits: int, places: NDArray[np.int64], out: NDArray[Any]
) -> None:
    """Copy packed rows, which are in buckets, to ``out`` in the order of their tickers.

    Parameters
    ----------
    starts
        First row of each bucket, and the end of the last.
    places
        By ticker code, the place of its first row; changed.
    """
    for bucket in range(len(starts) - 1):
        first_code = bucket << bits
        for k in range(starts[bucket], starts[bucket + 1]):
            row = packed[k]
            code = first_code + row["own"]
            place = places[code]
            places[code] = place + 1
            out[place] = row


@inlined_kernel
def gather_repeated(column: NDArray[Any], packed: NDArray[Any], out: NDArray[Any]) -> bool:
    """Copy a column of a batch into the order of packed rows, and return whether it has several values.

    Most recordings fill it with one value, or not (NaN).
    """
    first = column[0] if len(column) else out[0]
    others = 0
    for value in column:
        others += (value != first) & ((value == value) | (first == first))
    if others:
        for j in range(len(packed)):
            out[j] = column[packed[j]["row"]]
    else:
        out[: len(packed)] = first
    return others > 0

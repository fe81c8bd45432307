"""Inputs and outputs of kernels: rows of one type, grouped by ticker, as named tuples of arrays.

Group ``g`` belongs to ticker ``code[g]`` and holds rows ``start[g]`` to ``start[g + 1]``, in merge order. ``row`` is a
row's number in its batch. The arrays are a worker's workspace: its next batch overwrites them, and only their
filled part counts.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

PHASE_MASK, POST = 7, 2
"""Bits of a segment that hold its phase, and a phase, as in ``core.calendar``: kernels import nothing of it."""

NO_BEGIN, NEW_SEGMENT, REGULAR_TO_POST, NEW_LEVEL = range(4)
"""What begins with a tick: nothing; a new segment; `post` after `regular` of the same date, which can keep the high/low
state; or all state again, because the guard found the segment's first print bad."""

MOST_EXTREMES = 4
"""Kinds of session extremes that there can be; `build` checks it."""

TICK_LOOKUP = np.dtype(
    [
        ("rows_before", "i8"),  # number of ticks of the batch before the bar or fmv row of the lookup
        ("tick_segment", "i8"),  # segment of the ticker's newest tick before it; -1 = none
        ("market_price", "f8"),  # of the last tick that may set it; NaN = none
        ("market_time", "i8"),
        # By the number of the kind: price of the latest extreme that ticks reported since their state began; NaN = none
        ("extremes", "f8", (MOST_EXTREMES,)),
    ],
    align=True,
)
"""A lookup of the ticks before a bar or an fmv row, with its answers."""


class Groups(NamedTuple):
    """Tickers of a batch: code, first row, and first lookup of each (start arrays hold one entry more)."""

    code: NDArray[np.int32]
    start: NDArray[np.int64]
    lookup_start: NDArray[np.int64]


class TickRows(NamedTuple):
    """Ticks that may change state, grouped. ``flags`` include 1 and 4 if the guard suspects the price."""

    groups: Groups
    row: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]
    phase: NDArray[np.int8]
    begin: NDArray[np.uint8]
    lookups: NDArray[Any]


class BarRows(NamedTuple):
    """Accepted bars, grouped. ``timestamp`` is the start, ``end`` the event time; NaN = null."""

    groups: Groups
    row: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    end: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]
    avg_volume: NDArray[np.float64]
    percent_change: NDArray[np.float64]
    segment: NDArray[np.int64]


class FmvRows(NamedTuple):
    """Accepted fair values of allowed phases, grouped.

    ``market_price`` NaN = null in the recording; ``tick_price`` and ``tick_time`` are the last tick's (NaN = none).
    """

    groups: Groups
    row: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]
    phase: NDArray[np.int8]
    tick_price: NDArray[np.float64]
    tick_time: NDArray[np.int64]


ROW_DTYPES: dict[str, str] = {
    "timestamp": "i8",
    "end": "i8",
    "row": "i4",
    "price": "f8",
    "size": "i8",
    "flags": "u1",
    "phase": "i1",
    "begin": "u1",
    "open": "f8",
    "high": "f8",
    "low": "f8",
    "close": "f8",
    "volume": "i8",
    "avg_volume": "f8",
    "percent_change": "f8",
    "segment": "i8",
    "fmv": "f8",
    "market_price": "f8",
    "confidence": "f8",
    "tick_price": "f8",
    "tick_time": "i8",
}
"""dtype of every column of every kind of grouped rows."""

"""The columns of rows as a live run records them: one fixed Arrow schema per record type, whatever came.

All columns can be null. Times are int64 ns UTC, because they are compared and subtracted; ``received_at`` is the time
at which the frame with the row was received, before it was decoded, and the available time of the row.

====================  ==============================================================================================
``size``, ``volume``  shares, with their fraction
``flags``             what the conditions of a trade forbid: 1 = last price, 2 = volume, 4 = high or low
``conditions``        the vendor's condition ids; empty for a trade without conditions
``interval``          length of a bar in seconds
====================  ==============================================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import pyarrow as pa

_TICK: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "timestamp": pa.int64(),
    "price": pa.float64(),
    "size": pa.float64(),
    "flags": pa.uint8(),
    "conditions": pa.list_(pa.int16()),
    "exchange": pa.int16(),
    "sequence": pa.int64(),
    "trade_id": pa.string(),
    "tape": pa.int8(),
    "participant_timestamp": pa.int64(),
    "trf_id": pa.int16(),
    "received_at": pa.int64(),
}

_OHLCV: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "timestamp": pa.int64(),
    "open": pa.float64(),
    "high": pa.float64(),
    "low": pa.float64(),
    "close": pa.float64(),
    "volume": pa.float64(),
    "vwap": pa.float64(),
    "interval": pa.float64(),
    "received_at": pa.int64(),
}

_FMV: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "timestamp": pa.int64(),
    "fmv": pa.float64(),
    "received_at": pa.int64(),
}

RECORDED: Mapping[str, pa.Schema] = MappingProxyType(
    {"tick": pa.schema(_TICK), "ohlcv": pa.schema(_OHLCV), "fmv": pa.schema(_FMV)}
)
"""Schema of recorded rows by record type, in the merge order of rows with the same available time."""


def is_recorded(schema: pa.Schema) -> bool:
    """Return whether rows are those of a recorded live run, by their columns."""
    return any(schema.equals(known) for known in RECORDED.values())

"""The columns of each record type, and the Arrow types that they can have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.types as pt


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a column: a predicate of Arrow types, and the text that completes "expected …" in messages."""

    expected: str
    accepts: Callable[[pa.DataType], bool]


def _is_text(type_: pa.DataType) -> bool:
    if isinstance(type_, pa.DictionaryType):
        type_ = type_.value_type
    return pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_)


def _is_time(type_: pa.DataType) -> bool:
    is_number = pt.is_integer(type_) or pt.is_float64(type_) or pt.is_decimal(type_)
    return is_number or pt.is_timestamp(type_) or pt.is_date(type_) or _is_text(type_)


def is_number(type_: pa.DataType) -> bool:
    """Return whether a column of this type holds numbers."""
    if isinstance(type_, pa.DictionaryType):
        type_ = type_.value_type
    return pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_)


def _is_length(type_: pa.DataType) -> bool:
    return is_number(type_) or _is_text(type_) or pt.is_duration(type_)


def _is_clock(type_: pa.DataType) -> bool:
    return pt.is_time(type_) or pt.is_duration(type_) or _is_text(type_)


def _is_bits(type_: pa.DataType) -> bool:
    return pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_)


TEXT = ColumnType("text (string, categorical or dictionary)", _is_text)
TIME = ColumnType(
    "a datetime, a date, a text of one, or s, ms, us or ns since 1970 as integers or 64-bit floats", _is_time
)
NUMBER = ColumnType("a number (integer, float or decimal)", is_number)
CLOCK = ColumnType("a time of day, a text of one, or a duration since midnight", _is_clock)
BITS = ColumnType("an integer of flag bits", _is_bits)
LENGTH = ColumnType("seconds, a duration, or a text such as 1m, 5min, 1h or 1d", _is_length)


@dataclass(frozen=True, slots=True)
class RecordType:
    """One record type: its required columns, and the optional ones that are used."""

    name: str
    required: Mapping[str, ColumnType]
    optional: Mapping[str, ColumnType]

    @property
    def columns(self) -> dict[str, ColumnType]:
        """All columns that are read, required ones first."""
        return {**self.required, **self.optional}


_ANY = {"ticker": TEXT, "timestamp": TIME}
_PRICES = dict.fromkeys(("open", "high", "low", "close"), NUMBER)
_BAR_EXTRAS = {**dict.fromkeys(("avg_volume", "percent_change"), NUMBER), "interval": LENGTH}

_TIMES = {"time_of_day": CLOCK, "received_at": TIME}

TICK = RecordType("tick", {**_ANY, "price": NUMBER, "size": NUMBER}, {"flags": BITS, **_TIMES})
OHLCV = RecordType("ohlcv", {**_ANY, **_PRICES, "volume": NUMBER}, {**_BAR_EXTRAS, **_TIMES})
FMV = RecordType("fmv", {**_ANY, "fmv": NUMBER}, {"market_price": NUMBER, "confidence": NUMBER, **_TIMES})

RECORD_TYPES = (TICK, OHLCV, FMV)
"""All record types, in the merge order of rows with the same available time."""

UNUSED_COLUMNS = frozenset(
    {
        "conditions",
        "exchange",
        "sequence",
        "trade_id",
        "tape",
        "participant_timestamp",
        "trf_id",
        "vwap",
        "transactions",
    }
)
"""Columns of records that no rule uses; only original rows hold them."""

KNOWN_COLUMNS = frozenset(name for record in RECORD_TYPES for name in record.columns) | UNUSED_COLUMNS


def is_empty_type(type_: pa.DataType) -> bool:
    """Return whether a column of this type holds nulls only: it fits every column type."""
    return pt.is_null(type_)

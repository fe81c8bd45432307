"""Converts Arrow columns to plain numbers, as `core.batch` defines them, without the GIL.

Columns that need no change are views of Arrow's buffers. All returned arrays are read-only, views or not, so that
kernels compile for one type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt
from numpy.typing import NDArray

from tickstock_cli.core.batch import MAX_SHARES, Float64s, Int64s, UInt8s
from tickstock_cli.core.times import NS_PER_SECOND, NS_PER_UNIT
from tickstock_cli.errors import DataError
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.zones import in_utc

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Times:
    """Event times and available times of rows, int64 ns UTC.

    ``known`` is None if every row has an available time, recorded or derived from its timestamp; otherwise False marks
    the rows without one, which take it from their place in the file. ``interval`` is set for bars only.
    """

    timestamp: Int64s
    available: Int64s
    known: Bools | None
    interval: Int64s | None

    def cut(self, low: int, high: int) -> Times:
        """Return the times of rows [low, high), as views."""
        known = None if self.known is None else self.known[low:high]
        interval = None if self.interval is None else self.interval[low:high]
        timestamp = self.timestamp[low:high]
        available = timestamp if self.available is self.timestamp else self.available[low:high]
        return Times(timestamp, available, known, interval)

    def settled(self, available: Int64s) -> Times:
        """Return the times with the given available time for every row."""
        return Times(self.timestamp, available, None, self.interval)


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """Make a new array read-only, and return it."""
    array.flags.writeable = False
    return array


def valid(array: pa.Array[Any]) -> Bools:
    """Return where an array is not null.

    Arrow's own functions for this import pandas if it is installed, which takes a third of a second.
    """
    bitmap = array.buffers()[0]
    if bitmap is None or not array.null_count:
        return frozen(np.full(len(array), not array.null_count))
    bits = np.frombuffer(memoryview(bitmap), dtype=np.uint8)
    known = np.unpackbits(bits, count=array.offset + len(array), bitorder="little")[array.offset :]
    return frozen(known.view(np.bool_))


def values(array: pa.Array[Any], dtype: Any, null: float) -> NDArray[Any]:
    """Return the numbers of an Arrow array: a view, or with nulls a copy that holds ``null`` for them."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return frozen(np.full(len(array), null, dtype=dtype))
    view = frozen(np.frombuffer(memoryview(buffer), dtype=dtype)[array.offset : array.offset + len(array)])
    return frozen(np.where(valid(array), view, dtype(null))) if array.null_count else view


def whole(array: pa.Array[Any], null: int) -> Int64s:
    """Return an integer column as int64; values above its range become negative."""
    return values(array if pt.is_int64(array.type) else pc.cast(array, pa.int64(), safe=False), np.int64, null)


def real(array: pa.Array[Any], null: float) -> Float64s:
    """Return a column of numbers as float64."""
    return values(array if pt.is_float64(array.type) else pc.cast(array, pa.float64(), safe=False), np.float64, null)


def shares(array: pa.Array[Any]) -> Int64s:
    """Return a column of sizes in units of 1e-6 shares; -1 where unusable."""
    out = np.empty(len(array), dtype=np.int64)
    if pt.is_integer(array.type):
        normalise.whole_shares(whole(array, -1), MAX_SHARES, out)
    else:
        normalise.fractional_shares(real(array, -1.0), MAX_SHARES, out)
    return frozen(out)


def nanoseconds(array: pa.Array[Any], ns_per_step: int) -> Int64s:
    """Return a column of times in ns; 0 where null or beyond an int64."""
    steps = whole(array.view(pa.int64()) if pt.is_timestamp(array.type) else array, 0)
    if ns_per_step == 1:
        return steps
    out = np.empty(len(steps), dtype=np.int64)
    normalise.scale_times(steps, ns_per_step, out)
    return frozen(out)


def type_step(type_: pa.DataType) -> int | None:
    """Return the nanoseconds per step of a time column; None if its type does not define them."""
    return NS_PER_UNIT[type_.unit] if isinstance(type_, pa.TimestampType) else None


class ColumnReader:
    """Reads the columns of one file's record batches under our names.

    Parameters
    ----------
    path
        The file, for messages.
    steps
        Nanoseconds per step of each time column, by our name.
    interval_ns
        Length of bars without a column `interval`.
    zones
        Zone of each time column in local time, by our name; the others are in UTC.
    """

    def __init__(
        self,
        path: str,
        layout: Layout,
        steps: Mapping[str, int],
        interval_ns: int,
        zones: Mapping[str, ZoneInfo] = MappingProxyType({}),
    ) -> None:
        self._path = path
        self._layout = layout
        self._steps = steps
        self._interval_ns = interval_ns
        self._zones = zones

    @property
    def record(self) -> str:
        """The record type of the rows."""
        return self._layout.record.name

    def has(self, name: str) -> bool:
        """Return whether the file or its partitions have a column, by our name."""
        return name in self._layout.columns or name in self._layout.constants

    def array(self, rows: pa.RecordBatch, name: str) -> pa.Array[Any]:
        """Return a column; a partition's value is repeated."""
        theirs = self._layout.columns.get(name)
        if theirs is not None:
            return rows.column(rows.schema.get_field_index(theirs))
        text = self._layout.constants[name]
        if name == "ticker":
            return pa.DictionaryArray.from_arrays(
                np.zeros(rows.num_rows, dtype=np.int32), pa.array([text], pa.string())
            )
        value = None if text is None else float(text)
        return pa.repeat(pa.scalar(value, pa.float64()), rows.num_rows)

    def times(self, rows: pa.RecordBatch, first: int) -> Times:
        """Return the times of rows; ``first`` is the row number of the first.

        Raises
        ------
        DataError
            A bar's `interval` is not above 0.
        """
        timestamp = self._nanoseconds(self.array(rows, "timestamp"), "timestamp")
        interval = self._intervals(rows, first) if self._layout.record.name == "ohlcv" else None
        available = timestamp
        if interval is not None:
            available = np.empty(len(timestamp), dtype=np.int64)
            normalise.bar_ends(timestamp, interval, available)
            frozen(available)
        known = None if normalise.first_not_above_zero(timestamp) < 0 else frozen(timestamp > 0)
        if not self.has("received_at"):
            return Times(timestamp, available, known, interval)
        column = self.array(rows, "received_at")
        received = self._nanoseconds(column, "received_at")
        if not column.null_count:
            return Times(timestamp, received, None, interval)
        recorded = valid(column)
        known = None if known is None else frozen(known | recorded)
        return Times(timestamp, frozen(np.where(recorded, received, available)), known, interval)

    def _nanoseconds(self, column: pa.Array[Any], name: str) -> Int64s:
        times = nanoseconds(column, self._steps[name])
        return frozen(in_utc(times, self._zones[name])) if name in self._zones else times

    def _intervals(self, rows: pa.RecordBatch, first: int) -> Int64s:
        if not self.has("interval"):
            return frozen(np.full(rows.num_rows, self._interval_ns, dtype=np.int64))
        column = self.array(rows, "interval")
        seconds = real(column, self._interval_ns / NS_PER_SECOND)
        seconds = np.where(np.isnan(seconds), self._interval_ns / NS_PER_SECOND, seconds)
        wrong = ~((seconds > 0) & (seconds <= normalise.LARGEST_TIME / 2 / NS_PER_SECOND))
        if wrong.any():
            row = int(wrong.argmax())
            raise DataError(
                f"{self._path}: row {first + row}: interval is {column[row].as_py()} s, but must be above 0 s"
            )
        return frozen(np.rint(seconds * NS_PER_SECOND).astype(np.int64))

    def real(self, rows: pa.RecordBatch, name: str, null: float = np.nan, absent: float = np.nan) -> Float64s:
        """Return a column of numbers; without such a column, ``absent`` in every row."""
        if not self.has(name):
            return frozen(np.full(rows.num_rows, absent))
        return real(self.array(rows, name), null)

    def shares(self, rows: pa.RecordBatch, name: str) -> Int64s:
        """Return a column of sizes in units of 1e-6 shares."""
        return shares(self.array(rows, name))

    def flags(self, rows: pa.RecordBatch) -> UInt8s:
        """Return the flags of ticks; 0 for null or without the column."""
        if not self.has("flags"):
            return frozen(np.zeros(rows.num_rows, dtype=np.uint8))
        return frozen(whole(self.array(rows, "flags"), 0).astype(np.uint8))

    def market_prices(self, rows: pa.RecordBatch) -> Float64s:
        """Return market prices: NaN where null or absent, -1 where unusable."""
        if not self.has("market_price"):
            return self.real(rows, "market_price")
        column = self.array(rows, "market_price")
        out = np.empty(rows.num_rows)
        normalise.usable_or_minus_one(real(column, 1.0), out)
        if column.null_count:
            out[~valid(column)] = np.nan
        return frozen(out)

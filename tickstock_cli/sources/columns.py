"""Converts the columns of recordings to the plain numbers of `core.batch`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Float64s, Int64s, UInt8s
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import DataError
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.flag_bits import TRANSLATIONS, bits
from tickstock_cli.sources.intervals import FORMS, UNITS, lengths, parse_interval, whole_ends
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_numbers import Bools, frozen, real, scaled, shares, valid
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.selection import selected, theirs_of
from tickstock_cli.sources.time_columns import TimeEncoding

_FAMILIES = {
    **dict.fromkeys(("open", "high", "low", "close", "fmv", "market_price"), "price"),
    **dict.fromkeys(("volume", "avg_volume"), "size"),
}
"""Columns that are scaled like another one if they have no factor of their own."""


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


_DEFAULTS = ReadOptions()


class ColumnReader:
    """Reads the columns of one file's record batches under our names.

    Parameters
    ----------
    path
        The file, for messages.
    encodings
        Encoding of each time column, by our name.
    interval_ns
        Length of bars without a column `interval`.
    options
        How values are translated, scaled and selected.
    """

    def __init__(
        self,
        path: str,
        layout: Layout,
        encodings: Mapping[str, TimeEncoding],
        interval_ns: int,
        options: ReadOptions = _DEFAULTS,
    ) -> None:
        self._path = path
        self._layout = layout
        self._encodings = encodings
        self._interval_ns = interval_ns
        self._options = options
        self._interval_unit_ns = UNITS.get(options.interval_unit, NS_PER_SECOND)

    def reads_like(self, other: ColumnReader) -> bool:
        """Return whether another one reads the same rows to the same numbers, but for messages and a file's ticker."""
        same_layout = self._layout is other._layout or self._layout.reads_like(other._layout)
        varying = {"_path": "", "_layout": None}
        return same_layout and {**vars(self), **varying} == {**vars(other), **varying}

    def of(self, path: str, layout: Layout) -> ColumnReader:
        """Return a reader that reads likewise, of another file."""
        return ColumnReader(path, layout, self._encodings, self._interval_ns, self._options)

    def with_tickers(self, column: str) -> ColumnReader:
        """Return a reader of the same rows, and of tickers in a column."""
        return self.of(self._path, self._layout.with_tickers(column))

    @property
    def record(self) -> str:
        """The record type of the rows."""
        return self._layout.record.name

    @property
    def zone(self) -> ZoneInfo | None:
        """The zone of timestamps in local time; None if they are in UTC."""
        return self._encodings["timestamp"].zone

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

    def selected(self, rows: pa.RecordBatch) -> Bools | None:
        """Return the rows that the options select by the values of columns; None if they select all of the file.

        Raises
        ------
        UsageError
            A value is none of its column's type.
        """
        where = self._options.where
        return selected(rows, theirs_of(where, self._layout.columns, rows.schema.names)) if where else None

    def days(self, rows: pa.RecordBatch) -> Int64s:
        """Return the recorded `timestamp` of rows without `time_of_day`, int64 ns; 0 where unusable."""
        return self._encodings["timestamp"].read(self.array(rows, "timestamp"))

    def times(self, rows: pa.RecordBatch, first: int) -> Times:
        """Return the times of rows; ``first`` is the row number of the first. Rows that are not selected have none.

        Raises
        ------
        DataError
            A bar's `interval` is not above 0.
        """
        times = self._recorded_times(rows, first)
        chosen = self.selected(rows)
        if chosen is None or chosen.all():
            return times
        return replace(times, known=chosen if times.known is None else frozen(times.known & chosen))

    def _recorded_times(self, rows: pa.RecordBatch, first: int) -> Times:
        clock = self.array(rows, "time_of_day") if "time_of_day" in self._layout.columns else None
        timestamp = self._encodings["timestamp"].read(self.array(rows, "timestamp"), clock)
        interval = self._intervals(rows, first) if self._layout.record.name == "ohlcv" else None
        available = timestamp
        if interval is not None:
            if self._options.bar_label == "end":
                timestamp = whole_ends(timestamp, interval)
                timestamp = frozen(np.where(timestamp > interval, timestamp - interval, np.minimum(timestamp, 0)))
            available = np.empty(len(timestamp), dtype=np.int64)
            normalise.bar_ends(timestamp, interval, available)
            frozen(available)
        known = None if normalise.first_not_above_zero(timestamp) < 0 else frozen(timestamp > 0)
        if not self.has("received_at"):
            return Times(timestamp, available, known, interval)
        column = self.array(rows, "received_at")
        received = self._encodings["received_at"].read(column)
        if not column.null_count:
            return Times(timestamp, received, None, interval)
        recorded = valid(column)
        known = None if known is None else frozen(known | recorded)
        return Times(timestamp, frozen(np.where(recorded, received, available)), known, interval)

    def _intervals(self, rows: pa.RecordBatch, first: int) -> Int64s:
        if not self.has("interval"):
            return frozen(np.full(rows.num_rows, self._interval_ns, dtype=np.int64))
        if "interval" in self._layout.constants:
            return frozen(np.full(rows.num_rows, self._interval_of_partition(), dtype=np.int64))
        column = self.array(rows, "interval")
        found = lengths(column, self._interval_unit_ns, self._interval_ns)
        wrong = found <= 0
        chosen = self.selected(rows) if wrong.any() else None
        if chosen is not None:
            wrong &= chosen
        if wrong.any():
            row = int(wrong.argmax())
            value = column[row].as_py()
            raise DataError(f"{self._path}: row {first + row}: interval is {self._no_length(value)}")
        return frozen(np.maximum(found, 1))

    def _no_length(self, value: Any) -> str:
        """Return what is wrong with a value of `interval`."""
        if isinstance(value, str):
            return f"{value!r}, but must be {FORMS}"
        unit = self._options.interval_unit if self._options.interval_unit in UNITS else "s"
        if isinstance(value, int | float | Decimal) and math.isfinite(value) and value > 0:
            return f"{value} {unit}, longer than any bar: name its unit, as in --set recordings.interval_unit=ns"
        return f"{value} {unit}, but must be above 0 {unit}"

    def _interval_of_partition(self) -> int:
        text = self._layout.constants["interval"]
        length = self._interval_ns if text is None else parse_interval(text, self._interval_unit_ns)
        assert length is not None  # recognise has read it
        return length

    def real(self, rows: pa.RecordBatch, name: str, null: float = np.nan, absent: float = np.nan) -> Float64s:
        """Return a column of numbers, scaled; without such a column, ``absent`` in every row."""
        if not self.has(name):
            return frozen(np.full(rows.num_rows, absent))
        return scaled(real(self.array(rows, name), null), self.factor(name))

    def factor(self, name: str) -> float:
        """Return the factor by which the options scale a column."""
        scale = self._options.scale
        return scale.get(name, scale.get(_FAMILIES.get(name, name), 1.0))

    def shares(self, rows: pa.RecordBatch, name: str) -> Int64s:
        """Return a column of sizes in units of 1e-6 shares."""
        return shares(self.array(rows, name), self.factor(name))

    def flags(self, rows: pa.RecordBatch) -> UInt8s:
        """Return the flags of ticks; 0 for null or without the column."""
        if not self.has("flags"):
            return frozen(np.zeros(rows.num_rows, dtype=np.uint8))
        return frozen(TRANSLATIONS[self._options.flags](bits(self.array(rows, "flags"))))

    def market_prices(self, rows: pa.RecordBatch) -> Float64s:
        """Return market prices: NaN where null or absent, -1 where unusable."""
        if not self.has("market_price"):
            return self.real(rows, "market_price")
        column = self.array(rows, "market_price")
        out = np.empty(rows.num_rows)
        normalise.usable_or_minus_one(scaled(real(column, 1.0), self.factor("market_price")), out)
        if column.null_count:
            out[~valid(column)] = np.nan
        return frozen(out)

"""Rows of all formats in the form that is sorted: our columns in their types, tickers as codes, a sort key.

A row belongs to the date of its time: for a bar, of its start. ``KEY`` orders rows by date and, within it, by available
time: it is the available time, but that of a bar that ends after its date is the last instant of the date. Such rows
have their available time in ``AVAILABLE``, which orders rows of the same key.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.calendar import SEGMENT_DAY, XNYS, Calendar
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.times import MAX_NS, NS_PER_DAY, NS_PER_SECOND
from tickstock_cli.importing.format import ImportChunk
from tickstock_cli.importing.tables import filled

KEY, AVAILABLE = "_key", "_available"

NO_TIME = "no_time"
"""Reason of dropped rows whose time is missing or not after 1970: no date is theirs."""

_LATEST = MAX_NS - 400 * NS_PER_DAY
"""Times of the last year that int64 holds are none: their bars would end beyond it."""

_EXTRA: dict[str, dict[str, pa.DataType]] = {
    "tick": {},
    "ohlcv": {"transactions": pa.int64(), "avg_volume": pa.float64(), "percent_change": pa.float64()},
    "fmv": {"market_price": pa.float64(), "confidence": pa.float64()},
}

COLUMNS: dict[str, dict[str, pa.DataType]] = {
    record: {**{field.name: field.type for field in schema}, **_EXTRA[record]} for record, schema in RECORDED.items()
}
"""Columns that imported rows can have, by record type, in their order: those of recorded rows, and those of others."""


class Tickers:
    """Codes of the tickers of an import, from 0, in the order of their first rows."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}

    def codes(self, column: Any) -> NDArray[np.int32]:
        """Return the codes of a column; -1 where it is null or empty."""
        known = [
            -1 if not ticker else self._codes.setdefault(ticker, len(self._codes))
            for ticker in column.dictionary.to_pylist()
        ]
        table = np.array([*known, -1], dtype=np.int32)
        codes: NDArray[np.int32] = table[filled(column.indices, len(known))]
        return codes

    def column(self, codes: NDArray[np.int32]) -> Any:
        """Return codes as a column of a dictionary that has no other tickers."""
        names = list(self._codes)
        present = np.flatnonzero(np.bincount(codes + 1, minlength=1)[1:])
        places = np.full(len(names) + 1, -1, dtype=np.int32)
        places[present] = np.arange(len(present), dtype=np.int32)
        missing = codes < 0
        indices: Any = pa.array(places[codes], mask=missing if missing.any() else None)
        return pa.DictionaryArray.from_arrays(indices, pa.array([names[place] for place in present], pa.string()))


class Days:
    """Dates of New York's sessions: of a time, and their bounds."""

    def __init__(self) -> None:
        self._calendar = Calendar(XNYS)
        self._starts = np.empty(0, dtype=np.int64)
        self._numbers = np.empty(0, dtype=np.int64)
        self._span = (0, -1)

    def bounds(self, earliest: int, latest: int) -> tuple[Int64s, Int64s]:
        """Return starts of dates, int64 ns UTC, and their day numbers since 1970, for times in [earliest, latest]."""
        earliest, latest = max(1, earliest - 2 * NS_PER_DAY), latest + 8 * NS_PER_DAY
        if earliest < self._span[0] or latest > self._span[1]:
            if self._span[1] > 0:
                earliest, latest = min(earliest, self._span[0]), max(latest, self._span[1])
            table = self._calendar.table(earliest, latest)
            numbers = table.segments // SEGMENT_DAY
            first = np.append(True, np.diff(numbers) != 0)
            self._starts, self._numbers, self._span = table.starts[first], numbers[first], (earliest, latest)
        return self._starts, self._numbers


def sortable(chunk: ImportChunk, tickers: Tickers, days: Days) -> tuple[pa.RecordBatch, int]:
    """Return rows of a chunk with ``KEY``, and perhaps ``AVAILABLE``, and how many were dropped for ``NO_TIME``."""
    rows = chunk.rows
    times = _whole(rows.column("timestamp"))
    usable = (times > 0) & (times < _LATEST)
    dropped = len(times) - int(usable.sum())
    if dropped:
        rows, times = rows.filter(pa.array(usable)), times[usable]
    types = COLUMNS[chunk.record]
    columns: dict[str, Any] = {"ticker": pa.array(tickers.codes(rows.column("ticker")))}
    for name, type_ in types.items():
        if name != "ticker" and name in rows.schema.names:
            column = rows.column(name)
            columns[name] = column if column.type == type_ else column.cast(type_)
    available = _available(rows, chunk.record, times)
    key = available if chunk.record != "ohlcv" else _within_day(times, available, days)
    columns[KEY] = pa.array(key)
    if key is not available:
        columns[AVAILABLE] = pa.array(available)
    return pa.RecordBatch.from_pydict(columns), dropped


def _available(rows: pa.RecordBatch, record: str, times: Int64s) -> Int64s:
    if record == "ohlcv":
        seconds = filled(rows.column("interval"), 0.0)
        times = times + np.rint(seconds * NS_PER_SECOND).astype(np.int64)
    if "received_at" not in rows.schema.names:
        return times
    received = _whole(rows.column("received_at"))
    return np.where((received > 0) & (received < _LATEST), received, times)


def _within_day(times: Int64s, available: Int64s, days: Days) -> Int64s:
    """Return available times, not beyond the last instant of the date of ``times``; the same array if none is."""
    if not len(times):
        return available
    starts, _ = days.bounds(int(times.min()), int(times.max()))
    last = starts[starts.searchsorted(times, side="right")] - 1
    return np.minimum(available, last) if (available > last).any() else available


def _whole(column: pa.Array[Any]) -> Int64s:
    whole: Int64s = filled(column, 0)
    return whole

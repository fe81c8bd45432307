"""Rows from a program instead of a file: Arrow columns under our names, times in ns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MIN_NS, NS_PER_SECOND
from tickstock_cli.errors import SchemaError
from tickstock_cli.sources.columns import ColumnReader, Times
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.plain_columns import plain_rows, plain_types
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.recognise import Layout, recognise
from tickstock_cli.sources.records import TEXT
from tickstock_cli.sources.stream import to_batch
from tickstock_cli.sources.ticker_codes import TickerCodes, with_readable_tickers
from tickstock_cli.sources.time_columns import TimeEncoding, type_step

ORIGIN = "rows"
RECORDS = ("tick", "ohlcv", "fmv")
"""Record types in merge order."""
EARLIEST_NS = 315_532_800_000_000_000
"""1980 in ns since 1970: a number below that is in seconds, milliseconds or microseconds."""


class RowIngest:
    """Turns rows into batches, in the order of the calls.

    A row whose available time is before that of an earlier row gets the available time of that row: the system receives
    it only now. A row without a usable time does, too.

    Parameters
    ----------
    interval_seconds
        Length of bars without a column `interval`.
    """

    def __init__(self, symbols: SymbolTable, interval_seconds: int) -> None:
        self._symbols = symbols
        self._interval_ns = interval_seconds * NS_PER_SECOND
        self._codes = TickerCodes(symbols)
        self._layouts: dict[pa.Schema, Layout] = {}
        self._latest = MIN_NS
        self._count = 0

    @property
    def latest(self) -> int:
        """The greatest available time so far (int64 ns)."""
        return self._latest

    @property
    def count(self) -> int:
        """The number of rows so far."""
        return self._count

    def merged(self, rows: pa.RecordBatch) -> MergedBatch:
        """Return rows, at least one, as the next batch in merge order; the columns determine the record type.

        Raises
        ------
        SchemaError
            The columns fit no record type, or have types that cannot be read.
        DataError
            A bar's `interval` is not above 0.
        """
        return self.together([rows])

    def together(self, parts: Sequence[pa.RecordBatch]) -> MergedBatch:
        """Return rows of several types, each type once, as the next batch, ordered by the merge rule.

        Raises as ``merged`` does.
        """
        readings = sorted((self._reading(rows) for rows in parts), key=lambda reading: RECORDS.index(reading[0].record))
        times = [self._times(read, rows) for read, rows in readings]
        available = np.concatenate([part.available for part in times])
        places = np.empty(len(available), dtype=np.int64)
        # Stable: at equal times, types keep the order of ``parts``, and rows their own order.
        places[np.argsort(available, kind="stable")] = np.arange(self._count, self._count + len(available))
        batches: dict[str, Batch] = {}
        start = 0
        for (read, rows), part in zip(readings, times, strict=True):
            stop = start + rows.num_rows
            batches[read.record] = to_batch(read, rows, part, self._codes, frozen(places[start:stop].copy()))
            start = stop
        step = MergedBatch(
            cast(TickBatch, batches.get("tick", TickBatch.empty())),
            cast(BarBatch, batches.get("ohlcv", BarBatch.empty())),
            cast(FmvBatch, batches.get("fmv", FmvBatch.empty())),
            self._count,
            int(available.max()),
            (),
        )
        self._latest = step.watermark
        self._count += len(available)
        return step

    def passed(self, watermark: int) -> None:
        """Advance market time to ``watermark`` without a row."""
        self._latest = max(self._latest, watermark)

    def _reading(self, rows: pa.RecordBatch) -> tuple[ColumnReader, pa.RecordBatch]:
        rows = plain_rows(rows, plain_types(rows.schema))
        layout = self._layouts.get(rows.schema)
        if layout is None:
            layout = self._layouts[rows.schema] = recognise(FoundFile(ORIGIN, {}), rows.schema, {})
        rows = with_readable_tickers(rows, layout)
        return ColumnReader(ORIGIN, layout, _encodings(rows, layout), self._interval_ns), rows

    def _times(self, read: ColumnReader, rows: pa.RecordBatch) -> Times:
        """Return the times of rows, with available times that never descend across calls."""
        _check_unit(read, rows)
        times = read.times(rows, self._count)
        available = times.available if times.known is None else np.where(times.known, times.available, MIN_NS)
        return times.settled(frozen(np.maximum.accumulate(np.maximum(available, self._latest))))


def _check_unit(read: ColumnReader, rows: pa.RecordBatch) -> None:
    """Raise if plain integers of a time column can only be in another unit than ns.

    Raises
    ------
    SchemaError
        A time above 0 lies before 1980, if it is read as ns.
    """
    for name in ("timestamp", "received_at"):
        if not read.has(name):
            continue
        column = read.array(rows, name)
        if type_step(column.type) is not None:
            continue
        values = column.to_numpy(zero_copy_only=False)
        wrong = np.flatnonzero((values > 0) & (values < EARLIEST_NS))
        if len(wrong):
            raise SchemaError(
                f"row {wrong[0]}: {name} is {values[wrong[0]]:.0f}, which in ns is a moment of the seventies: "
                "plain numbers are ns since 1970 in UTC; hand in ns, or times with a type or a time zone"
            )


def _encodings(rows: pa.RecordBatch, layout: Layout) -> dict[str, TimeEncoding]:
    """Return the encoding of each time column; plain integers are ns.

    Raises
    ------
    SchemaError
        A column holds texts.
    """
    found: dict[str, TimeEncoding] = {}
    for name in ("timestamp", "received_at"):
        if name in layout.columns:
            type_ = rows.schema.field(layout.columns[name]).type
            if TEXT.accepts(type_):
                raise SchemaError(f"{name} holds texts: hand in ns since 1970 in UTC, or times with a type")
            found[name] = TimeEncoding(type_step(type_) or 1)
    return found

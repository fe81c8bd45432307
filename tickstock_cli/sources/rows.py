"""Rows that come from a program instead of a file: Arrow columns under our names, times in ns."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import BarBatch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MIN_NS, NS_PER_SECOND
from tickstock_cli.sources.columns import ColumnReader, TickerCodes, frozen, type_step
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.recognise import Layout, recognise
from tickstock_cli.sources.stream import to_batch

ORIGIN = "rows"


class Intake:
    """Turns rows into batches, in the order in which they are handed in.

    A row that became available before one handed in earlier is available together with that one: it can be known
    only now. So is a row without a usable time.

    Parameters
    ----------
    interval_seconds
        Length of bars that do not tell it.
    """

    def __init__(self, symbols: SymbolTable, interval_seconds: int) -> None:
        self._symbols = symbols
        self._interval_ns = interval_seconds * NS_PER_SECOND
        self._codes = TickerCodes(symbols, None)
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
        """Give rows as the next piece of the merge order; their columns tell the record type. At least one row.

        Raises
        ------
        SchemaError
            The columns fit no record type, or have types that cannot be read.
        DataError
            A bar's `interval` is not above 0.
        """
        layout = recognise(FoundFile(ORIGIN, {}), rows.schema, {})
        rows = _with_dictionary(rows, layout)
        reader = ColumnReader(ORIGIN, layout, _steps(rows, layout), self._interval_ns)
        times = reader.times(rows, self._count)
        available = times.available if times.known is None else np.where(times.known, times.available, MIN_NS)
        available = frozen(np.maximum.accumulate(np.maximum(available, self._latest)))
        places = frozen(np.arange(self._count, self._count + rows.num_rows, dtype=np.int64))
        batch = to_batch(reader, rows, times.settled(available), self._codes, places)
        step = MergedBatch(
            batch if isinstance(batch, TickBatch) else TickBatch.empty(),
            batch if isinstance(batch, BarBatch) else BarBatch.empty(),
            batch if isinstance(batch, FmvBatch) else FmvBatch.empty(),
            self._count,
            int(available[-1]),
            (),
        )
        self._latest = step.watermark
        self._count += rows.num_rows
        return step

    def passed(self, watermark: int) -> None:
        """Hear that market time has come to ``watermark`` without a row."""
        self._latest = max(self._latest, watermark)


def _with_dictionary(rows: pa.RecordBatch, layout: Layout) -> pa.RecordBatch:
    """Give the tickers as a dictionary column, as files are read."""
    place = rows.schema.get_field_index(layout.columns["ticker"])
    tickers = rows.column(place)
    if pt.is_dictionary(tickers.type) or pt.is_null(tickers.type):
        return rows
    return rows.set_column(place, rows.schema.field(place).name, tickers.dictionary_encode())


def _steps(rows: pa.RecordBatch, layout: Layout) -> dict[str, int]:
    """Give the nanoseconds in a step of each time column; plain integers are ns."""
    columns = {name: layout.columns[name] for name in ("timestamp", "received_at") if name in layout.columns}
    return {name: type_step(rows.schema.field(theirs).type) or 1 for name, theirs in columns.items()}

"""The rows of a source as the vendor plays them: what batches carry, and columns that only the recording has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import MICROS_PER_SHARE, BarBatch, Batch, Float64s, FmvBatch, Int64s, TickBatch
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.stages import NamedSource
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.sources.kept_columns import ColumnsOfKeptRows
from tickstock_cli.sources.kept_rows import KeptRows
from tickstock_cli.sources.original_columns import ColumnsOfFiles, NoOriginalColumns, OriginalColumns
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.wanted_columns import TIME, Wanted
from tickstock_cli.vendors.polygon.losses import WireLosses

BATCH_ROWS = 8_192
"""Rows that are read and encoded together, while the ones before are sent."""

_OF_TRADES = ("conditions", "exchange", "sequence", "trade_id", "tape", "trf_id")
WANTED: Mapping[type[Batch], Wanted] = {
    TickBatch: {name: RECORDED["tick"].field(name).type for name in _OF_TRADES} | {"participant_timestamp": TIME},
    BarBatch: {"vwap": pa.float64()},
    FmvBatch: {},
}
"""Columns that batches do not carry, by the type of the batch."""

RECORDS: Mapping[type[Batch], str] = {TickBatch: "tick", BarBatch: "ohlcv", FmvBatch: "fmv"}
"""Record type of each type of batch."""

EXAMINED_ROWS = 50_000
"""Rows of each type, the first ones, that are examined for what the wire cannot carry."""


class SourceRows:
    """The rows of a source, in merge order. Each iteration begins with the first row.

    Parameters
    ----------
    mapping
        Our column names -> the recording's, where they differ.
    tell
        Gets notes about what the wire cannot carry, each once, in the thread that iterates.
    calendar
        That of the clients, for these notes.
    """

    def __init__(
        self,
        source: NamedSource,
        mapping: Mapping[str, str],
        tell: Callable[[str], None],
        calendar: MarketCalendar = XNYS,
    ) -> None:
        self._source = source
        self._mapping = mapping
        self._tell = tell
        self._told: set[str] = set()
        self._examined: Counter[str] = Counter()
        self._losses = WireLosses(calendar=calendar)
        self._tickers: pa.Array[Any] = pa.array([], pa.string())

    def __iter__(self) -> Iterator[list[pa.RecordBatch]]:
        originals = self._originals()
        try:
            for merged in self._source.batches(BATCH_ROWS):
                parts: tuple[Batch, ...] = (merged.ticks, merged.bars, merged.fmvs)
                yield [self._recorded(part, originals) for part in parts if len(part)]
        finally:
            originals.close()

    def _originals(self) -> OriginalColumns:
        if isinstance(self._source, Recordings):
            return ColumnsOfFiles(self._source.files, self._mapping)
        kept = self._source.origins()
        return ColumnsOfKeptRows(kept, self._mapping) if isinstance(kept, KeptRows) else NoOriginalColumns()

    def _recorded(self, part: Batch, originals: OriginalColumns) -> pa.RecordBatch:
        """Return rows of one type in columns named as those of recorded rows."""
        columns: dict[str, Any] = {
            "ticker": self._names(part),
            "timestamp": _or_null(part.timestamp, part.timestamp > 0),
            **_VALUES[type(part)](part),
            **originals.read(part.origin, WANTED[type(part)]),
            "received_at": part.available_at,
        }
        rows = pa.RecordBatch.from_pydict(columns)
        self._tell_losses(part, rows)
        return rows

    def _names(self, part: Batch) -> pa.Array[Any]:
        known = self._source.symbols.tickers
        if len(self._tickers) < len(known):
            self._tickers = pa.array(known[: len(known)], pa.string())
        named: pa.Array[Any] = self._tickers.take(_or_null(part.code, part.code >= 0))
        return named

    def _tell_losses(self, part: Batch, rows: pa.RecordBatch) -> None:
        """Note what the first rows of a type lose on the wire."""
        record = RECORDS[type(part)]
        if self._examined[record] >= EXAMINED_ROWS:
            return
        self._examined[record] += rows.num_rows
        for loss in [*self._losses.count(record, rows), *_unsent_columns(part)]:
            if loss not in self._told:
                self._told.add(loss)
                self._tell(f"the wire cannot carry {loss}; {record} rows have them")


def _unsent_columns(part: Batch) -> list[str]:
    """Return the columns of a batch that the wire has no field for and that hold values."""
    match part:
        case BarBatch():
            values = {"avg_volume": ~np.isnan(part.avg_volume), "percent_change": ~np.isnan(part.percent_change)}
        case FmvBatch():
            values = {"market_price": ~np.isnan(part.market_price), "confidence": part.confidence != 1}
        case _:
            values = {}
    return [f"values of {name}" for name, known in values.items() if known.any()]


def _trades(part: TickBatch) -> dict[str, Any]:
    return {"price": _real(part.price), "size": _shares(part.size), "flags": part.flags}


def _bars(part: BarBatch) -> dict[str, Any]:
    prices = {name: _real(getattr(part, name)) for name in ("open", "high", "low", "close")}
    return {**prices, "volume": _shares(part.volume), "interval": part.interval / NS_PER_SECOND}


def _fair_values(part: FmvBatch) -> dict[str, Any]:
    return {"fmv": _real(part.fmv)}


_VALUES: Mapping[type[Batch], Callable[[Any], dict[str, Any]]] = {
    TickBatch: _trades,
    BarBatch: _bars,
    FmvBatch: _fair_values,
}


def _real(values: Float64s) -> pa.Array[Any]:
    return _or_null(values, np.isfinite(values))


def _shares(micros: Int64s) -> pa.Array[Any]:
    return _or_null(micros / MICROS_PER_SHARE, micros >= 0)


def _or_null(values: Any, known: Any) -> pa.Array[Any]:
    column: pa.Array[Any] = pa.array(values, mask=None if known.all() else ~known)
    return column

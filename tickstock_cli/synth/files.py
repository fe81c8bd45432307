"""The Parquet files of a market: their schemas and writers.

A writer collects row groups of 2**20 rows, and a thread of its own encodes them while more rows are made. The bytes do
not depend on how rows were cut into writes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tickstock_cli.synth.universe import MICROS

ROW_GROUP_ROWS = 1 << 20

TIME = pa.timestamp("ns", "UTC")

Columns = tuple[NDArray[Any], ...]
Encoder = Callable[[Columns], "list[pa.Array[Any]]"]


class MarketFile:
    """One file of a market. It holds at most two row groups; a failed write raises OSError.

    Parameters
    ----------
    path
        The file to write.
    schema
        Schema of its rows. The ticker column is written as a dictionary and read back as strings.
    encode
        Function from columns to arrays in the order of ``schema``; runs in the file's thread.
    """

    def __init__(self, path: Path, schema: pa.Schema, encode: Encoder) -> None:
        self._encode = encode
        self._schema = schema
        self._waiting: list[Columns] = []
        self._waiting_rows = 0
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None
        self.rows = 0
        self._file = path.open("wb")
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            store_schema=False,  # otherwise readers return dictionaries, and recordings have strings
            use_dictionary=[name for name in schema.names if name != "timestamp"],  # type: ignore[arg-type]  # stubs: bool only
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
            compression="snappy",
        )

    def write(self, *columns: NDArray[Any]) -> None:
        """Write rows, as columns of equal length. Raises OSError, maybe about earlier rows."""
        start, rows = 0, len(columns[0])
        while start < rows:
            end = min(rows, start + ROW_GROUP_ROWS - self._waiting_rows)
            self._waiting.append(tuple(column[start:end] for column in columns))
            self._waiting_rows += end - start
            if self._waiting_rows == ROW_GROUP_ROWS:
                self._flush()
            start = end

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        self.rows += self._waiting_rows
        self._waiting_rows = 0
        self._wait()
        self._running = self._thread.submit(self._write_group, waiting)

    def _wait(self) -> None:
        if self._running is not None:
            self._running.result()

    def _write_group(self, waiting: list[Columns]) -> None:
        arrays = self._encode(tuple(np.concatenate(parts) for parts in zip(*waiting, strict=True)))
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema), row_group_size=ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write the remaining rows and the footer. Raises OSError."""
        if self._waiting_rows:
            self._flush()
        self._wait()
        self._thread.shutdown()
        self._writer.close()
        self._file.close()

    def abort(self) -> None:
        """Close without completing the file. Never raises."""
        self._thread.shutdown(cancel_futures=True)
        # An open writer would write its footer when it is garbage-collected.
        with suppress(Exception):
            self._writer.close()
        with suppress(OSError):
            self._file.close()


def tick_file(path: Path, tickers: list[str], *, fractional: bool) -> MarketFile:
    """Return the writer of ticks, for the columns of ``trading.Ticks``."""
    names = pa.array(tickers)
    schema = _schema(price=pa.float64(), size=_size_type(fractional), flags=pa.uint8())

    def encode(columns: Columns) -> list[pa.Array[Any]]:
        symbol, timestamp, price, size, flags = columns
        return [_tickers(symbol, names), _times(timestamp), pa.array(price), _sizes(size, fractional), pa.array(flags)]

    return MarketFile(path, schema, encode)


def bar_file(path: Path, tickers: list[str], *, fractional: bool) -> MarketFile:
    """Return the writer of minute bars, for the columns of ``book.Bars`` with the start (ns) after the symbol."""
    names = pa.array(tickers)
    prices = dict.fromkeys(("open", "high", "low", "close"), pa.float64())
    schema = _schema(**prices, volume=_size_type(fractional), vwap=pa.float64(), transactions=pa.int64())

    def encode(columns: Columns) -> list[pa.Array[Any]]:
        symbol, timestamp, *prices, volume, vwap, transactions = columns
        return [
            _tickers(symbol, names),
            _times(timestamp),
            *(pa.array(price) for price in prices),
            _sizes(volume, fractional),
            pa.array(vwap, from_pandas=True),
            pa.array(transactions),
        ]

    return MarketFile(path, schema, encode)


def fmv_file(path: Path, tickers: list[str]) -> MarketFile:
    """Return the writer of fair market values, for the columns of ``fairvalues.Fmvs``."""
    names = pa.array(tickers)
    schema = _schema(fmv=pa.float64(), market_price=pa.float64(), confidence=pa.float64())

    def encode(columns: Columns) -> list[pa.Array[Any]]:
        symbol, timestamp, *values = columns
        return [_tickers(symbol, names), _times(timestamp), *(pa.array(value, from_pandas=True) for value in values)]

    return MarketFile(path, schema, encode)


def _schema(**columns: pa.DataType) -> pa.Schema:
    ticker = pa.dictionary(pa.int32(), pa.string())
    return pa.schema([("ticker", ticker), ("timestamp", TIME), *columns.items()])


def _size_type(fractional: bool) -> pa.DataType:
    return pa.float64() if fractional else pa.int64()


def _tickers(symbol: NDArray[np.int32], names: pa.Array[Any]) -> pa.Array[Any]:
    return pa.DictionaryArray.from_arrays(symbol, names)


def _times(timestamp: NDArray[np.int64]) -> pa.Array[Any]:
    return pa.array(timestamp).cast(TIME)


def _sizes(size: NDArray[np.int64], fractional: bool) -> pa.Array[Any]:
    return pa.array(size / MICROS if fractional else size // MICROS)

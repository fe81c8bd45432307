"""The Parquet files of a market: what is in each, and how it gets there.

Rows are gathered into row groups of 2**20 and encoded by a thread of the file's own, while more are made. How they
were cut into writes does not show in the bytes.
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
    """One file of a market. Holds at most two row groups; what the system says against writing it is an OSError.

    Parameters
    ----------
    path
        The file to write.
    schema
        Of its rows. The ticker column is written from codes, as a dictionary, and read back as plain strings.
    encode
        Turns gathered columns into arrays in the order of ``schema``; runs in the file's thread.
    """

    def __init__(self, path: Path, schema: pa.Schema, encode: Encoder) -> None:
        self._encode = encode
        self._schema = schema
        self._waiting: list[Columns] = []
        self._waiting_rows = 0
        self._thread = ThreadPoolExecutor(1)
        self._running: Future[None] | None = None
        self.rows = 0
        self._writer = pq.ParquetWriter(
            path,
            schema,
            store_schema=False,  # or readers would give dictionaries where a recording has strings
            use_dictionary=[name for name in schema.names if name != "timestamp"],  # type: ignore[arg-type]  # stubs: bool only
            column_encoding={"timestamp": "DELTA_BINARY_PACKED"},
            compression="snappy",
        )

    def write(self, *columns: NDArray[Any]) -> None:
        """Take rows, as columns of equal length. Raises OSError, maybe about rows given before."""
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
        """Write what waits, and the footer. Raises OSError."""
        if self._waiting_rows:
            self._flush()
        self._wait()
        self._thread.shutdown()
        self._writer.close()

    def abort(self) -> None:
        """End without caring for the file. Never raises."""
        self._thread.shutdown(cancel_futures=True)
        # Left open, the writer would try to write its footer whenever it is collected.
        with suppress(Exception):
            self._writer.close()


def tick_file(path: Path, tickers: list[str], *, fractional: bool) -> MarketFile:
    """Open the file of ticks; it takes the columns of ``trading.Ticks``."""
    names = pa.array(tickers)
    schema = _schema(price=pa.float64(), size=_size_type(fractional), flags=pa.uint8())

    def encode(columns: Columns) -> list[pa.Array[Any]]:
        symbol, timestamp, price, size, flags = columns
        return [_tickers(symbol, names), _times(timestamp), pa.array(price), _sizes(size, fractional), pa.array(flags)]

    return MarketFile(path, schema, encode)


def bar_file(path: Path, tickers: list[str], *, fractional: bool) -> MarketFile:
    """Open the file of minute bars; it takes the columns of ``book.Bars``, the start (ns) after the symbol."""
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
    """Open the file of fair market values; it takes the columns of ``fairvalues.Fmvs``."""
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

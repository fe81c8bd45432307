"""Rows of a workload as columns, and as record batches with the column names of recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.loadtest.scenario import RecordName
from tickstock_cli.synth.fairvalues import Fmvs
from tickstock_cli.synth.files import TIME
from tickstock_cli.synth.trading import Ticks
from tickstock_cli.synth.universe import MICROS

Columns = dict[str, NDArray[Any]]

VALUES: dict[RecordName, tuple[str, ...]] = {
    "tick": ("price", "size"),
    "ohlcv": ("open", "high", "low", "close", "volume", "avg_volume", "interval"),
    "fmv": ("fmv", "market_price", "confidence"),
}
"""Columns of each type besides ticker and times. NaN is null; sizes and volumes are in shares, intervals in seconds."""

_WHOLE_NUMBERS = frozenset({"size", "volume", "interval"})

SCHEMAS: Mapping[str, pa.Schema] = {
    record: pa.schema(
        [
            pa.field("ticker", pa.dictionary(pa.int32(), pa.string())),
            pa.field("timestamp", TIME),
            *(pa.field(name, pa.int64() if name in _WHOLE_NUMBERS else pa.float64()) for name in names),
            pa.field("received_at", TIME),
        ]
    )
    for record, names in VALUES.items()
}
"""Schemas of the record batches; the ticker's dictionary holds all tickers of the workload."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one type in the order in which they are sent.

    Attributes
    ----------
    symbol
        Index of the ticker, int32.
    timestamp
        The row's own time, int64 ns.
    send
        When the row is sent, int64 ns.
    values
        Columns of ``VALUES``.
    """

    symbol: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    send: NDArray[np.int64]
    values: Columns

    def __len__(self) -> int:
        return len(self.symbol)

    def take(self, chosen: Any) -> Rows:
        """Return the rows of a slice, of indices, or of a mask."""
        values = {name: column[chosen] for name, column in self.values.items()}
        return Rows(self.symbol[chosen], self.timestamp[chosen], self.send[chosen], values)


def no_rows(record: RecordName) -> Rows:
    """Return an empty set of rows of a type."""
    nothing = np.empty(0, dtype=np.int64)
    return Rows(nothing.astype(np.int32), nothing, nothing, {name: nothing.astype(float) for name in VALUES[record]})


def join(parts: Sequence[Rows]) -> Rows:
    """Return the concatenation of at least one part."""
    full = [part for part in parts if len(part)]
    if len(full) <= 1:
        return full[0] if full else parts[0]
    parts = full
    return Rows(
        np.concatenate([part.symbol for part in parts]),
        np.concatenate([part.timestamp for part in parts]),
        np.concatenate([part.send for part in parts]),
        {name: np.concatenate([part.values[name] for part in parts]) for name in parts[0].values},
    )


def tick_rows(ticks: Ticks) -> Rows:
    """Return ticks as rows, each sent at its own time."""
    values: Columns = {"price": ticks.price, "size": ticks.size // MICROS}
    return Rows(ticks.symbol, ticks.timestamp, ticks.timestamp, values)


def fmv_rows(fmvs: Fmvs) -> Rows:
    """Return fair values as rows, each sent at its own time."""
    values: Columns = {"fmv": fmvs.fmv, "market_price": fmvs.market_price, "confidence": fmvs.confidence}
    return Rows(fmvs.symbol, fmvs.timestamp, fmvs.timestamp, values)


class Encoder:
    """Turns rows into record batches of ``SCHEMAS``."""

    def __init__(self, tickers: Sequence[str]) -> None:
        self._tickers = pa.array(tickers, pa.string())

    def encode(self, record: RecordName, rows: Rows, received_at: NDArray[np.int64]) -> pa.RecordBatch:
        """Return rows as a record batch; ``received_at`` (int64 ns) is when each becomes available."""
        arrays: list[pa.Array[Any]] = [
            pa.DictionaryArray.from_arrays(rows.symbol, self._tickers),
            pa.array(rows.timestamp).cast(TIME),
            *(pa.array(rows.values[name], from_pandas=True) for name in VALUES[record]),
            pa.array(received_at).cast(TIME),
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=SCHEMAS[record])

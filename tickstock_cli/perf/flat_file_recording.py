"""Flat files of a vendor for the benchmarks of imports: trades of a day, sorted by ticker, then time."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as csv

from tickstock_cli.core.times import NS_PER_SECOND

_FIRST = 1_772_442_000_000_000_000
"""04:00 in New York on 2 March 2026, ns UTC."""
_HOURS = 16
_CONDITIONS = np.array(["", "12", "12,37", "37", "14", "14,41", "14,37,41", "10", "2", "41"], dtype=object)
_SHARES = [0.2, 0.1, 0.15, 0.2, 0.1, 0.08, 0.07, 0.02, 0.02, 0.06]
_CORRECTED = 0.0003
_FRACTIONAL = 0.1
_WRITTEN_ROWS = 200_000


def write_flat_file(path: Path, rows: int, symbols: int) -> None:
    """Write trades, the same for the same arguments; the busiest tickers have most of them. Raises OSError."""
    rng = np.random.default_rng(rows)
    weights = rng.permutation(1 / np.arange(1, symbols + 1))
    counts = rng.multinomial(rows, weights / weights.sum())
    path.parent.mkdir(parents=True)
    # Without its time and name, the file is the same whenever and wherever it is written.
    with path.open("wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as file:
        for number, table in enumerate(
            _gathered(_trades(ticker, int(count), rng) for ticker, count in enumerate(counts))
        ):
            sink: Any = pa.BufferOutputStream()
            csv.write_csv(table, sink, csv.WriteOptions(include_header=not number, quoting_style="needed"))
            file.write(sink.getvalue())


def _trades(ticker: int, count: int, rng: np.random.Generator) -> pa.Table:
    times = np.sort(_FIRST + (rng.random(count) * _HOURS * 3_600 * NS_PER_SECOND).astype(np.int64))
    prices = np.round(100 * np.exp(np.cumsum(rng.normal(0, 1e-4, count))), 2)
    sizes = rng.integers(1, 500, count).astype(np.float64)
    fractions = rng.random(count) < _FRACTIONAL
    sizes[fractions] = np.round(rng.random(int(fractions.sum())) + 1e-6, 6)
    corrected = rng.random(count) < _CORRECTED
    columns: dict[str, Any] = {
        "ticker": np.full(count, f"T{ticker:05}", dtype=object),
        "conditions": _CONDITIONS[rng.choice(len(_CONDITIONS), count, p=_SHARES)],
        "correction": np.where(corrected, 8, 0),
        "exchange": rng.integers(1, 22, count),
        "id": rng.integers(1, 90_000, count).astype(str).astype(object),
        "participant_timestamp": times - rng.integers(200_000, 900_000, count),
        "price": prices,
        "sequence_number": np.cumsum(rng.integers(1, 50, count)),
        "sip_timestamp": times,
        "size": sizes,
        "tape": np.full(count, 1 + ticker % 3),
        "trf_id": np.where(rng.random(count) < 0.4, 202, 0),
        "trf_timestamp": np.zeros(count, dtype=np.int64),
    }
    return pa.table(columns)


def _gathered(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    waiting: list[pa.Table] = []
    for table in tables:
        if table.num_rows:
            waiting.append(table)
        if sum(part.num_rows for part in waiting) >= _WRITTEN_ROWS:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)

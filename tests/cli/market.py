"""Recordings for the tests of commands, as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.engine.events import busy_morning
from tickstock_cli.testing import RECORDS, Record

FILES = {"tick": "ticks.parquet", "ohlcv": "bars.parquet", "fmv": "fmv.parquet"}
TYPES: dict[str, pa.DataType] = {
    "ticker": pa.string(),
    "timestamp": pa.int64(),
    "received_at": pa.int64(),
    "flags": pa.uint8(),
}


def write_recording(rows: Sequence[Record], folder: Path, group_rows: int = 500) -> Path:
    """Write one file for each type of record in time order, without columns that are null throughout."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RECORDS:
        values = [asdict(row) for row in sorted(rows, key=lambda row: row.timestamp or 0) if row.record == name]
        if values:
            used = [column for column in values[0] if any(value[column] is not None for value in values)]
            schema = pa.schema([(column, TYPES.get(column, pa.float64())) for column in used])
            table = pa.Table.from_pylist([{column: value[column] for column in used} for value in values], schema)
            pq.write_table(table, folder / FILES[name], row_group_size=group_rows)
    return folder


def morning(folder: Path) -> Path:
    """Write 25 minutes of three tickers, busy enough for hundreds of events."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in _morning_files().items():
        (folder / name).write_bytes(content)
    return folder


@cache
def _morning_files() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        return {path.name: path.read_bytes() for path in write_recording(busy_morning(), Path(folder)).iterdir()}


def written_columns(path: Path) -> dict[str, list[Any]]:
    """Read a file as plain columns, to be spoiled and written again with `write_columns`."""
    return pq.read_table(path).to_pydict()


def write_columns(path: Path, columns: dict[str, list[Any]]) -> Path:
    """Write plain columns."""
    pq.write_table(pa.table(columns), path, row_group_size=500)
    return path

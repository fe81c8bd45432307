"""Rejected rows keep their own columns, whatever recording they came from."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.sinks.rejects import RejectsSink

COLUMNS: dict[str, pa.DataType] = {
    "file": pa.string(),
    "row": pa.int64(),
    "reason": pa.string(),
    "price": pa.float64(),
    "close": pa.float64(),
}
SCHEMA = pa.schema(COLUMNS)


def test_rows_of_different_recordings_meet_in_one_file(tmp_path: Path) -> None:
    """A tick has no close and a bar no price: what a row lacks is null."""
    sink = RejectsSink(str(tmp_path / "rejects.parquet"), SCHEMA)
    sink.write(pa.table({"file": ["ticks.parquet"], "row": [7], "reason": ["price"], "price": [-1.0]}))
    sink.write(pa.table({"close": [float("nan")], "reason": ["price"], "row": [3], "file": ["bars.parquet"]}))
    sink.commit()

    rows = pq.read_table(tmp_path / "rejects.parquet").to_pylist()
    assert rows[0] == {"file": "ticks.parquet", "row": 7, "reason": "price", "price": -1.0, "close": None}
    assert (rows[1]["file"], rows[1]["price"]) == ("bars.parquet", None)


def test_a_column_nobody_announced_is_an_error(tmp_path: Path) -> None:
    """Dropping it would lose what the user wants to look into."""
    sink = RejectsSink(str(tmp_path / "rejects.parquet"), SCHEMA)

    with pytest.raises(OutputError, match="its schema has no column venue"):
        sink.write(pa.table({"venue": ["Q"]}))

    sink.abort()
    assert list(tmp_path.iterdir()) == []


def test_only_parquet_is_written() -> None:
    """Original columns have types that lines of text would lose."""
    with pytest.raises(UsageError, match=r"ends in \.parquet, not rejects\.csv"):
        RejectsSink("rejects.csv", SCHEMA)

"""Columns that batches do not carry, found again for rows in merge order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.core.batch import pack_origin
from tickstock_cli.errors import DataError
from tickstock_cli.sources import original_columns
from tickstock_cli.sources.arrow import ArrowStream
from tickstock_cli.sources.kept_columns import ColumnsOfKeptRows
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.original_columns import ColumnsOfFiles
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.sources.wanted_columns import TIME

OPEN = 1_780_407_000_000_000_000
WANTED = {"sequence": pa.int64(), "conditions": pa.list_(pa.int16()), "participant_timestamp": TIME}
ROWS = 20_000


def ticks(rows: int, first: int = 0, **more: object) -> pa.Table:
    """Return ticks that have their number as sequence."""
    numbers = np.arange(first, first + rows)
    columns = {
        "ticker": ["AAPL"] * rows,
        "timestamp": OPEN + numbers * 1_000_000,
        "price": np.full(rows, 100.0),
        "size": np.full(rows, 10.0),
        "sequence": numbers,
        **more,
    }
    return pa.table(columns)


def recording(*paths: Path) -> Recordings:
    """Open files in this order."""
    return Recordings.open([str(path) for path in paths])


def written(table: pa.Table, path: Path, group: int = 3_000) -> Path:
    """Write a table in several row groups."""
    pq.write_table(table, path, row_group_size=group)
    return path


def test_columns_are_read_forward_over_gaps_and_row_groups(tmp_path: Path) -> None:
    """Selections leave rows out, and a batch ends anywhere."""
    with recording(written(ticks(ROWS), tmp_path / "a.parquet")) as rows:
        columns = ColumnsOfFiles(rows.files, {})
        for places in (np.arange(5), np.array([7, 2_999, 3_000, 9_000]), np.arange(9_001, ROWS, 3)):
            found = columns.read(pack_origin(0, places), WANTED)
            assert found["sequence"].to_pylist() == places.tolist()
            assert found.keys() == {"sequence"}
        columns.close()


def test_rows_of_a_sorted_file_come_in_any_order(tmp_path: Path) -> None:
    """A file by ticker and then by time is read from everywhere at once."""
    with recording(written(ticks(ROWS), tmp_path / "a.parquet")) as rows:
        columns = ColumnsOfFiles(rows.files, {})
        draws = np.random.default_rng(7)
        for _ in range(5):
            places = draws.permutation(ROWS)[:500]
            found = columns.read(pack_origin(0, places), WANTED)
            assert found["sequence"].to_pylist() == places.tolist()
        columns.close()


def test_rows_of_many_files_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than may be open, some of them without the column."""
    monkeypatch.setattr(original_columns, "OPEN_FILES", 3)
    paths = [written(ticks(100, 100 * n), tmp_path / f"{n}.parquet") for n in range(8)]
    bare = written(ticks(100, 800).drop_columns(["sequence"]), tmp_path / "8.parquet")
    with recording(*paths, bare) as rows:
        columns = ColumnsOfFiles(rows.files, {})
        for start in (0, 40, 90):
            origins = np.concatenate([pack_origin(file, np.arange(start, start + 5)) for file in range(9)])
            order = np.random.default_rng(start).permutation(len(origins))
            expected = [100 * file + start + n if file < 8 else None for file in range(9) for n in range(5)]
            found = columns.read(origins[order], WANTED)
            assert found["sequence"].to_pylist() == [expected[place] for place in order]
        columns.close()


def test_columns_have_the_wanted_types_and_names(tmp_path: Path) -> None:
    """Other recorders name and type them differently; times are ns whatever their unit."""
    table = ticks(
        3,
        conds=pa.array([[12, 37], [], None], pa.list_(pa.int64())),
        participant_timestamp=pa.array([OPEN // 1_000_000, None, 0]),
    )
    with recording(written(table, tmp_path / "a.parquet")) as rows:
        found = ColumnsOfFiles(rows.files, {"conditions": "conds"}).read(np.arange(3), WANTED)
        assert found["conditions"].to_pylist() == [[12, 37], [], None]
        assert found["participant_timestamp"].to_pylist() == [OPEN, None, None]


def test_a_column_of_something_else_is_an_error_with_its_name(tmp_path: Path) -> None:
    """Nothing goes out wrong in silence."""
    path = written(ticks(3).set_column(4, "sequence", pa.array(["a", "b", "c"])), tmp_path / "a.parquet")
    with recording(path) as rows, pytest.raises(DataError, match=r"a\.parquet: column sequence holds values of anoth"):
        ColumnsOfFiles(rows.files, {}).read(np.arange(3), WANTED)


def test_rows_of_a_stream_have_their_columns_too(tmp_path: Path) -> None:
    """What came through a pipe is kept until its end."""
    path = tmp_path / "rows.arrow"
    table = ticks(1_000)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table, max_chunksize=64)
    source = ArrowStream.open([str(path)], ReadOptions())
    for merged in source.batches(100):
        columns = ColumnsOfKeptRows(source.origins(), {})
        found = columns.read(merged.ticks.origin, WANTED)
        assert found["sequence"].to_pylist() == merged.ticks.origin.tolist()
    source.close()

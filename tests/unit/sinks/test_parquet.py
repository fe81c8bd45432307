"""The Parquet sink: how each type of values is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.engine.events import morning_events
from tickstock_cli.sinks.parquet import ParquetSink


class TestParquetEncodings:
    """Values are stored as their type is stored best, and read back as they were."""

    def test_that_events_are_read_back_as_they_were_written(self, tmp_path: Path) -> None:
        """Column by column, with their nulls."""
        events = morning_events()
        sink = ParquetSink(str(tmp_path / "events.parquet"), events.schema)
        sink.write(events)
        sink.commit()
        assert pq.read_table(tmp_path / "events.parquet").to_batches() == [events]

    @pytest.mark.parametrize("read", [pl.read_parquet, pl.scan_parquet], ids=["polars", "polars lazily"])
    def test_that_other_readers_see_the_same_values(self, tmp_path: Path, read: Callable[[Path], Any]) -> None:
        """Not only the library that wrote them."""
        events = morning_events()
        sink = ParquetSink(str(tmp_path / "events.parquet"), events.schema)
        sink.write(events)
        sink.commit()
        late = events["emitted_at"][len(events) // 2].as_py()

        frame = read(tmp_path / "events.parquet").filter(pl.col("emitted_at") >= late).lazy().collect()

        assert frame.to_dicts() == [row for row in events.to_pylist() if row["emitted_at"] >= late]
        assert frame.schema["direction"] == pl.Int8
        assert frame.schema["ticker"] == pl.String

    def test_that_each_type_of_values_has_its_encoding(self, tmp_path: Path) -> None:
        """Text repeats, times ascend, prices are as every reader knows them, and nothing can be gained of a hash."""
        events = morning_events()
        sink = ParquetSink(str(tmp_path / "events.parquet"), events.schema)
        sink.write(events)
        sink.commit()
        group = pq.ParquetFile(tmp_path / "events.parquet").metadata.row_group(0)
        stored = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
        assert {"RLE_DICTIONARY"} <= set(stored["ticker"].encodings)
        assert {"DELTA_BINARY_PACKED"} <= set(stored["timestamp"].encodings) & set(stored["direction"].encodings)
        assert {"PLAIN"} <= set(stored["price"].encodings) <= {"PLAIN", "RLE"}
        assert (stored["event_id"].compression, stored["price"].compression) == ("UNCOMPRESSED", "SNAPPY")

    def test_that_row_groups_can_be_skipped_by_time(self, tmp_path: Path) -> None:
        """Their bounds are known; those of other columns are not, which rows are in no order of."""
        events = morning_events()
        sink = ParquetSink(str(tmp_path / "events.parquet"), events.schema)
        sink.write(events)
        sink.commit()
        group = pq.ParquetFile(tmp_path / "events.parquet").metadata.row_group(0)
        stored = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
        times = events["emitted_at"].to_pylist()
        bounds = stored["emitted_at"].statistics
        assert bounds is not None
        assert (bounds.min, bounds.max) == (times[0], times[-1])
        assert stored["price"].statistics is None

    def test_that_columns_of_any_type_are_written(self, tmp_path: Path) -> None:
        """Rejected rows keep the types of their recording."""
        rows = pa.record_batch(
            {
                "day": pa.array([1, None], pa.date32()),
                "exact": pa.array(["1.50", None], pa.string()).cast(pa.decimal256(40, 2)),
                "many": pa.array([[1, 2], None], pa.list_(pa.int64())),
                "open": pa.array([True, None]),
                "raw": pa.array([b"\xff", None]),
                "pair": pa.array([{"low": 1.0}, None], pa.struct([("low", pa.float64())])),
                "at": pa.array([1, None], pa.timestamp("ns", "UTC")),
            }
        )
        sink = ParquetSink(str(tmp_path / "rows.parquet"), rows.schema)
        sink.write(rows)
        sink.commit()
        assert pq.read_table(tmp_path / "rows.parquet").to_pylist() == rows.to_pylist()

"""The Parquet sink: how each type of values is stored."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

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

    def test_that_only_values_that_repeat_become_a_dictionary(self, tmp_path: Path) -> None:
        """Text and small numbers do; times and prices do not, and nothing can be gained of a hash."""
        events = morning_events()
        sink = ParquetSink(str(tmp_path / "events.parquet"), events.schema)
        sink.write(events)
        sink.commit()
        group = pq.ParquetFile(tmp_path / "events.parquet").metadata.row_group(0)
        stored = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
        assert {"RLE_DICTIONARY"} <= set(stored["ticker"].encodings) & set(stored["direction"].encodings)
        assert {"DELTA_BINARY_PACKED"} <= set(stored["timestamp"].encodings)
        assert not {"RLE_DICTIONARY", "DELTA_BINARY_PACKED"} & set(stored["price"].encodings)
        assert (stored["event_id"].compression, stored["price"].compression) == ("UNCOMPRESSED", "ZSTD")

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

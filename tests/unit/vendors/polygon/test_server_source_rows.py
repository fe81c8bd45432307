"""Rows of recordings of every kind, as the played vendor sends them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.unit.vendors.polygon.recorded_rows import OPEN, SECOND, bars, fair_values, trades
from tickstock_cli.sources.arrow import ArrowStream
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, ItemTable, chunks_of
from tickstock_cli.vendors.polygon.server.source_rows import SourceRows


def sent(
    source: Any, mapping: dict[str, str] | None = None
) -> tuple[list[dict[str, Any]], list[EncodedChunk], list[str]]:
    """Return the events of a source, their chunks, and the notes about what was lost."""
    notes: list[str] = []
    chunks = list(chunks_of(SourceRows(source, mapping or {}, notes.append), ItemTable()))
    return [json.loads(event) for chunk in chunks for event in chunk.events], chunks, notes


def test_types_are_merged_by_available_time(tmp_path: Path) -> None:
    """A bar goes out at its end, between the trades of then."""
    pq.write_table(pa.Table.from_batches([trades("AAPL", "AAPL", every_ns=59 * SECOND)]), tmp_path / "t.parquet")
    pq.write_table(pa.Table.from_batches([bars("AAPL")]), tmp_path / "b.parquet")
    pq.write_table(pa.Table.from_batches([fair_values("AAPL")]), tmp_path / "f.parquet")
    with Recordings.open([tmp_path]) as recording:
        events, chunks, notes = sent(recording)
    assert [event["ev"] for event in events] == ["FMV", "T", "AM", "T"]
    assert [time for chunk in chunks for time in chunk.times.tolist()] == sorted(
        time for chunk in chunks for time in chunk.times.tolist()
    )
    assert notes == []


def test_a_sorted_file_keeps_each_rows_columns(tmp_path: Path) -> None:
    """A file by ticker, as the vendor's flat files are: sequence and id must not change places."""
    late = trades(*["MSFT"] * 50, first=1, every_ns=2 * SECOND)
    early = trades(*["AAPL"] * 50, first=1, every_ns=3 * SECOND)
    pq.write_table(pa.Table.from_batches([late, early]), tmp_path / "t.parquet")
    with Recordings.open([tmp_path / "t.parquet"], ReadOptions(unsorted=Unsorted.SORT)) as recording:
        events, _, _ = sent(recording)
    assert len(events) == 100
    assert [event["t"] for event in events] == sorted(event["t"] for event in events)
    assert all(event["i"] == str(event["q"]) and event["p"] == round(100 + event["q"] / 100, 2) for event in events)


def test_rows_of_a_pipe_go_out_with_their_columns(tmp_path: Path) -> None:
    """Another program's rows can be played, too."""
    batch = trades("AAPL", "MSFT")
    path = tmp_path / "rows.arrow"
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    source = ArrowStream.open([str(path)], ReadOptions())
    events, _, _ = sent(source)
    source.close()
    assert [(event["sym"], event["q"], event["x"], event["i"]) for event in events] == [
        ("AAPL", 1, 12, "1"),
        ("MSFT", 2, 12, "2"),
    ]


def test_columns_of_another_name_are_mapped(tmp_path: Path) -> None:
    """An archive has names of its own for what no rule of ours uses."""
    table = pa.Table.from_batches([trades("AAPL")]).rename_columns({"trade_id": "id", "sequence": "sequence_number"})
    pq.write_table(table, tmp_path / "t.parquet")
    mapping = {"trade_id": "id", "sequence": "sequence_number"}
    with Recordings.open([tmp_path], ReadOptions(columns=mapping)) as recording:
        events, _, _ = sent(recording, mapping)
    assert (events[0]["i"], events[0]["q"]) == ("1", 1)


def test_what_has_no_event_is_counted_and_what_is_cut_is_said(tmp_path: Path) -> None:
    """Bars of five minutes and times between milliseconds are no silent losses."""
    pq.write_table(pa.Table.from_batches([bars("AAPL", "MSFT", interval=300.0)]), tmp_path / "b.parquet")
    fine = pa.Table.from_batches([trades("AAPL")])
    fine = fine.set_column(1, "timestamp", pa.array([OPEN + 1]))
    pq.write_table(fine, tmp_path / "t.parquet")
    with Recordings.open([tmp_path]) as recording:
        events, chunks, notes = sent(recording)
    assert [event["ev"] for event in events] == ["T"]
    assert sum(chunk.unsent["interval"] for chunk in chunks) == 2
    assert "the wire cannot carry times with a part of a millisecond; tick rows have them" in notes
    assert "the wire cannot carry bars of neither a minute nor a second; ohlcv rows have them" in notes

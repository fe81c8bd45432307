"""Bars that are in two files, or of two lengths, are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.unit.sources.conftest import NOON, SECOND
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings

MINUTE = 60 * SECOND


def write_bars(path: Path, starts: list[int], ticker: str | list[str] = "IBM", **columns: Any) -> None:
    """Write a bar at each time."""
    prices = {name: [180.0 + len(path.name)] * len(starts) for name in ("open", "high", "low", "close")}
    tickers = [ticker] * len(starts) if isinstance(ticker, str) else ticker
    table = {"ticker": tickers, "timestamp": starts, **prices, "volume": [1] * len(starts), **columns}
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(table), path)


def told(folder: Path, batch_rows: int = 1_000, **options: Any) -> list[str]:
    """Return all notes, after the rows were read."""
    with Recordings.open([folder], ReadOptions(**options)) as recordings:
        for _ in recordings.batches(batch_rows):
            pass
        return [note.replace(f"{folder}/", "") for note in recordings.notes]


MINUTES = [NOON + place * MINUTE for place in range(20)]


@pytest.mark.parametrize("batch_rows", [1, 3, 1_000])
def test_a_day_beside_its_month_is_told(tmp_path: Path, batch_rows: int) -> None:
    """Its bars are rejected one by one; batches of any size tell the same."""
    write_bars(tmp_path / "month.parquet", MINUTES)
    write_bars(tmp_path / "the_day.parquet", MINUTES[5:12])
    (note,) = told(tmp_path, batch_rows)
    assert note.startswith("in the_day.parquet, 7 bars begin no later than bars of their ticker in month.parquet, and")
    assert note.endswith("rejected as duplicate or late: name only one of the files")
    assert told(tmp_path, copies="all") == []


def test_bars_of_another_length_are_told(tmp_path: Path) -> None:
    """Five minutes that begin with a minute end behind the next ones."""
    write_bars(tmp_path / "interval=1m" / "a.parquet", MINUTES)
    write_bars(tmp_path / "interval=5m" / "b.parquet", MINUTES[::5])
    (note,) = told(tmp_path)
    assert "in interval=5m/b.parquet, 4 bars begin no later" in note
    assert "in interval=1m/a.parquet of 1 min 0 s beside these of 5 min 0 s" in note


def test_other_tickers_and_later_bars_are_no_overlap(tmp_path: Path) -> None:
    """Files of one ticker each, and two that share a time but no bar."""
    write_bars(tmp_path / "a.parquet", MINUTES[:10])
    write_bars(tmp_path / "b.parquet", MINUTES[:10], "MSFT")
    write_bars(tmp_path / "c.parquet", MINUTES[10:])
    assert told(tmp_path) == []


def test_one_late_bar_is_none(tmp_path: Path) -> None:
    """A correction of one bar is counted by its rule alone."""
    write_bars(tmp_path / "a.parquet", MINUTES)
    write_bars(tmp_path / "b.parquet", MINUTES[4:6])
    assert told(tmp_path) == []


def test_two_lengths_in_one_file_are_told_with_what_reads_one(tmp_path: Path) -> None:
    """A column `timeframe` is the length, too; other tickers can have other lengths."""
    frames = ["1m"] * 5 + ["5m"]
    write_bars(tmp_path / "a.parquet", [*MINUTES[:5], NOON], timeframe=frames)
    (note,) = told(tmp_path)
    assert "bars of one ticker are of several lengths (1 min 0 s, 5 min 0 s)" in note
    assert "--where timeframe=1m" in note
    left = told(tmp_path, where={"timeframe": ("1m",)})
    assert [one for one in left if "leaves out" not in one] == []
    write_bars(tmp_path / "a.parquet", [*MINUTES[:5], NOON], ticker=["IBM"] * 5 + ["MSFT"], timeframe=frames)
    assert told(tmp_path) == []

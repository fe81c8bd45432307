"""Ticks that are in two files are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def ticks(first: int, stop: int, step: int = SECOND, **columns: Any) -> dict[str, Any]:
    """Return ticks of two tickers by number: the same number is the same tick."""
    numbers = range(first, stop)
    return {
        "ticker": ["IBM" if number % 2 else "BAC" for number in numbers],
        "timestamp": [NOON + number * step for number in numbers],
        "price": [180.0 + number % 7 for number in numbers],
        "size": [1 + number % 5 for number in numbers],
        **{name: [value] * len(numbers) for name, value in columns.items()},
    }


def notes(folder: Path, batch_rows: int = 100, **options: Any) -> str:
    """Return the notes of a run."""
    with Recordings.open([folder], ReadOptions(**options)) as recordings:
        for _ in recordings.batches(batch_rows):
            pass
        return "\n".join(recordings.notes)


@pytest.mark.parametrize("batch_rows", [1, 7, 100_000])
@pytest.mark.parametrize("step", [SECOND, 0])
def test_a_part_beside_the_whole_is_told(write: Write, tmp_path: Path, batch_rows: int, step: int) -> None:
    """Whatever the size of steps, and if many ticks have one time."""
    write("all.parquet", **ticks(0, 60, step))
    write("part.parquet", **ticks(20, 40, step))
    assert f"part.parquet, 20 ticks are also in {tmp_path}/all.parquet and count twice" in notes(tmp_path, batch_rows)
    assert notes(tmp_path, copies="all") == ""
    report = inspect([tmp_path], ReadOptions(), Calendar("XNYS"))
    assert "part.parquet" in str(report.files)
    assert "count twice" in str([file.warnings for file in report.files])


def test_days_that_overlap_are_told(write: Write, tmp_path: Path) -> None:
    """Half a file is in the one before."""
    write("1.parquet", **ticks(0, 40))
    write("2.parquet", **ticks(20, 60))
    assert f"2.parquet, 20 ticks are also in {tmp_path}/1.parquet" in notes(tmp_path)


def test_a_copy_with_another_column_is_told(write: Write, tmp_path: Path) -> None:
    """No byte of the two files is compared, and their schemas differ."""
    write("a.parquet", **ticks(0, 40))
    write("b.parquet", **ticks(0, 40, venue="N"))
    assert f"b.parquet, 40 ticks are also in {tmp_path}/a.parquet" in notes(tmp_path)


def test_files_of_their_own_rows_are_not_mentioned(write: Write, tmp_path: Path) -> None:
    """Equal trades within a file, of two tickers, and a few of two exchanges in the same millisecond."""
    same = {"timestamp": [NOON] * 60, "price": [180.0] * 60, "size": [1] * 60}
    write("ibm.parquet", ticker=["IBM"] * 60, **same)
    write("bac.parquet", ticker=["BAC"] * 60, **same)
    write("mixed1.parquet", **ticks(100, 300))
    other = ticks(100, 300)
    times = [time + 1 for time in other["timestamp"][:195]] + other["timestamp"][195:]
    write("mixed2.parquet", **{**other, "timestamp": times, "price": [190.0] * 195 + other["price"][195:]})
    assert notes(tmp_path) == ""

"""The same rows twice are read once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.unit.sources.conftest import NOON, SECOND, Write
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def read(folder: Path, **options: str) -> tuple[int, str]:
    """Return the number of rows that are read, and the notes."""
    with Recordings.open([folder], ReadOptions(**options)) as recordings:  # type: ignore[arg-type]  # texts alone
        return sum(len(step) for step in recordings.batches(100)), "\n".join(recordings.notes)


def test_a_copied_file_is_read_once_with_a_note(write: Write, tmp_path: Path) -> None:
    """As a second download leaves it."""
    path = write()
    shutil.copy(path, tmp_path / "ticks (1).parquet")
    rows, notes = read(tmp_path)
    assert rows == 2
    assert "ticks.parquet has the same rows and is left out; --set recordings.copies=all" in notes
    assert read(tmp_path, copies="all")[0] == 4
    (report,) = inspect([tmp_path], ReadOptions(), Calendar("XNYS")).files
    assert any("has the same rows and is left out" in warning for warning in report.warnings)


def test_rows_that_were_compressed_anew_are_a_copy(write: Write, tmp_path: Path) -> None:
    """Another name, codec, row groups and version; NaN equals NaN."""
    path = write(price=[float("nan"), 181.0])
    pq.write_table(pq.read_table(path), tmp_path / "z.parquet", compression="zstd", row_group_size=1, version="1.0")
    assert read(tmp_path)[0] == 2


def test_many_copies_are_counted(write: Write, tmp_path: Path) -> None:
    """Not one note each."""
    path = write()
    for number in range(5):
        shutil.copy(path, tmp_path / f"copy{number}.parquet")
    assert "5 other files have the same rows and are left out" in read(tmp_path)[1]


def test_other_rows_are_no_copies(write: Write, tmp_path: Path) -> None:
    """Of another ticker, price, partition or unused column, in files of the same size."""
    write("a.parquet", exchange=[1, 1])
    write("b.parquet", exchange=[1, 2])
    write("c.parquet", price=[180.0, 181.5], exchange=[1, 1])
    write("d.parquet", ticker=["BAC", "BAC"], exchange=[1, 1])
    write("ticker=F/e.parquet", ticker=None)
    write("ticker=G/e.parquet", ticker=None)
    assert read(tmp_path) == (12, "")


def test_files_without_rows_are_no_copies(write: Write, tmp_path: Path) -> None:
    """There is nothing to leave out."""
    for name in ("a.parquet", "b.parquet"):
        write(name, ticker=["A"] * 0, timestamp=[NOON] * 0, price=[1.0] * 0, size=[1] * 0)
    write("c.parquet")
    with Recordings.open([tmp_path]) as recordings:
        assert len(recordings.files) == 3


def write_four(write: Write, name: str, **columns: Any) -> Path:
    """Write four ticks of IBM, a second apart, with some columns replaced or added."""
    ticks = {"ticker": ["IBM"] * 4, "timestamp": [NOON + n * SECOND for n in range(4)], "price": [180.0] * 4}
    return write(name, **{**ticks, "size": [1] * 4, **columns})


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("IBM_adjusted.parquet", {"price": [90.0] * 4}),
        ("adjusted=true/IBM.parquet", {"price": [90.0] * 4}),
        ("version=2/IBM.parquet", {"size": [1, 1, 2, 1]}),
    ],
)
def test_another_version_of_a_file_is_told(write: Write, tmp_path: Path, name: str, columns: dict[str, Any]) -> None:
    """Prices would jump from those of one to those of the other."""
    write_four(write, "IBM.parquet")
    write_four(write, name, **columns)
    rows, notes = read(tmp_path)
    assert rows == 8
    assert "with other values, as of adjusted prices or a later version, and both are read" in notes
    assert read(tmp_path, copies="all") == (8, "")


@pytest.mark.parametrize(
    "columns",
    [
        {"ticker": ["BAC"] * 4, "price": [20.0] * 4},
        {"timestamp": [NOON + n * SECOND for n in (0, 1, 1, 3)], "price": [181.0] * 4},
    ],
)
def test_other_rows_are_no_version(write: Write, tmp_path: Path, columns: dict[str, Any]) -> None:
    """Of another ticker, or of another exchange with trades at other times."""
    write_four(write, "a.parquet")
    write_four(write, "b.parquet", **columns)
    assert read(tmp_path) == (8, "")

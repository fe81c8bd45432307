"""Small files that are decoded while others are opened: the rows are the same, and nothing of them stays."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.errors import DataError
from tickstock_cli.sources import early_decoding
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.discover import discover
from tickstock_cli.sources.early_decoding import EarlyDecoding
from tickstock_cli.sources.file_opener import FileOpener
from tickstock_cli.sources.footer import SMALL_BYTES, TINY_BYTES
from tickstock_cli.sources.recordings import ReadOptions, Recordings

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
FILES = 100
"""More than are read side by side."""


def write(folder: Path, apart: int = 1, rows: int = 50) -> Path:
    """Write a file of ticks for each of 100 tickers, whose first rows are so many seconds apart."""
    folder.mkdir()
    for number in range(FILES):
        times = [NOON + (number * apart + row) * SECOND for row in range(rows)]
        prices = [100 + number + row / 4 for row in range(rows)]
        ticks = {"ticker": [f"T{number:03}"] * rows, "timestamp": times, "price": prices, "size": [100] * rows}
        pq.write_table(pa.table(ticks), folder / f"{number:03}.parquet")
    return folder


def read(folder: Path, **options: Any) -> list[tuple[int, ...]]:
    """Return time, origin, code and price of all rows, in merge order."""
    with Recordings.open([folder], ReadOptions(**options)) as recordings:
        found: list[tuple[int, ...]] = []
        for step in recordings.batches(1_000):
            ticks = step.ticks
            found += list(zip(ticks.timestamp, ticks.origin, ticks.code, ticks.price, strict=True))
        return found


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of files that were decoded before anybody asked for them."""
    names: list[str] = []
    begin = Decoding.begin

    def counted(self: Decoding, files: Any, opened: Any) -> None:
        if not any(function.func.__name__ == "_opened" for function in opened):
            names.extend(file.path.name for file in files)
        begin(self, files, opened)

    monkeypatch.setattr(Decoding, "begin", counted)
    return names


def decoders() -> list[str]:
    """Return the threads that decode."""
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_files_are_decoded_early_from_the_moment_that_more_overlap_than_have_readers(
    tmp_path: Path, begun: list[str]
) -> None:
    """64 files could be read side by side: with the 65th it is certain that all are read together."""
    folder = write(tmp_path / "ticks", apart=0)
    assert read(folder, reads_at_once=True) == read(folder)
    assert begun == [f"{number:03}.parquet" for number in range(64, FILES)]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reads_at_once": True, "start": NOON + SECOND},
        {"reads_at_once": True, "end": NOON + SECOND},
    ],
)
def test_nothing_is_decoded_early_where_not_all_rows_are_read_at_once(
    tmp_path: Path, begun: list[str], options: dict[str, Any]
) -> None:
    """Its rows could be of no use."""
    assert read(write(tmp_path / "ticks", apart=0), **options)
    assert begun == []


def test_nothing_is_decoded_early_of_files_that_follow_one_another(tmp_path: Path, begun: list[str]) -> None:
    """Each has a reader of its own, in its turn."""
    assert len(read(write(tmp_path / "ticks", apart=60), reads_at_once=True)) == FILES * 50
    assert begun == []


def test_so_many_rows_are_decoded_early_as_there_is_room_for(
    tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A room of 520 rows has 10 files of 50; the others are decoded in their turn, and all rows are there."""
    folder = write(tmp_path / "ticks", apart=0)
    monkeypatch.setattr(early_decoding.EarlyDecoding.__init__, "__defaults__", (520,))
    assert len(read(folder, reads_at_once=True)) == FILES * 50
    assert begun == [f"{number:03}.parquet" for number in range(64, 74)]


def test_small_files_are_read_whole_once_they_are_decoded_early(tmp_path: Path) -> None:
    """The footer of a tiny one is not read quicker than all of it, of a small one it is."""
    decoding = Decoding()
    early = EarlyDecoding(decoding)
    opener = FileOpener(ReadOptions(), early)
    limits = []
    for found in discover([write(tmp_path / "ticks", apart=0)]):
        limits.append(early.most_bytes)
        opener.open(found)
    decoding.close()
    assert limits == [TINY_BYTES] * 65 + [SMALL_BYTES] * 35


def test_a_damaged_file_is_named_and_no_thread_is_left(tmp_path: Path) -> None:
    """Its pages are damaged and its footer is not, so that opening it succeeds."""
    folder = write(tmp_path / "ticks", apart=0)
    damaged = folder / "080.parquet"
    content = bytearray(damaged.read_bytes())
    content[4:400] = bytes(396)
    damaged.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read .*080\.parquet: it is damaged"):
        read(folder, reads_at_once=True)
    assert decoders() == []


def test_no_thread_is_left_of_a_recording_that_cannot_be_opened(tmp_path: Path) -> None:
    """The last file is no recording: those before it are being decoded when that is found."""
    folder = write(tmp_path / "ticks", apart=0)
    pq.write_table(pa.table({"colour": ["red"]}), folder / "zzz.parquet")
    with pytest.raises(DataError, match=r"zzz\.parquet"):
        Recordings.open([folder], ReadOptions(reads_at_once=True))
    assert decoders() == []


def test_no_thread_is_left_of_a_recording_that_nobody_reads(tmp_path: Path) -> None:
    """As of a run that fails between opening and reading."""
    Recordings.open([write(tmp_path / "ticks", apart=0)], ReadOptions(reads_at_once=True)).close()
    assert decoders() == []


def test_a_recording_is_read_again_after_its_early_rows_are_gone(tmp_path: Path) -> None:
    """A run that reads twice, such as a verification."""
    folder = write(tmp_path / "ticks", apart=0)
    with Recordings.open([folder], ReadOptions(reads_at_once=True)) as recordings:
        counts = [sum(len(step) for step in recordings.batches(1_000)) for _ in range(2)]
    assert counts == [FILES * 50] * 2


def test_a_look_at_a_position_beside_a_run_takes_nothing_from_it(tmp_path: Path) -> None:
    """As a checkpoint within a step has it: neither rows that are decoded already, nor counts of flags."""
    folder = write(tmp_path / "ticks", apart=0)
    for path in folder.iterdir():
        ticks = pq.read_table(path)
        pq.write_table(ticks.append_column("flags", pa.array([2] * ticks.num_rows, pa.uint8())), path)
    with Recordings.open([folder], ReadOptions(reads_at_once=True)) as recordings:
        steps = recordings.batches(1_000)
        first, second = next(steps), next(steps)
        look = next(recordings.batches(10, first.positions))
        rows = len(first) + len(second) + sum(len(step) for step in steps)
        (note,) = recordings.notes
    assert look.positions[0] >= first.positions[0]
    assert rows == FILES * 50
    assert "flags keep 0 of 5,000 ticks from the last price, 5,000 from volumes" in note

"""Reading a recorded folder: finished and unfinished hours alike, each row once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.recording.making import SECOND, at, recorded_folder, recorder, ticks
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.errors import DataError
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.recording.finishing import finish_hour
from tickstock_cli.sources.recordings import ReadOptions, Recordings

FIRST = at("2026-01-05 10:00:00")


def record(folder: Path, times: list[int], *, finish: bool) -> None:
    """Record ticks in one start."""
    with recorded_folder(folder) as locked:
        recording = recorder(locked)
        recording.rows([ticks(times)])
        recording.close(finish=finish)


def replayed(folder: Path) -> list[int]:
    """Return the available times of all rows of a folder."""
    with Recordings.open([folder]) as source:
        return [time for batch in source.batches(1_000) for time in batch.available_at().tolist()]


def test_an_hour_with_file_and_journal_is_read_as_one(tmp_path: Path) -> None:
    """A second start goes on within the hour; a row must not count twice."""
    record(tmp_path, [FIRST, FIRST + 1], finish=True)
    record(tmp_path, [FIRST + SECOND], finish=False)
    assert replayed(tmp_path) == [FIRST, FIRST + 1, FIRST + SECOND]
    with Recordings.open([tmp_path]) as source:
        (note,) = source.notes
    assert "1 file is not finished" in note
    assert f"tickstock recover {tmp_path}" in note


def test_a_journal_whose_rows_are_all_finished_adds_none(tmp_path: Path) -> None:
    """A process can die after the file got its name and before the journal is removed."""
    record(tmp_path, [FIRST, FIRST + 1], finish=False)
    journal = tmp_path / "2026-01-05/tick-10.journal"
    kept = journal.read_bytes()
    with recorded_folder(tmp_path) as folder:
        (hour,) = folder.journals()
        finish_hour(hour, folder.manifest)
    journal.write_bytes(kept)
    assert replayed(tmp_path) == [FIRST, FIRST + 1]


def test_a_folder_without_a_row_says_so(tmp_path: Path) -> None:
    """A run that was killed before its first flush leaves an empty journal."""
    with recorded_folder(tmp_path):
        (tmp_path / "2026-01-05").mkdir()
        (tmp_path / "2026-01-05/tick-10.journal").touch()
    with pytest.raises(DataError, match="no row has been recorded yet"):
        Recordings.open([tmp_path])


def test_a_flipped_bit_is_found_by_the_checksum_of_its_page(tmp_path: Path) -> None:
    """A price that the disk changed must not become an event."""
    record(tmp_path, list(range(FIRST, FIRST + 1_000)), finish=True)
    path = tmp_path / "2026-01-05/tick-10.parquet"
    data = bytearray(path.read_bytes())
    place = data.index(b"PAR1") + len(data) // 4
    data[place] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"tick-10\.parquet"):
        replayed(tmp_path)


def test_inspect_finds_a_file_that_is_not_as_it_was_recorded(tmp_path: Path) -> None:
    """The manifest vouches for every byte, those of columns that no replay reads included."""
    record(tmp_path, [FIRST, FIRST + 1], finish=True)
    record(tmp_path, [FIRST + 3_600 * SECOND], finish=True)
    path = tmp_path / "2026-01-05/tick-10.parquet"
    path.write_bytes(path.read_bytes() + b" ")
    report = inspect([tmp_path], ReadOptions(), Calendar("XNYS"))
    (unreadable,) = report.unreadable
    assert unreadable.path == str(path)
    assert "sha256" in unreadable.error
    assert [file.rows for file in report.files] == [1]


def test_inspect_misses_a_file_that_was_removed(tmp_path: Path) -> None:
    """A folder with a missing hour replays without a word otherwise."""
    record(tmp_path, [FIRST], finish=True)
    record(tmp_path, [FIRST + 3_600 * SECOND], finish=True)
    (tmp_path / "2026-01-05/tick-10.parquet").unlink()
    (unreadable,) = inspect([tmp_path], ReadOptions(), Calendar("XNYS")).unreadable
    assert "is missing" in unreadable.error

"""The recorder: which file a row gets into, and what is on disk at which moment."""

from __future__ import annotations

from pathlib import Path
from threading import Event
from time import monotonic

from tests.unit.recording.making import SECOND, at, bars, received, recorded_folder, recorder, ticks
from tickstock_cli.core.feed import Gap, WireError
from tickstock_cli.core.hour_files import journal_content
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.manifest import read_lines
from tickstock_cli.recording.recover import recover
from tickstock_cli.recording.retention import Retention, remove_oldest


def names(folder: Path) -> list[str]:
    """Return the files of a folder's days."""
    return sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))


def test_rows_are_in_the_journal_of_their_hour_once_they_are_flushed(tmp_path: Path) -> None:
    """A killed run loses what was not flushed, and nothing else."""
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        recording.rows([ticks([at("2026-01-05 09:30:00")]), bars([at("2026-01-05 09:30:01")])])
        recording.flush()
        assert names(tmp_path) == ["2026-01-05/ohlcv-09.journal", "2026-01-05/tick-09.journal"]
        assert journal_content(tmp_path / "2026-01-05/tick-09.journal").rows == 1
        recording.close(finish=False)


def test_an_hour_is_finished_once_rows_of_a_later_one_came(tmp_path: Path) -> None:
    """Readers of finished hours need no journal."""
    first, later = at("2026-01-05 09:59:59"), at("2026-01-05 10:00:06")
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        recording.rows([ticks([first, later])])
        recording.flush()
        recording.close()
    assert received(tmp_path / "2026-01-05/tick-09.parquet") == [first]
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == [later]
    assert names(tmp_path) == ["2026-01-05/tick-09.parquet", "2026-01-05/tick-10.parquet"]


def test_a_quiet_hour_is_finished_when_it_is_over(tmp_path: Path) -> None:
    """A feed can be silent at night: its last hour must not stay open until the morning."""
    row = at("2026-01-05 19:59:00")
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, wall=lambda: at("2026-01-05 20:00:10"))
        recording.rows([ticks([row])])
        recording.flush()
        recording._writer.settle()
        assert names(tmp_path) == ["2026-01-05/tick-19.parquet"]
        recording.close()


def test_the_hour_repeated_in_autumn_has_one_file(tmp_path: Path) -> None:
    """01:30 comes twice on 1 November 2026: rows of both are kept, in order."""
    first = at("2026-11-01 01:30:00")
    times = [first, first + 3_600 * SECOND, first + 7_200 * SECOND]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        for time in times:
            recording.rows([ticks([time])])
            recording.flush()
        recording.close()
    assert received(tmp_path / "2026-11-01/tick-01.parquet") == times[:2]
    assert received(tmp_path / "2026-11-01/tick-02.parquet") == times[2:]


def test_a_second_start_in_the_same_hour_adds_to_its_file(tmp_path: Path) -> None:
    """A restart within an hour must neither replace nor repeat rows."""
    first = at("2026-01-05 10:00:00")
    for start in range(3):
        with recorded_folder(tmp_path) as folder:
            recording = recorder(folder)
            recording.rows([ticks([first + start * SECOND])])
            recording.close()
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == [first + start * SECOND for start in range(3)]
    assert [start.number for start in RecordedFolder(tmp_path).starts()] == [1, 2, 3]


def test_three_days_have_three_folders_and_a_manifest(tmp_path: Path) -> None:
    """The manifest vouches for every file as it is."""
    days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        for day in days:
            for hour in (9, 10):
                recording.rows([ticks([at(f"{day} {hour:02}:45:00")])])
                recording.flush()
        recording.close()
        entries = folder.manifest.entries()
        assert folder.days() == days
    assert sorted(entries) == names(tmp_path)
    assert all(entry.rows == 1 and entry.first == entry.last for entry in entries.values())


def test_recover_finishes_what_a_killed_run_left_and_nothing_the_second_time(tmp_path: Path) -> None:
    """A user can run it whenever in doubt."""
    times = [at("2026-01-05 10:00:00") + number for number in range(10)]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        recording.rows([ticks(times)])
        recording.close(finish=False)
        journal = tmp_path / "2026-01-05/tick-10.journal"
        journal.write_bytes(journal.read_bytes() + b"torn")
        found = recover(folder)
        assert (found.rows, found.torn_bytes) == (10, {"2026-01-05/tick-10.journal": 4})
        again = recover(folder)
        assert (again.files, again.rows, again.torn_bytes) == ((), 0, {})
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == times


def test_a_start_finishes_what_a_killed_run_left(tmp_path: Path) -> None:
    """Journals of hours that are long over would stay in the folder for ever."""
    first = at("2026-01-05 10:00:00")
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        recording.rows([ticks([first]), bars([first + 1])])
        recording.close(finish=False)
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        recording.rows([ticks([first + SECOND])])
        recording.flush()
        recording._writer.settle()
        assert names(tmp_path) == ["2026-01-05/ohlcv-10.parquet", "2026-01-05/tick-10.journal"]
        recording.close()
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == [first, first + SECOND]


def test_days_beyond_the_limit_are_removed_with_their_entries(tmp_path: Path) -> None:
    """A recording must not fill the disk; the current day stays, whatever its size."""
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, retention=Retention(keep_days=2))
        for day in ("2026-01-05", "2026-01-06", "2026-01-07", "2026-01-12"):
            recording.rows([ticks([at(f"{day} 10:00:00")])])
            recording.flush()
            recording._writer.settle()
        recording.close()
        assert folder.days() == ["2026-01-12"]
        assert list(folder.manifest.entries()) == ["2026-01-12/tick-10.parquet"]


def test_the_oldest_days_go_first_when_the_folder_is_too_large(tmp_path: Path) -> None:
    """Whole days: half a day would replay to other events."""
    days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        for day in days:
            recording.rows([ticks([at(f"{day} 10:00:00")])])
        recording.close()
        size = sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
        assert remove_oldest(tmp_path, Retention(max_bytes=size), days[-1], folder.manifest) == []
        assert remove_oldest(tmp_path, Retention(max_bytes=size - 1), days[-1], folder.manifest) == days[:1]
        assert remove_oldest(tmp_path, Retention(max_bytes=0), days[-1], folder.manifest) == days[1:2]
        assert folder.days() == days[2:]


def test_messages_that_are_no_rows_are_kept_up_to_a_thousand(tmp_path: Path) -> None:
    """They are evidence of what the vendor sent; a flood of them is not worth the disk."""
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        for number in range(1_200):
            recording.wire_error(WireError(number + 1, "wire.bad_frame", "no JSON", "{"))
        recording.gap(Gap(5, None, ("T",), "the server closed"))
        recording.close()
    errors = read_lines(tmp_path / "wire-errors.jsonl")
    assert [error["received_at"] for error in errors] == list(range(1, 1_001))
    assert read_lines(tmp_path / "gaps.jsonl") == [
        {"begin": 5, "end": None, "channels": ["T"], "reason": "the server closed"}
    ]


def test_the_recorder_writes_by_itself(tmp_path: Path) -> None:
    """Nobody calls flush in a live run."""
    never = Event()
    with recorded_folder(tmp_path) as folder, recorder(folder) as recording:
        recording.rows([ticks([at("2026-01-05 10:00:00")])])
        journal = tmp_path / "2026-01-05/tick-10.journal"
        deadline = monotonic() + 60
        while not (journal.exists() and journal_content(journal).rows) and monotonic() < deadline:
            never.wait(0.01)
        assert journal_content(journal).rows == 1
    assert names(tmp_path) == ["2026-01-05/tick-10.parquet"]

"""Whatever the moment of death, every file is readable, no row is there twice, and recovery is idempotent."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.recording.dying import dying
from tests.unit.recording.making import SECOND, at, recorded_folder, recorder, ticks
from tests.unit.recording.running import Life, live, market
from tickstock_cli.core.hour_files import journal_content
from tickstock_cli.inspection.vouched import changed_files
from tickstock_cli.recording.finishing import finish_hour
from tickstock_cli.recording.folder import RecordedFolder
from tickstock_cli.recording.manifest import RecordingManifest
from tickstock_cli.recording.recover import recover
from tickstock_cli.recording.retention import Retention, remove_oldest
from tickstock_cli.sources.recordings import Recordings

FIRST = at("2026-01-05 10:00:00")


def rows_of(folder: Path) -> list[int]:
    """Return the available times of all rows, as a replay reads them."""
    with Recordings.open([folder]) as source:
        return [time for batch in source.batches(1_000) for time in batch.available_at().tolist()]


def two_starts_in_an_hour(folder: Path) -> list[int]:
    """Leave a finished file and a journal of the same hour; return their times."""
    for start in range(2):
        with recorded_folder(folder) as locked:
            recording = recorder(locked)
            recording.rows([ticks([FIRST + start * SECOND, FIRST + start * SECOND + 1])])
            recording.close(finish=start == 0)
    return [FIRST, FIRST + 1, FIRST + SECOND, FIRST + SECOND + 1]


@pytest.mark.parametrize("operations", range(14))
def test_finishing_can_die_between_any_two_operations(tmp_path: Path, operations: int) -> None:
    """Before and after recovery a replay reads every row once, and the manifest vouches for what is there."""
    times = two_starts_in_an_hour(tmp_path)
    with RecordedFolder(tmp_path).locked() as folder:
        (hour,) = folder.journals()
        with dying(tmp_path, operations):
            finish_hour(hour, RecordingManifest(tmp_path))
        assert rows_of(tmp_path) == times
        recover(folder)
        assert rows_of(tmp_path) == times
        assert list(changed_files([tmp_path])) == []
        assert recover(folder).files == ()
        assert [path.name for path in (tmp_path / "2026-01-05").iterdir()] == ["tick-10.parquet"]


@pytest.mark.parametrize("operations", range(12))
def test_retention_can_die_between_any_two_operations(tmp_path: Path, operations: int) -> None:
    """A day is there as a whole or gone; the next time finishes the work."""
    days = ["2026-01-05", "2026-01-06", "2026-01-07"]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder)
        for day in days:
            recording.rows([ticks([at(f"{day} 10:00:00")])])
        recording.close()
        with dying(tmp_path, operations):
            remove_oldest(tmp_path, Retention(keep_days=1), days[-1], folder.manifest)
        assert len(rows_of(tmp_path)) == len(folder.days())
        remove_oldest(tmp_path, Retention(keep_days=1), days[-1], folder.manifest)
        assert folder.days() == days[2:]
        assert list(changed_files([tmp_path])) == []
        assert list(tmp_path.glob(".removed*")) == []


def test_a_journal_that_was_only_created_holds_nothing(tmp_path: Path) -> None:
    """A run can be killed between the creation of a file and its first byte."""
    times = two_starts_in_an_hour(tmp_path)
    for name in ("tick-11.journal", "events-10.journal", "ohlcv-10.journal"):
        (tmp_path / "2026-01-05" / name).touch()
    assert rows_of(tmp_path) == times
    with recorded_folder(tmp_path) as locked:
        recording = recorder(locked)
        recording.rows([ticks([FIRST + 3_600 * SECOND])])
        recording.close()
    assert rows_of(tmp_path) == [*times, FIRST + 3_600 * SECOND]
    with RecordedFolder(tmp_path).locked() as folder:
        recover(folder)
    names = sorted(path.name for path in (tmp_path / "2026-01-05").iterdir())
    assert names == ["tick-10.parquet", "tick-11.parquet"]


@settings(max_examples=15)  # each is a run
@given(cut=st.floats(0, 1), file=st.integers(0, 10))
def test_a_journal_cut_at_any_byte_is_readable_and_goes_on(cut: float, file: int) -> None:
    """A power failure can leave any beginning of a file."""
    with TemporaryDirectory() as name:
        path = Path(name)
        live(path, Life(market(2), flushes=range(0, 30, 3), killed_at=9))
        journals = sorted(path.glob("*/*.journal"))
        journal = journals[file % len(journals)]
        data = journal.read_bytes()
        journal.write_bytes(data[: round(len(data) * cut)])
        kept = journal_content(journal).rows
        before = rows_of(path)
        with RecordedFolder(path).locked() as folder:
            result = recover(folder)
            assert rows_of(path) == before
            assert recover(folder).files == ()
        hour = journal.with_suffix(".parquet")
        assert (pq.read_metadata(hour).num_rows if hour.exists() else 0) == kept
        assert result.rows + result.events >= kept


@settings(max_examples=20)  # likewise
@given(kills=st.lists(st.integers(0, 30), min_size=1, max_size=3), operations=st.integers(0, 60))
def test_a_folder_survives_any_sequence_of_deaths(kills: list[int], operations: int) -> None:
    """A start that dies while it finishes what the one before it left must not harm it."""
    with TemporaryDirectory() as name:
        path = Path(name)
        begin = FIRST
        for killed_at in kills:
            live(path, Life(market(killed_at, begin, groups=20), flushes=range(0, 30, 2), killed_at=killed_at))
            begin += 100 * SECOND
            flushed = rows_of(path) if list(path.glob("*/tick-*")) else []
            with RecordedFolder(path).locked() as folder, dying(path, operations):
                recover(folder)
            assert (rows_of(path) if flushed else []) == flushed
        for finished in path.glob("*/*.parquet"):
            pq.read_table(finished, page_checksum_verification=True)


def test_a_wall_clock_that_is_set_back_changes_nothing(tmp_path: Path) -> None:
    """Rows have the time of the stamps, which never go back: the wall decides only when a quiet hour is finished."""
    wall = iter([FIRST, FIRST - 86_400 * SECOND, 0, FIRST])
    times = [FIRST, FIRST + SECOND, FIRST + 3_600 * SECOND, FIRST + 3_601 * SECOND]
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, wall=lambda: next(wall, 0))
        for time in times:
            recording.rows([ticks([time])])
            recording.flush()
        recording.close()
    assert rows_of(tmp_path) == times
    names = sorted(path.name for path in (tmp_path / "2026-01-05").iterdir())
    assert names == ["tick-10.parquet", "tick-11.parquet"]

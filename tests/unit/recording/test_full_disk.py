"""A disk that takes nothing stops the recording and not the run: it is reported, counted, and goes on later."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from tests.cli.small_disk import LARGEST, small_disk
from tests.unit.recording.making import at, received, recorded_folder, recorder, ticks
from tests.unit.recording.running import Life, live, market
from tickstock_cli.errors import OutputError
from tickstock_cli.recording.manifest import read_lines
from tickstock_cli.recording.recover import recover
from tickstock_cli.review.parity import check_parity
from tickstock_cli.testing import ListSink

FIRST = at("2026-01-05 10:00:00")
MANY = LARGEST // 50
"""Rows whose journal is larger than the small disk allows."""


def test_rows_wait_in_memory_until_there_is_room(tmp_path: Path) -> None:
    """A disk that is full for a minute costs no row."""
    problems: list[str | None] = []
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, report=problems.append)
        with small_disk():
            recording.rows([ticks(range(FIRST, FIRST + MANY))])
            recording.flush()
            recording.rows([ticks([FIRST + MANY])])
            recording.flush()
            assert recording.health().waiting == MANY + 1
        recording.flush()
        assert recording.health().rows == MANY + 1
        recording.close()
    assert [problem is None for problem in problems] == [False, True]
    assert "cannot record to" in str(problems[0])
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == list(range(FIRST, FIRST + MANY + 1))


def test_rows_without_room_in_memory_are_counted_and_noted(tmp_path: Path) -> None:
    """What a recording lacks must be known, by number and time, and parity says so."""
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, most_rows=MANY)
        with small_disk():
            recording.rows([ticks(range(FIRST, FIRST + MANY))])
            recording.flush()
            recording.rows([ticks([FIRST + MANY, FIRST + MANY + 1])])
            assert recording.health().rows_not_recorded == 2
        recording.flush()
        recording.rows([ticks([FIRST + MANY + 2])])
        recording.close()
        assert recording.health().rows_not_recorded == 2
    (gap,) = read_lines(tmp_path / "gaps.jsonl")
    assert (gap["begin"], gap["end"], gap["rows_not_recorded"]) == (FIRST + MANY, FIRST + MANY + 1, 2)
    assert "file is larger" in gap["reason"]
    assert received(tmp_path / "2026-01-05/tick-10.parquet")[-1] == FIRST + MANY + 2
    assert "2 rows and 0 events from" in check_parity(tmp_path).notes[0]


def test_an_hour_that_cannot_be_finished_keeps_its_journal(tmp_path: Path) -> None:
    """Finishing needs room for a second copy of the hour; without it nothing is lost."""
    problems: list[str | None] = []
    with recorded_folder(tmp_path) as folder:
        recording = recorder(folder, report=problems.append)
        recording.rows([ticks(range(FIRST, FIRST + MANY))])
        recording.flush()
        with small_disk(1_000):
            recording.close()
        assert "run tickstock recover" in str(problems[-1])
        assert [path.name for path in (tmp_path / "2026-01-05").iterdir()] == ["tick-10.journal"]
        assert recover(folder).rows == MANY
    assert received(tmp_path / "2026-01-05/tick-10.parquet") == list(range(FIRST, FIRST + MANY))


class BrokenSink(ListSink):
    """An output whose first write fails."""

    def write(self, events: pa.RecordBatch) -> None:
        raise OutputError(f"cannot write {events.num_rows} events: gone")


def test_alerts_go_on_while_a_sink_raises_and_the_disk_is_full(tmp_path: Path) -> None:
    """Two failures at once: the other output has every event, and so has the recording once there is room."""
    problems: list[str | None] = []
    sound = ListSink()
    life = Life(market(1), flushes=range(100), full=range(2, 8))
    recording = live(tmp_path, life, [BrokenSink(), sound], report=problems.append)
    assert [problem is None for problem in problems] == [False, True]
    assert recording.health().events == len(sound.events) > 5
    assert (recording.health().rows_not_recorded, recording.health().waiting) == (0, 0)
    assert check_parity(tmp_path).equal


def test_a_run_whose_only_sink_fails_goes_on_for_its_recording(tmp_path: Path) -> None:
    """The recording is an output like any other."""
    recording = live(tmp_path, Life(market(1)), [BrokenSink()])
    assert recording.health().events > 5
    assert check_parity(tmp_path).equal

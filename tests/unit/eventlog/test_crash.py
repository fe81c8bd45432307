"""Logs of processes that were killed or lost power."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.prepared import start_process
from tests.unit.eventlog.making import RUN, SMALL, events, read_on
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.eventlog.journal import Journal, read_journal, whole_blocks
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.eventlog.writer import EventLog

ENDLESS = """
import sys
from pathlib import Path
from tests.unit.eventlog.making import RUN, SMALL, events
from tickstock_cli.eventlog.writer import EventLog

log = EventLog(Path(sys.argv[1]), RUN, SMALL)
while True:
    print(log.append(events(log.next_sequence, log.next_sequence % 37 + 1)), flush=True)
"""
"""Appends without end, and prints the next sequence number after each append."""


@pytest.mark.parametrize("appends", [1, 40, 400])
def test_a_killed_process_loses_nothing_that_readers_saw(tmp_path: Path, appends: int) -> None:
    """SIGKILL at any moment: the log holds every append that had returned, in order and complete."""
    with start_process(tmp_path / "log", program=ENDLESS, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for _ in range(appends):
            told = int(child.stdout.readline())
        child.kill()
        told = max([told, *(int(line) for line in child.stdout if line.endswith("\n"))])
    assert child.returncode == -signal.SIGKILL

    log = open_log(tmp_path / "log")

    assert not log.finished
    assert log.digest is None
    assert log.next_sequence >= told
    assert read_on(log, 1) == list(range(1, log.next_sequence))


def broken_off(folder: Path, appends: int = 30) -> int:
    """Break off a run behind some appends of 11 events; return the next number."""
    with EventLog(folder, RUN, SMALL) as log:
        for _ in range(appends):
            log.append(events(log.next_sequence, 11))
        return log.next_sequence


def test_a_run_that_breaks_off_between_two_appends_loses_nothing(tmp_path: Path) -> None:
    """The log is not finished, but complete."""
    end = broken_off(tmp_path / "log")

    log = open_log(tmp_path / "log")

    assert (log.finished, log.problem, log.next_sequence) == (False, None, end)
    assert read_on(log, 1) == list(range(1, end))


def test_a_torn_tail_is_reported(tmp_path: Path) -> None:
    """An append that was cut off never returned, so no reader has seen its events."""
    end = broken_off(tmp_path / "log", appends=33)
    journal = tmp_path / "log" / "journal"
    journal.write_bytes(journal.read_bytes()[:-700])

    log = open_log(tmp_path / "log")

    assert log.next_sequence == end - 11
    assert read_on(log, 1) == list(range(1, end - 11))
    assert log.problem is not None
    assert log.problem.startswith(f"the run broke off while event {end - 11} was being written: the last 2,")


def test_a_crash_before_the_journal_is_cleared_repeats_no_event(tmp_path: Path) -> None:
    """Between the two steps, segment and journal hold the same events."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, SMALL) as log:
        while not (found := sorted(folder.glob("*.arrow"))):
            journal = (folder / "journal").read_bytes()
            log.append(events(log.next_sequence, 11))
    end = log.next_sequence
    assert len(journal) > 0
    assert len(found) == 1
    (folder / "journal").write_bytes(journal)

    opened = open_log(folder)

    assert (opened.next_sequence, opened.problem) == (end, None)
    assert read_on(opened, 1) == list(range(1, end))


def test_events_behind_a_journal_that_was_not_emptied_are_read(tmp_path: Path) -> None:
    """The disk refused to truncate the file and then took more frames: the segment holds the events in between."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, SMALL) as log:
        while not list(folder.glob("*.arrow")):
            journal = (folder / "journal").read_bytes()
            log.append(events(log.next_sequence, 11))
        log.append(events(log.next_sequence, 11))
        end = log.append(events(log.next_sequence, 11))
    (folder / "journal").write_bytes(journal + (folder / "journal").read_bytes())

    opened = open_log(folder)

    assert (opened.next_sequence, opened.problem) == (end, None)
    assert read_on(opened, 1) == list(range(1, end))


def test_a_gap_ends_the_journal_and_is_reported(tmp_path: Path) -> None:
    """Events behind a gap could only be delivered under wrong numbers."""
    journal = Journal(tmp_path)
    journal.write(1, events(1, 10))
    journal.write(11, events(11, 10))
    whole = (tmp_path / "journal").stat().st_size
    journal.write(31, events(31, 10))
    journal.close()

    blocks, torn_bytes = whole_blocks(read_journal(tmp_path), 1, EVENT_SCHEMA)

    assert [(block.first, block.next) for block in blocks] == [(1, 11), (11, 21)]
    assert torn_bytes == (tmp_path / "journal").stat().st_size - whole > 0


def test_a_segment_that_was_not_renamed_in_time_does_not_count(tmp_path: Path) -> None:
    """The journal still holds its events."""
    end = broken_off(tmp_path / "log")
    (tmp_path / "log" / f".{1:020d}-{99:020d}-00000000.arrow.part").write_bytes(b"ARROW1 half of i")

    log = open_log(tmp_path / "log")

    assert (log.next_sequence, log.problem) == (end, None)


def test_segments_that_a_power_failure_damaged_are_cut_off_and_reported(tmp_path: Path) -> None:
    """A power failure can leave the newest files unwritten: the log ends before the first damaged one."""
    broken_off(tmp_path / "log")
    (tmp_path / "log" / "journal").write_bytes(b"")
    segments = sorted((tmp_path / "log").glob("*.arrow"))
    for segment in segments[-2:]:
        segment.write_bytes(bytes(segment.stat().st_size))

    log = open_log(tmp_path / "log")

    lost_from = int(segments[-2].name[:20])
    assert log.next_sequence == lost_from
    assert read_on(log, 1) == list(range(1, lost_from))
    assert log.problem == (f"the run broke off and {segments[-2].name} is damaged: events from {lost_from} on are lost")


def test_a_run_that_broke_off_before_it_began_is_an_empty_log(tmp_path: Path) -> None:
    """The journal can even be missing."""
    broken_off(tmp_path / "log", appends=0)
    (tmp_path / "log" / "journal").unlink()

    log = open_log(tmp_path / "log")

    assert (log.first_sequence, log.next_sequence, log.finished, log.problem) == (1, 1, False, None)

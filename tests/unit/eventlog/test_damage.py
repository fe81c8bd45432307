"""Damaged segments of a log: found, counted, named, and passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.eventlog.making import RUN, SMALL, events, numbers, read_on
from tickstock_cli.errors import DamagedError
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.eventlog.writer import EventLog

COUNT = 1_000


def written(folder: Path, *, finished: bool = True) -> Path:
    """Write a log of some segments."""
    with EventLog(folder, RUN, SMALL) as log:
        for first in range(1, COUNT + 1, 50):
            log.append(events(first, 50))
        if finished:
            log.finish()
    return folder


def damage(folder: Path, place: int) -> tuple[int, int]:
    """Flip a byte in the middle of a segment; return its first event, and the first one behind it."""
    segment = sorted(folder.glob("*.arrow"))[place]
    data = bytearray(segment.read_bytes())
    data[len(data) // 2] ^= 16
    segment.write_bytes(data)
    return int(segment.name[:20]), int(segment.name[21:41]) + 1


@pytest.mark.parametrize("finished", [True, False])
def test_a_check_finds_a_flipped_byte_in_any_segment(tmp_path: Path, finished: bool) -> None:
    """Also in one that nobody reads yet: a server says so when it starts, and counts what is lost."""
    folder = written(tmp_path / "log", finished=finished)
    first, behind = damage(folder, 3)
    log = open_log(folder)

    assert log.check() == log.damaged_events == behind - first
    assert log.problem is not None
    assert log.problem.startswith(f"{behind - first} events cannot be read, {first} to {behind - 1} (")
    assert log.problem.endswith(".arrow): restore the files from a copy")


def test_all_events_beside_the_damage_are_read(tmp_path: Path) -> None:
    """A slice ends before the damage, and the error says where the log goes on."""
    folder = written(tmp_path / "log")
    first, behind = damage(folder, 3)
    log = open_log(folder)

    before = log.read(first - 10, 500)
    with pytest.raises(DamagedError) as caught:
        log.read(before.next_sequence, 500)

    assert (before.next_sequence, caught.value.first_sequence, caught.value.next_sequence) == (first, first, behind)
    assert read_on(log, behind) == list(range(behind, COUNT + 1))
    told = [number for part in log.readable(100) for number in numbers(part)]
    assert told == [*range(1, first), *range(behind, COUNT + 1)]


def test_a_file_that_is_restored_is_no_damage_any_more(tmp_path: Path) -> None:
    """Whoever copies it back need not start the server again."""
    folder = written(tmp_path / "log")
    segment = sorted(folder.glob("*.arrow"))[3]
    whole = segment.read_bytes()
    first, _ = damage(folder, 3)
    log = open_log(folder)
    log.check()
    segment.write_bytes(whole)

    log.read(first, 1)

    assert (log.problem, log.damaged_events) == (None, 0)


def test_events_in_the_journal_behind_a_damaged_segment_are_kept(tmp_path: Path) -> None:
    """The last segment of a run that broke off is damaged, and the journal goes on behind it."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, SMALL) as log:
        while not list(folder.glob("*.arrow")):
            log.append(events(log.next_sequence, 11))
        log.append(events(log.next_sequence, 5))
        end = log.next_sequence
    first, behind = damage(folder, -1)

    opened = open_log(folder)

    assert (opened.next_sequence, opened.damaged_events) == (end, behind - first)
    assert read_on(opened, behind) == list(range(behind, end))


def test_listeners_hear_of_damage_once(tmp_path: Path) -> None:
    """A server posts an alert when a page of history turns out to be damaged."""
    folder = written(tmp_path / "log")
    first, _ = damage(folder, 3)
    log, heard = open_log(folder), []
    log.listen(lambda: heard.append(log.damaged_events))

    for _ in range(2):
        with pytest.raises(DamagedError):
            log.read(first, 1)

    assert heard == [log.damaged_events]

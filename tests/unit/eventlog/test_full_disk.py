"""A full disk: events wait in memory, ``problem`` names the reason, and no event is lost silently."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path

import pytest

from tests.cli.prepared import run_prepared
from tests.unit.eventlog.making import RUN, SMALL, digest_of, events, read_on
from tickstock_cli.core.os_errors import REMEDIES
from tickstock_cli.errors import OutputError
from tickstock_cli.eventlog.opening import open_log
from tickstock_cli.eventlog.writer import EventLog

TOO_LARGE = REMEDIES[errno.EFBIG]

NO_FILE_ABOVE_4_KB = """
import resource, sys
from pathlib import Path
from tests.unit.eventlog.making import RUN, SMALL, events, read_on
from tickstock_cli.errors import OutputError
from tickstock_cli.eventlog.writer import EventLog

hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
log = EventLog(Path(sys.argv[1]), RUN, SMALL)
assert log.append(events(1, 10)) == 11 and log.problem is None

resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
while log.problem is None:
    log.append(events(log.next_sequence, 10))
print("problem:", log.problem)
try:
    while True:
        log.append(events(log.next_sequence, 10))
        assert log.problem is not None
except OutputError as error:
    print("refused:", error)
try:
    log.finish()
except OutputError as error:
    print("not finished:", error)
full = log.next_sequence
print("left over:", [path.name for path in Path(sys.argv[1]).glob(".*")])
assert read_on(log, 1) == list(range(1, full))

resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
log.append(events(full, 10))
print("afterwards:", log.problem)
log.finish()
print("events:", log.next_sequence - 1)
"""


def test_events_wait_in_memory_until_the_disk_takes_them_again(tmp_path: Path) -> None:
    """Writes fail, readers go on, appends fail at twice the memory bound, writes work again, the log is complete."""
    folder = tmp_path / "log"
    child = run_prepared(folder, program=NO_FILE_ABOVE_4_KB)

    assert (child.stderr, child.returncode) == ("", 0)
    told = dict(line.split(": ", 1) for line in child.stdout.replace(str(folder), "LOG").splitlines())
    assert told["problem"] == f"cannot write event log LOG: {TOO_LARGE}; 10 events wait in memory"
    assert told["refused"].startswith(f"cannot write event log LOG: {TOO_LARGE}; ")
    assert " events wait in memory; memory is full, so events from " in told["refused"]
    assert told["not finished"].startswith(f"cannot write event log LOG: {TOO_LARGE}; ")
    assert told["left over"] == "[]"
    assert told["afterwards"] == "None"
    count = int(told["events"])
    assert count > 200
    log = open_log(folder)
    assert read_on(log, 1) == list(range(1, count + 1))
    assert log.digest == digest_of(count)


def test_a_deleted_folder_is_reported_and_the_run_cannot_finish(tmp_path: Path) -> None:
    """Another program deleted the folder; the events in memory can still be read."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, SMALL) as log:
        log.append(events(1, 10))
        shutil.rmtree(folder)
        log.append(events(11, 100))

        line = f"cannot write event log {folder}: its folder does not exist; create it first; 100 events wait in memory"
        assert log.problem == line
        with pytest.raises(OutputError, match=line):
            log.finish()
        assert not log.finished
        assert read_on(log, 1) == list(range(1, 111))


def test_a_manifest_that_cannot_be_written_is_an_error_and_finishing_can_be_tried_again(tmp_path: Path) -> None:
    """All events are on disk, only the last step failed: a second ``finish`` completes the log."""
    folder = tmp_path / "log"
    with EventLog(folder, RUN, SMALL) as log:
        log.append(events(1, 100))
        (folder / ".log.json.part").mkdir()

        with pytest.raises(OutputError, match=r"cannot write event log .*: it is a folder; name a file inside it$"):
            log.finish()
        (folder / ".log.json.part").rmdir()
        log.finish()

    assert read_on(open_log(folder), 1) == list(range(1, 101))


def test_a_path_that_cannot_be_written_fails_before_the_first_event(tmp_path: Path) -> None:
    """An unwritable path must fail before hours of work."""
    (tmp_path / "file").touch()

    with pytest.raises(
        OutputError,
        match=r"^cannot write event log .*/file/log: part of its path is a file",
    ):
        EventLog(tmp_path / "file" / "log", RUN)

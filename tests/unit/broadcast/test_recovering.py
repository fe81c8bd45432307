"""Outputs that fail while a run goes on, and come back: nothing is lost, and somebody is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.serving.served_runs import event, events
from tickstock_cli.broadcast.recovering import RecoveringSink
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.errors import OutputError
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.sink import LogSink
from tickstock_cli.eventlog.writer import EventLog
from tickstock_cli.sinks.opening import open_sink
from tickstock_cli.testing import SECOND, ListSink, ManualClock


class Frail(ListSink):
    """A sink that fails as long as it is told to."""

    broken = False
    opened = 0

    def __init__(self) -> None:
        super().__init__()
        if Frail.broken:
            raise OutputError("cannot write frail: no space left on device")
        Frail.opened += 1

    def write(self, batch: object) -> None:
        """Write, unless broken."""
        if Frail.broken:
            raise OutputError("cannot write frail: no space left on device")
        super().write(batch)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> Iterator[EventLog]:
    """Return an empty log."""
    Frail.broken, Frail.opened = False, 0
    with EventLog(tmp_path / "log", RunInfo("run", 0)) as log:
        yield log


def test_a_recovered_output_gets_the_missed_events(log: EventLog) -> None:
    """Three batches: the second fails, the third comes before the next attempt is due, the fourth brings everything."""
    told: list[tuple[str, str | None]] = []
    clock = ManualClock()
    first = LogSink(log, lambda part, problem: told.append((part, problem)))
    sink = RecoveringSink("frail", Frail, log, lambda part, problem: told.append((part, problem)), clock)

    def write(number: int) -> None:
        for output in (first, sink):
            output.write(events([event(number)]))

    write(1)
    Frail.broken = True
    write(2)
    Frail.broken = False
    write(3)
    assert told == [("frail", "cannot write frail: no space left on device")]
    clock.advance(SECOND)
    write(4)

    assert told[1:] == [("frail", None)]
    assert Frail.opened == 2
    first.commit()
    sink.commit()
    assert sink._sink is not None
    assert [row["event_id"] for row in sink._sink.events] == [event(number)["event_id"] for number in (1, 2, 3, 4)]  # type: ignore[attr-defined]


def test_an_output_that_stays_broken_fails_the_end_of_the_run(log: EventLog) -> None:
    """Success after a lost row is the worst bug: the last attempt raises."""
    clock = ManualClock()
    sink = RecoveringSink("frail", Frail, log, lambda *_: None, clock)
    log.append(events([event(1)]))
    Frail.broken = True
    sink.write(events([event(1)]))

    with pytest.raises(OutputError, match="no space left"):
        sink.finish()


def test_an_output_that_cannot_be_opened_first_is_an_error(log: EventLog, tmp_path: Path) -> None:
    """An unwritable place ends the command before its first row, as without a server."""
    missing = tmp_path / "nowhere" / "deep" / "events.parquet"
    missing.parent.parent.write_text("a file, no folder")
    with pytest.raises(OutputError):
        RecoveringSink(str(missing), lambda: open_sink(str(missing)), log, lambda *_: None, ManualClock())


def test_a_recovered_file_is_equal_byte_for_byte(log: EventLog, tmp_path: Path) -> None:
    """It was written twice, and nobody can tell."""
    clock = ManualClock()
    straight = open_sink(str(tmp_path / "straight.parquet"), EVENT_SCHEMA)
    target = str(tmp_path / "again.parquet")
    sink = RecoveringSink(target, lambda: open_sink(target, EVENT_SCHEMA), log, lambda *_: None, clock)
    for number in range(1, 2000, 100):
        batch = events([event(each) for each in range(number, number + 100)])
        log.append(batch)
        straight.write(batch)
        if number == 1001:
            sink._fail(OutputError("the disk was away"))
        sink.write(batch)
        clock.advance(SECOND)
    straight.commit()
    sink.commit()

    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "straight.parquet").read_bytes()


def test_a_healthy_output_does_not_read_the_log(tmp_path: Path) -> None:
    """Retention may be shorter than one batch: the file has every event all the same."""
    with EventLog(tmp_path / "log", RunInfo("run", 0), LogLimits(memory_bytes=1, keep_bytes=1)) as log:
        sink = RecoveringSink("list", ListSink, log, lambda *_: None, ManualClock())
        for first in (1, 51):
            batch = events([event(number) for number in range(first, first + 50)])
            log.append(batch)
            sink.write(batch)
        sink.commit()

    assert log.first_sequence > 51
    assert sink._sink is not None
    assert len(sink._sink.events) == 100  # type: ignore[attr-defined]


def test_an_output_cannot_recover_events_that_retention_deleted(tmp_path: Path) -> None:
    """The run goes on, somebody is told, and the end fails: a file without its beginning would be a lie."""
    Frail.broken, Frail.opened = False, 0
    told: list[str | None] = []
    clock = ManualClock()
    with EventLog(tmp_path / "log", RunInfo("run", 0), LogLimits(memory_bytes=1, keep_bytes=1)) as log:
        sink = RecoveringSink("frail", Frail, log, lambda _, problem: told.append(problem), clock)
        for number in (1, 2, 3):
            Frail.broken = number == 2
            batch = events([event(number)])
            log.append(batch)
            sink.write(batch)
            clock.advance(SECOND)
        with pytest.raises(OutputError, match="cannot write frail anew: the event log keeps only events from 3 on"):
            sink.finish()

    assert told[0] == "cannot write frail: no space left on device"
    assert str(told[1]).endswith("raise event_log.keep_mib or event_log.keep_hours")


def test_a_healthy_output_outlives_its_log(log: EventLog) -> None:
    """The disk of the log is full, that of the output is not: it gets every event although the log has none."""
    sink = RecoveringSink("list", ListSink, log, lambda *_: None, ManualClock())
    for number in (1, 2, 3):
        sink.write(events([event(number)]))
    sink.commit()

    assert log.next_sequence == 1
    assert sink._sink is not None
    assert len(sink._sink.events) == 3  # type: ignore[attr-defined]


def test_an_output_that_fails_after_its_log_cannot_recover(log: EventLog) -> None:
    """Its first events are nowhere: a file that begins in the middle would be a lie."""
    sink = RecoveringSink("frail", Frail, log, lambda *_: None, ManualClock())
    sink.write(events([event(1)]))
    Frail.broken = True
    sink.write(events([event(2)]))
    Frail.broken = False

    with pytest.raises(OutputError, match="cannot write frail anew: the event log has failed, too"):
        sink.finish()


def test_a_recovering_output_leaves_the_file_of_an_earlier_run(log: EventLog, tmp_path: Path) -> None:
    """Served and stopped early, as without a server."""
    target = tmp_path / "events.csv"
    target.write_text("of yesterday")
    sink = RecoveringSink(str(target), lambda: open_sink(str(target)), log, lambda *_: None, ManualClock())
    sink.write(events([event(1)]))

    assert sink.commit_partial() == f"{target}.partial"
    assert target.read_text() == "of yesterday"
    assert len((tmp_path / "events.csv.partial").read_text().splitlines()) == 2

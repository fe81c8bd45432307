"""An output that recovers from failures while the run goes on: the event log has the events that it missed.

A sink that failed can only be aborted. So the next attempt opens a new one and writes every event again, from the first
one of the log; the result is the same, byte for byte. The time between attempts grows. If the log's retention has
deleted its first events, or the log itself has failed, the output cannot recover, and the end of the run reports an
error. An output that has not failed needs no log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.stages import Sink
from tickstock_cli.errors import DamagedError, ExpiredError, OutputError
from tickstock_cli.eventlog.sink import Report
from tickstock_cli.eventlog.view import LogView

FIRST_WAIT_NS = 500_000_000
LONGEST_WAIT_NS = 30_000_000_000
EVENTS_AT_ONCE = 10_000


class RecoveringSink:
    """A sink that reopens its target after a failure.

    Parameters
    ----------
    name
        Its name in reports: the target.
    reopen
        Opens the output again; raises OutputError if that fails.
    log
        Has every event before this sink gets it, from number 1 on, unless it has failed.

    Raises
    ------
    OutputError
        It cannot be opened the first time.
    """

    def __init__(self, name: str, reopen: Callable[[], Sink], log: LogView, report: Report, clock: Clock) -> None:
        self._name = name
        self._reopen = reopen
        self._log = log
        self._report = report
        self._clock = clock
        self._sink: Sink | None = reopen()
        self._next = 1
        self._released = 1
        """The number of the next event that comes; the sink lacks those from ``_next`` on."""
        self._wait = FIRST_WAIT_NS
        self._retry_at = 0
        self._problem: OutputError | None = None

    def write(self, events: pa.RecordBatch) -> None:
        """Write events; a failed write is repeated later and raises no error."""
        is_next = self._next == self._released
        self._released += len(events)
        if self._sink is None and self._clock.now() < self._retry_at:
            return
        try:
            if self._sink is not None and is_next:
                # Not from the log: retention may be shorter than a batch.
                self._sink.write(events)
                self._next += len(events)
            else:
                self._catch_up()
        except OutputError as error:
            self._fail(error)

    def finish(self) -> None:
        """Finish the output, after a last attempt to write all events."""
        self._catch_up()
        self._open().finish()

    def commit(self) -> None:
        self.finish()
        self._open().commit()

    def commit_partial(self) -> str:
        self.finish()
        sink: Any = self._open()
        if hasattr(sink, "commit_partial"):
            return str(sink.commit_partial())
        raise OutputError(
            f"cannot write {self._name}: the run was stopped, and this kind of output writes no .partial; "
            "name another file"
        )

    def abort(self) -> None:
        if self._sink is not None:
            self._sink.abort()

    def _open(self) -> Sink:
        if self._sink is None:
            self._sink = self._reopen()
            self._next = 1
        return self._sink

    def _catch_up(self) -> None:
        """Write the events that the log has and the output lacks."""
        sink = self._open()
        while self._next < self._released:
            events = self._read()
            sink.write(events)
            self._next += len(events)
        if self._problem is not None:
            self._problem = None
            self._wait = FIRST_WAIT_NS
            self._report(self._name, None)

    def _read(self) -> pa.RecordBatch:
        limit = min(EVENTS_AT_ONCE, self._released - self._next)
        if self._log.next_sequence < self._next + limit:
            raise OutputError(f"cannot write {self._name} anew: the event log has failed, too, and lacks its events")
        try:
            return self._log.read(self._next, limit).events
        except ExpiredError as gone:
            raise OutputError(
                f"cannot write {self._name} anew: the event log keeps only events from {gone.first_sequence} on; "
                "raise event_log.keep_mib or event_log.keep_hours"
            ) from gone
        except DamagedError as damage:
            raise OutputError(f"cannot write {self._name} anew: {damage}") from damage

    def _fail(self, error: OutputError) -> None:
        self.abort()
        self._sink = None
        self._problem = error
        self._retry_at = self._clock.now() + self._wait
        self._wait = min(2 * self._wait, LONGEST_WAIT_NS)
        self._report(self._name, str(error))

"""The event log as the first output of a run: what it has taken, everybody else can be given again."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tickstock_cli.broadcast.recovering import Report
from tickstock_cli.eventlog.writer import EventLog


class LogSink:
    """A log, under the rules of every sink. Whoever opened the log closes it.

    Parameters
    ----------
    report
        Hears how the log is.
    grown
        Called when the log has more events, or is finished.
    """

    def __init__(self, log: EventLog, report: Report, grown: Callable[[], None] = lambda: None) -> None:
        self._log = log
        self._report = report
        self._grown = grown
        self._problem: str | None = None

    def write(self, events: pa.RecordBatch) -> None:
        """See ``Sink.write``: a full disk is waited out in memory, as long as the log's bounds allow."""
        self._log.append(events)
        self._grown()
        if self._log.problem != self._problem:
            self._problem = self._log.problem
            self._report("event log", self._problem)

    def finish(self) -> None:
        self._log.finish()
        self._grown()

    def commit(self) -> None:
        self.finish()

    def abort(self) -> None:
        """See ``Sink.abort``: the log stays as that of a run that broke off."""
        self._log.close()

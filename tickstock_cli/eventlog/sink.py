"""The event log as an output of a run: whatever it has taken can be read again."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tickstock_cli.eventlog.writer import EventLog

Report = Callable[[str, str | None], None]
"""Called with a part's name and what is wrong with it; None once it works again."""

EVENT_LOG = "event log"
"""Name of the log among the outputs of a run."""


class LogSink:
    """A log, under the rules of every sink. Whoever opened the log closes it.

    Parameters
    ----------
    report
        Called when the state of the log changes.
    grown
        Called when the log has more events, or is finished.
    """

    def __init__(self, log: EventLog, report: Report, grown: Callable[[], None] = lambda: None) -> None:
        self._log = log
        self._report = report
        self._grown = grown
        self._problem: str | None = None

    def write(self, events: pa.RecordBatch) -> None:
        """Append events; while the disk is full they wait in memory, within the log's bounds."""
        self._log.append(events)
        self._grown()
        if self._log.problem != self._problem:
            self._problem = self._log.problem
            self._report(EVENT_LOG, self._problem)

    def finish(self) -> None:
        self._log.finish()
        self._grown()

    def commit(self) -> None:
        self.finish()

    def abort(self) -> None:
        """Close the log; it stays as that of a run that broke off."""
        self._log.close()

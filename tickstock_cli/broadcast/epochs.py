"""Epochs: the events of a served run between two seeks.

After a seek back a replay releases the same events again, with the same numbers. So there is one event log with every
event once, and an *epoch* is that log up to the present market time. A seek begins a new epoch with a new identity, and
clients start again. An epoch that is over does not grow.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tickstock_cli.core.declarations import DetectorDeclaration
from tickstock_cli.eventlog.callbacks import Callbacks
from tickstock_cli.eventlog.slices import LogSlice
from tickstock_cli.eventlog.view import LogView


class EpochLog:
    """A log up to a sequence number that rises; it implements ``serving.ports.EventLogPort``.

    Parameters
    ----------
    log
        The log with the events of all epochs.
    next_sequence
        The first sequence number that readers do not see yet.
    """

    def __init__(self, log: LogView, next_sequence: int = 1) -> None:
        self._log = log
        self._next = next_sequence
        self._callbacks = Callbacks("the epoch")

    @property
    def first_sequence(self) -> int:
        """Number of the oldest event still kept; that of the next one if retention has deleted all of the epoch."""
        return min(self._log.first_sequence, self._next)

    @property
    def next_sequence(self) -> int:
        return self._next

    @property
    def schema(self) -> pa.Schema:
        return self._log.schema

    @property
    def declared(self) -> tuple[DetectorDeclaration, ...]:
        return self._log.declared

    @property
    def finished(self) -> bool:
        """Whether the log is finished and the epoch has reached its end."""
        return self._log.finished and self._next == self._log.next_sequence

    def read(self, sequence: int, limit: int) -> LogSlice:
        return self._log.read(sequence, min(limit, max(0, self._next - sequence)))

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._callbacks.add(callback)

    def tell_to(self, next_sequence: int) -> None:
        """Show readers all events below a sequence number; called again once the log is finished."""
        self._next = next_sequence
        self._callbacks.call_all()

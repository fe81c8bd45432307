"""Epochs: what a served run tells between two jumps of its market.

A replay that goes back tells the same events again, with the same numbers. So there is one event log, in which every
event stands once, and an *epoch* is that log up to where the market has come in it: after a jump, a new epoch begins
with a new identity, and clients begin afresh. An epoch that is over stays as long as it was.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa

from tickstock_cli.eventlog.callbacks import Callbacks
from tickstock_cli.eventlog.slices import LogSlice
from tickstock_cli.eventlog.view import LogView


class EpochLog:
    """A log up to a number that rises; what ``serving.ports.EventLogPort`` asks for.

    Parameters
    ----------
    log
        Holds all events that were ever told.
    next_sequence
        The first number that is not told yet.
    """

    def __init__(self, log: LogView, next_sequence: int = 1) -> None:
        self._log = log
        self._next = next_sequence
        self._callbacks = Callbacks("the epoch")

    @property
    def first_sequence(self) -> int:
        """See ``EventLog``. Where retention has deleted all that this epoch has told, that of the next event."""
        return min(self._log.first_sequence, self._next)

    @property
    def next_sequence(self) -> int:
        return self._next

    @property
    def schema(self) -> pa.Schema:
        return self._log.schema

    @property
    def finished(self) -> bool:
        """See ``EventLog``: whether the log is, and all of it is told."""
        return self._log.finished and self._next == self._log.next_sequence

    def read(self, sequence: int, limit: int) -> LogSlice:
        return self._log.read(sequence, min(limit, max(0, self._next - sequence)))

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        return self._callbacks.add(callback)

    def tell_to(self, next_sequence: int) -> None:
        """Tell everything below a number, which the log has; also when the log was finished."""
        self._next = next_sequence
        self._callbacks.call_all()

"""Observers of a run: progress bars, live tables, a server. An observer never changes a result."""

from __future__ import annotations

import pyarrow as pa


class Observer:
    """Base class of observers; every method does nothing. Methods must be quick and must not fail."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Take the number of rows processed and the market time (ns UTC); on the run's thread, after each step."""

    def released(self, events: pa.RecordBatch, count: int) -> None:
        """Take events in output order, and the number of events released up to them; on the writer's thread.

        After a seek back, events after the new market time come again.
        """

    def jumped(self, market_time: int, events: int) -> None:
        """Take the market time (ns UTC) that a seek has reached, and the number of events released up to it.

        On the run's thread, while no other method is called.
        """

    def output_failed(self, name: str, reason: str) -> None:
        """Take the name of an output that failed, and why; from the thread that writes it. The run goes on."""


class Observers(Observer):
    """Several observers as one."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def advanced(self, rows: int, market_time: int) -> None:
        for observer in self._observers:
            observer.advanced(rows, market_time)

    def released(self, events: pa.RecordBatch, count: int) -> None:
        for observer in self._observers:
            observer.released(events, count)

    def jumped(self, market_time: int, events: int) -> None:
        for observer in self._observers:
            observer.jumped(market_time, events)

    def output_failed(self, name: str, reason: str) -> None:
        for observer in self._observers:
            observer.output_failed(name, reason)

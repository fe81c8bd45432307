"""Who may watch a run: progress bars, live tables. Watching never changes a result."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Observer(Protocol):
    """Told of a run's progress. Must be quick, and must not fail."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Hear, after each step, of the rows done so far and the market time reached (ns UTC)."""

    def released(self, events: pa.RecordBatch) -> None:
        """Hear of events in output order, each once, from the writer's thread."""

    def retold(self, events: pa.RecordBatch) -> None:
        """Hear again of events that were released before the run went back; else as ``released``."""

    def jumped(self, market_time: int, events: int) -> None:
        """Hear that the run has gone to another market time (ns UTC): ``events`` events had been released by then.

        Those behind them are told from here on, again or for the first time. From the run's thread, while nothing
        else is told.
        """


class Unwatched:
    """Nobody watches."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Do nothing."""

    def released(self, events: pa.RecordBatch) -> None:
        """Do nothing."""

    def retold(self, events: pa.RecordBatch) -> None:
        """Do nothing."""

    def jumped(self, market_time: int, events: int) -> None:
        """Do nothing."""

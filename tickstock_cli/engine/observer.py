"""Who may watch a run: progress bars, live tables. Watching never changes a result."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa


class Observer(Protocol):
    """Told of a run's progress. Must be quick, and must not fail."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Hear, after each step, of the rows done so far and the market time reached (ns UTC)."""

    def released(self, events: pa.RecordBatch) -> None:
        """Hear of events in output order, from the writer's thread."""


class Unwatched:
    """Nobody watches."""

    def advanced(self, rows: int, market_time: int) -> None:
        """Do nothing."""

    def released(self, events: pa.RecordBatch) -> None:
        """Do nothing."""

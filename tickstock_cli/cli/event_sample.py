"""The first and the last events of a run, kept while it runs."""

from __future__ import annotations

from collections import deque
from typing import Any

import pyarrow as pa

from tickstock_cli.engine.observer import Observer, Unwatched

TABLE_EVENTS = 30


class EventSample:
    """The first and the last events of a run, for the table."""

    def __init__(self) -> None:
        self.first: list[dict[str, Any]] = []
        self.last: deque[dict[str, Any]] = deque(maxlen=TABLE_EVENTS // 2)
        self.count = 0
        self._watcher: Observer = Unwatched()

    def beside(self, watcher: Observer) -> EventSample:
        """Watch beside another watcher."""
        self._watcher = watcher
        return self

    def advanced(self, rows: int, market_time: int) -> None:
        self._watcher.advanced(rows, market_time)

    def released(self, events: pa.RecordBatch) -> None:
        """Keep the first events and the last; see ``Observer``."""
        self.count += len(events)
        room = TABLE_EVENTS - TABLE_EVENTS // 2 - len(self.first)
        if room > 0:
            self.first.extend(events.slice(0, room).to_pylist())
            events = events.slice(room)
        self.last.extend(events.slice(max(0, len(events) - (TABLE_EVENTS // 2))).to_pylist())
        self._watcher.released(events)

    def retold(self, events: pa.RecordBatch) -> None:
        """Keep none twice; see ``Observer``."""
        self._watcher.retold(events)

    def jumped(self, market_time: int, events: int) -> None:
        self._watcher.jumped(market_time, events)

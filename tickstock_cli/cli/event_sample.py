"""The first and the last events of a run, collected while it runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tickstock_cli.core.kinds import Kind
from tickstock_cli.engine.observer import Observer

TABLE_EVENTS = 30


class EventSample(Observer):
    """The first and the last events of a run, for the table. Events repeated after a seek are kept once.

    Parameters
    ----------
    kinds
        The kinds of events that the run can emit.
    """

    def __init__(self, kinds: Sequence[Kind]) -> None:
        self.kinds = kinds
        self.first: list[dict[str, Any]] = []
        self.last: deque[dict[str, Any]] = deque(maxlen=TABLE_EVENTS // 2)
        self.count = 0

    def released(self, events: pa.RecordBatch, count: int) -> None:
        new = count - self.count
        if new <= 0:
            return
        self.count = count
        events = events.slice(max(0, len(events) - new))
        room = TABLE_EVENTS - TABLE_EVENTS // 2 - len(self.first)
        if room > 0:
            self.first.extend(events.slice(0, room).to_pylist())
            events = events.slice(room)
        self.last.extend(events.slice(max(0, len(events) - (TABLE_EVENTS // 2))).to_pylist())

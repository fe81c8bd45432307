"""Measures within the system: latency from due times, rows processed, and events of the wrong channel."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import SOURCES, EventRows
from tickstock_cli.loadtest.stage_latency import StageLatency
from tickstock_cli.runtime.instance import Finished

Int64s = NDArray[np.int64]


class LatencyProbe:
    """The observer of a system under test; see ``runtime.observer.RuntimeObserver``.

    Parameters
    ----------
    ends
        See ``StageLatency``.
    """

    def __init__(self, ends: Sequence[int]) -> None:
        self.latency = StageLatency(ends)
        self.done: Counter[str] = Counter()
        """Rows whose processing ended, by the record type of their channel."""
        self.failed = 0
        """Rows whose processing raised an error."""
        self.events = 0
        self.foreign_events = 0
        """Events whose source has another record type than the channel that found them."""
        self._source_of: NDArray[np.int8] = np.empty(0, np.int8)

    def know(self, channels: Mapping[int, str]) -> None:
        """Set the record type of each channel instance, by its number."""
        self._source_of = np.full(max(channels) + 1, -1, np.int8)
        for number, record in channels.items():
            self._source_of[number] = SOURCES.index(record)

    def processed(self, done: Finished) -> None:
        name = done.instance.record
        self.failed += sum(failure.rows for failure in done.outcome.failures)
        for part in done.parts:
            if len(part):
                self.done[name] += len(part)
                available = part.rows.available_at
                self.latency.record(name, available, (done.ended - part.chunk.due(available)) // 1000)

    def published(self, events: EventRows, late_us: Int64s) -> None:
        self.events += len(events)
        self.foreign_events += int((self._source_of[events["instance"]] != events["source"]).sum())
        self.latency.record("event", events["emitted_at"].astype(np.int64), late_us)

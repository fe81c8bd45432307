"""Row to event: how long after its row was due an event was published."""

from __future__ import annotations

from threading import Lock

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.metrics import LatencyFigures
from tickstock_cli.runtime.chunks import Chunk

LONGEST_US = 24 * 3_600 * 1_000_000


class EventLatency:
    """A histogram of event latencies, in µs: recorded in one thread, read off in any.

    An event counts from when it was due: its row's due time, or, for the winner of a window, that of the window's
    end. On a schedule that is the scheduled time, so that a system that stalls cannot hide it.
    """

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST_US, 3)
        self._lock = Lock()

    def record(self, events: EventRows, chunk: Chunk, now: int) -> NDArray[np.int64]:
        """Record events that were published at ``now`` because ``chunk`` had come; give how late each was, in µs."""
        at_once = events["emitted_at"] == events["available_at"]
        due = np.where(at_once, events["received"], chunk.due(events["emitted_at"].astype(np.int64)))
        late: NDArray[np.int64] = np.clip((now - due) // 1000, 1, LONGEST_US)
        values, counts = np.unique(late, return_counts=True)
        with self._lock:
            for value, count in zip(values.tolist(), counts.tolist(), strict=True):
                self._histogram.record_value(value, count)
        return late

    def figures(self) -> LatencyFigures:
        """Return the figures so far."""
        with self._lock:
            histogram = self._histogram
            count = int(histogram.get_total_count())
            if not count:
                return LatencyFigures()
            p50, p99, p999 = (histogram.get_value_at_percentile(percent) / 1000 for percent in (50, 99, 99.9))
            return LatencyFigures(
                count, p50, p99, p999, histogram.get_max_value() / 1000, histogram.get_mean_value() / 1000
            )

    def percentile_ms(self, percent: float) -> float | None:
        """Return any percentile so far; None if there was no event."""
        with self._lock:
            if not self._histogram.get_total_count():
                return None
            return float(self._histogram.get_value_at_percentile(percent)) / 1000

"""Event latency: from when a row was due to when its event was published."""

from __future__ import annotations

from threading import Lock

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.events import EventRows
from tickstock_cli.core.metrics import LatencyMetrics
from tickstock_cli.measurement.histogram import LONGEST_US, SHORTEST_US, Histogram
from tickstock_cli.runtime.chunks import Chunk


class EventLatency:
    """A histogram of event latencies, in µs. One thread records; any thread reads.

    The latency of an event starts at its due time: that of its row or, for the winner of a window, that of the
    window's end. On a schedule the due time is the scheduled time, so a system that stalls cannot hide it.
    """

    def __init__(self) -> None:
        self._histogram = Histogram()
        self._lock = Lock()

    def record(self, events: EventRows, chunk: Chunk, now: int) -> NDArray[np.int64]:
        """Record events that ``chunk`` released at ``now`` (ns of the clock), and return their latencies, in µs."""
        at_once = events["emitted_at"] == events["available_at"]
        due = np.where(at_once, events["received"], chunk.due(events["emitted_at"].astype(np.int64)))
        late: NDArray[np.int64] = np.clip((now - due) // 1000, SHORTEST_US, LONGEST_US)
        with self._lock:
            self._histogram.record(late)
        return late

    def figures(self) -> LatencyMetrics:
        """Return the latencies so far."""
        with self._lock:
            found = self._histogram.summary()
        return LatencyMetrics(found.count, found.p50_ms, found.p99_ms, found.p999_ms, found.max_ms, found.mean_ms)

    def document(self) -> dict[str, float | None]:
        """Return the count and the percentiles of the latencies so far, in ms, as the dashboard shows them."""
        found = self.figures()
        return {
            "count": found.count,
            "p50": found.p50_ms,
            "p99": found.p99_ms,
            "p99.9": found.p999_ms,
            "max": found.max_ms,
        }

    def percentile_ms(self, percent: float) -> float | None:
        """Return a percentile of the latencies so far, in ms; None without events."""
        with self._lock:
            return self._histogram.percentile_us(percent) / 1000 or None

"""Latency of a live run's events: from when an event could be told to when it was."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from tickstock_cli.engine.observer import Observer
from tickstock_cli.measurement.histogram import Histogram


class ToldLatency(Observer):
    """Measures from the frame's ``received_at`` to when all outputs have the event.

    An event that waits for the end of its coordination window counts from that end, which its ``emitted_at`` is.

    Parameters
    ----------
    now
        The clock that stamps frames, ns UTC.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._histogram = Histogram()

    def released(self, events: pa.RecordBatch, count: int) -> None:  # noqa: ARG002 - the observer's
        emitted = events.column("emitted_at").cast(pa.int64()).to_numpy()
        self._histogram.record(np.maximum(self._now() - emitted, 0) // 1_000)

    def figures(self) -> dict[str, float | None]:
        """Return p50, p99 and the maximum, in ms; None without events."""
        found = self._histogram.summary()
        return {"p50": found.p50_ms, "p99": found.p99_ms, "max": found.max_ms}

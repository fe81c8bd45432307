"""Lateness of a paced run: how long after its scheduled time each row had been processed.

It counts from the schedule, not from when the system got round to the row, so a stall cannot hide.
"""

from __future__ import annotations

import numpy as np
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

LONGEST_US = 24 * 3600 * 1_000_000


class Lateness:
    """A histogram of microseconds, with three significant digits, from 1 us to a day."""

    def __init__(self) -> None:
        self._histogram = HdrHistogram(1, LONGEST_US, 3)

    def record(self, late_ns: NDArray[np.float64]) -> None:
        """Add rows, each so many ns (0 or more) late."""
        values, counts = np.unique((late_ns // 1000).astype(np.int64), return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            self._histogram.record_value(min(value, LONGEST_US), count)

    def as_dict(self) -> dict[str, float]:
        """Give p50, p99 and max in milliseconds; zeros if nothing was recorded."""
        if not self._histogram.get_total_count():
            return {"p50": 0.0, "p99": 0.0, "max": 0.0}
        return {
            "p50": self._histogram.get_value_at_percentile(50) / 1000,
            "p99": self._histogram.get_value_at_percentile(99) / 1000,
            "max": self._histogram.get_max_value() / 1000,
        }

"""Lateness of a paced run: how long after its scheduled time each row had been processed.

It counts from the scheduled time, so that it includes a stall of the system.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.measurement.histogram import SHORTEST_US, Histogram


class Lateness:
    """A histogram of microseconds, with three significant digits, up to an hour; the greatest lateness is exact."""

    def __init__(self) -> None:
        self._histogram = Histogram()
        self._max_ns = 0.0

    def record(self, late_ns: NDArray[np.float64]) -> None:
        """Record the lateness of rows, in ns, 0 or more."""
        self._histogram.record(late_ns // 1000)
        self._max_ns = max(self._max_ns, float(late_ns.max(initial=0.0)))

    def as_dict(self) -> dict[str, float]:
        """Return p50, p99 and max in milliseconds; zeros if nothing was recorded. A microsecond late is on time."""
        greatest = self._max_ns / 1e6
        p50, p99 = (
            # The histogram returns the upper end of a counter's range.
            min(us / 1000, greatest) if us > SHORTEST_US else 0.0
            for us in self._histogram.percentiles_us(np.array([50.0, 99.0])).tolist()
        )
        return {"p50": p50, "p99": p99, "max": greatest}

"""The clock: the only module that reads time. Pacing, timeouts and metrics use it; rules never do."""

from __future__ import annotations

import time
from threading import TIMEOUT_MAX, Event
from typing import Protocol

LONGEST_WAIT_NS = int(TIMEOUT_MAX) * 1_000_000_000
"""About 292 years, the longest wait that the operating system accepts."""


class Clock(Protocol):
    """Monotonic time in int64 ns, with a wait."""

    def now(self) -> int:
        """Return the time in ns since an arbitrary start; it never decreases."""

    def wait(self, event: Event, until: int) -> bool:
        """Wait until ``event`` is set or the time is ``until``; return whether the event is set."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> int:
        """Return the monotonic time in ns."""
        return time.monotonic_ns()

    def wait(self, event: Event, until: int) -> bool:
        """Wait until ``event`` is set or the time is ``until``; return whether the event is set."""
        return event.wait(min(max(0, until - self.now()), LONGEST_WAIT_NS) / 1e9)


def wall_minus_monotonic() -> int:
    """Return wall time (ns since the epoch) minus the time of ``SystemClock``, as the machine's date is set now."""
    return time.time_ns() - time.monotonic_ns()

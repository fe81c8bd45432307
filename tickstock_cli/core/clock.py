"""The only place that reads time. Pacing, timeouts and figures use a clock; rules never do."""

from __future__ import annotations

import time
from threading import TIMEOUT_MAX, Event
from typing import Protocol

LONGEST_WAIT_NS = int(TIMEOUT_MAX) * 1_000_000_000
"""About 292 years; a wait beyond it is no number to the system."""


class Clock(Protocol):
    """Monotonic time in int64 ns, and waiting for it."""

    def now(self) -> int:
        """Return the time, in ns since an arbitrary start; never goes back."""

    def wait(self, event: Event, until: int) -> bool:
        """Wait until ``event`` is set or ``until`` has come; tells whether it was the event."""


class SystemClock:
    """The machine's monotonic clock."""

    def now(self) -> int:
        """Return the monotonic time in ns."""
        return time.monotonic_ns()

    def wait(self, event: Event, until: int) -> bool:
        """Wait until ``event`` is set or ``until`` has come."""
        return event.wait(min(max(0, until - self.now()), LONGEST_WAIT_NS) / 1e9)


def wall_minus_monotonic() -> int:
    """Return what turns a time of ``SystemClock`` into ns since the epoch, as the machine's date is set now."""
    return time.time_ns() - time.monotonic_ns()

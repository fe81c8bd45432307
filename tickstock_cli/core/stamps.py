"""Stamps of a live feed's frames: the time at which each was received, and how far market time may pass meanwhile.

1. A frame is stamped when it is received. From then on it is in flight.
2. It is decoded and its rows enter the arrival queue; then it is handed over.
3. Market time stays before the oldest frame in flight. Without one it may pass up to now, and all later stamps are
   greater.

So no row of a feed arrives after market time has passed its available time, however long a frame waits to be decoded.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Lock

REBASE_NS = 1_000_000_000
"""A date that is this far ahead of the stamps' clock moves it forward: the machine slept, or its date was corrected."""


class Stamps:
    """The stamps of one run. Safe in any thread.

    The date is read once; the monotonic clock goes on from there, so a date that is set back moves no stamp. The clock
    follows a date that is set forward.

    Parameters
    ----------
    wall
        ns since the epoch, UTC.
    monotonic
        ns since an arbitrary start; never decreases.
    floor
        The latest stamp of an earlier run, ns UTC: all stamps are greater.
    """

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
        floor: int = 0,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._offset = wall() - monotonic()
        self._last = floor
        self._in_flight: deque[int] = deque()
        self._lock = Lock()

    def stamp(self) -> int:
        """Return the stamp of a frame that was received now, ns UTC; greater than all stamps before."""
        with self._lock:
            return self._next()

    def stamp_in_silence(self) -> int | None:
        """Return a stamp as ``stamp`` does, for rows that no frame brings; None if a frame is in flight."""
        with self._lock:
            if self._in_flight:
                return None
            return self._next()

    def handed_over(self, stamp: int) -> None:
        """Record that the rows of all frames up to ``stamp`` are in the arrival queue, or that they have none."""
        with self._lock:
            while self._in_flight and self._in_flight[0] <= stamp:
                self._in_flight.popleft()

    def passed(self) -> int:
        """Return the market time (ns UTC) up to which no further row can come; later stamps are greater.

        A caller that finds the arrival queue empty afterwards has all rows up to that time.
        """
        with self._lock:
            if self._in_flight:
                return self._in_flight[0] - 1
            self._last = max(self._last, self._clock())
            return self._last

    def now(self) -> int:
        """Return the time of the stamps' clock, ns UTC; not before the latest stamp."""
        with self._lock:
            return max(self._last, self._clock())

    def _next(self) -> int:
        now, least = self._clock(), self._last + 1
        self._last = stamp = now if now > least else least
        self._in_flight.append(stamp)
        return stamp

    def _clock(self) -> int:
        now, wall = self._monotonic() + self._offset, self._wall()
        if wall - now >= REBASE_NS:
            self._offset += wall - now
            return wall
        return now

"""Ends of a live run: its time is up, or somebody asks for it. The rows that were received are processed first."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Timer

LONGEST_TIMER_SECONDS = 3_600.0
"""A timer of days would not notice that the machine slept: the end is checked again after this time."""


class LiveEnd:
    """Ends the feed of a live run, once, from any thread; use as a context for the timer.

    Parameters
    ----------
    at
        Time of the end, ns UTC; None: the run has no end of its own.
    wall
        ns since the epoch, UTC.
    duration_ns
        Time from when the feed is opened to the end: what comes before, as state from a recording, does not count.
    """

    def __init__(self, at: int | None, wall: Callable[[], int], duration_ns: int | None = None) -> None:
        self._at = at
        self._wall = wall
        self._duration_ns = duration_ns
        self._lock = Lock()
        self._end_feed: Callable[[], None] | None = None
        self._timer: Timer | None = None
        self._closed = False
        self.asked = False
        """Whether the end was asked for, by a signal or a key."""

    def feed_opened(self, end_feed: Callable[[], None]) -> None:
        """Take what ends the feed, and start the timer."""
        with self._lock:
            self._end_feed = end_feed
            if self._duration_ns is not None:
                self._at = self._wall() + self._duration_ns
            if self.asked:
                end_feed()
        self._look()

    def stop(self) -> None:
        """End the feed because somebody asks for it."""
        with self._lock:
            self.asked = True
            if self._end_feed is not None:
                self._end_feed()

    def close(self) -> None:
        """End the timer."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()

    def _look(self) -> None:
        with self._lock:
            if self._at is None or self._closed:
                return
            left = (self._at - self._wall()) / 1e9
            if left <= 0:
                if self._end_feed is not None:
                    self._end_feed()
                return
            self._timer = Timer(min(left, LONGEST_TIMER_SECONDS), self._look)
            self._timer.daemon = True
            self._timer.start()

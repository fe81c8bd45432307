"""Wake waiting tasks: from the appender's thread into the event loop, at a limited rate."""

from __future__ import annotations

import asyncio
from contextlib import suppress

MIN_INTERVAL_SECONDS = 0.005
"""Least time between two flushes: without it, each of a thousand appends a second would wake hundreds of clients."""
INTERVAL_SECONDS_EACH = 0.000_1
"""Least time between two flushes for each waiting task: twice the cost of a message to a client, so that all clients
together use at most half a processor."""


class Notifier:
    """Sets the events of all waiting tasks: at once after a quiet time, else an interval after the last flush.

    Parameters
    ----------
    interval
        Least seconds between two flushes; with hundreds of waiting tasks it is longer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float = MIN_INTERVAL_SECONDS) -> None:
        self._loop = loop
        self._interval = interval
        self._waiting: set[asyncio.Event] = set()
        self._scheduled = False
        self._last = -interval

    def add(self, event: asyncio.Event) -> None:
        """Set ``event`` at every flush."""
        self._waiting.add(event)

    def remove(self, event: asyncio.Event) -> None:
        """Stop setting ``event``."""
        self._waiting.discard(event)

    def notify(self) -> None:
        """Schedule a flush. Safe in any thread; cheap if one is scheduled already."""
        if self._scheduled:
            return
        self._scheduled = True
        with suppress(RuntimeError):  # the loop is closed: no task waits
            self._loop.call_soon_threadsafe(self._schedule)

    def _schedule(self) -> None:
        interval = max(self._interval, len(self._waiting) * INTERVAL_SECONDS_EACH)
        wait = self._last + interval - self._loop.time()
        if wait > 0:
            self._loop.call_later(wait, self._flush)
        else:
            self._flush()

    def _flush(self) -> None:
        # Before the events are set: an append from here on schedules the next flush.
        self._scheduled = False
        self._last = self._loop.time()
        for event in self._waiting:
            event.set()

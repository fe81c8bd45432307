"""Waking those who wait for events: from the appender's thread into the event loop, and not too often."""

from __future__ import annotations

import asyncio
from contextlib import suppress

MIN_INTERVAL_SECONDS = 0.005
"""Between two waves. Hundreds of clients woken by each of a thousand appends a second would do nothing else."""
INTERVAL_SECONDS_EACH = 0.000_1
"""For each that is woken, the same: twice what a message to a client takes, so that half a processor is the most that
any number of clients take from the run that they follow."""


class Notifier:
    """Sets the events of all who wait, at once after a quiet time, else some time after the last wave.

    Parameters
    ----------
    interval
        Seconds between two waves at least; where hundreds wait, it is longer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, interval: float = MIN_INTERVAL_SECONDS) -> None:
        self._loop = loop
        self._interval = interval
        self._waiting: set[asyncio.Event] = set()
        self._coming = False
        self._last = -interval

    def add(self, event: asyncio.Event) -> None:
        """Set ``event`` with every wave."""
        self._waiting.add(event)

    def remove(self, event: asyncio.Event) -> None:
        """Leave ``event`` alone from now on."""
        self._waiting.discard(event)

    def notify(self) -> None:
        """Wake everybody soon. Safe in any thread; cheap if a wave is coming anyway."""
        if self._coming:
            return
        self._coming = True
        with suppress(RuntimeError):  # the loop has closed: nobody waits any more
            self._loop.call_soon_threadsafe(self._plan)

    def _plan(self) -> None:
        interval = max(self._interval, len(self._waiting) * INTERVAL_SECONDS_EACH)
        wait = self._last + interval - self._loop.time()
        if wait > 0:
            self._loop.call_later(wait, self._wave)
        else:
            self._wave()

    def _wave(self) -> None:
        # Before the waking: whoever appends from here on causes the next wave.
        self._coming = False
        self._last = self._loop.time()
        for event in self._waiting:
            event.set()

"""The queue between the connections and the decoder: frames and marks of what became of the connections, in order.

    loop's thread ── put ──▶ queue (bounded in bytes) ── take ──▶ reader's thread

A connection waits for room before it receives its next frame: nothing is lost, and the wait is counted.

Frames that come in quick succession gather for some ms before they are taken: every batch has a fixed cost, in the
decoder and in each stage behind it. A frame after a pause is taken at once. While a feed comes at several times its
usual rate, frames gather longer, because the run needs its time to keep up; never once there is no room for more.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from threading import Condition, Event

TAKE_BYTES = 8 << 20
"""About how many bytes of frames are taken together."""
GATHER: tuple[tuple[float, int], ...] = ((0.005, 0), (0.02, 1 << 17), (0.05, 1 << 19))
"""Least seconds between two takes, if at least so many bytes wait: 128 kB in 5 ms, or 512 kB in 20 ms, are some 200,000
trades a second, and a feed of four times its busiest minutes."""
GATHER_BYTES = 1 << 21
"""So many waiting bytes are taken at once."""


ReceivedFrame = tuple[bytes, int]
"""A frame of a connection, with its stamp (ns UTC); of all items a tuple alone, which is quickly made."""


@dataclass(frozen=True, slots=True)
class AttemptBegan:
    """The next frames of a connection, by its place, are those of another attempt; ``at`` is ns UTC."""

    connection: int
    at: int


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """A connection that had streamed ended at ``at`` (ns UTC)."""

    connection: int
    at: int
    reason: str


Item = ReceivedFrame | AttemptBegan | ConnectionLost


class FrameQueue:
    """A queue of one loop's thread and one reader's thread.

    Parameters
    ----------
    limit_bytes
        Frames of more bytes than this leave no room; the frame that exceeds it is taken in.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit = limit_bytes
        self._items: deque[Item] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = Condition()
        self._closing = Event()
        self._reader_waits = False
        self._taken_at = 0.0
        self._waiters: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
        self.waits = 0
        """How often a connection has waited for room."""
        self.frames = 0
        """Number of frames so far."""

    def put(self, item: Item) -> None:
        """Add an item; never waits."""
        with self._changed:
            self._items.append(item)
            if isinstance(item, tuple):
                self.frames += 1
                self._bytes += len(item[0])
            if self._reader_waits:
                self._changed.notify()

    @property
    def is_full(self) -> bool:
        """Whether there is no room."""
        return self._bytes > self._limit

    async def room(self) -> None:
        """Return once there is room, or the queue is closed."""
        there = asyncio.Event()
        with self._changed:
            if not self.is_full or self._closed:
                return
            self.waits += 1
            self._waiters.append((asyncio.get_running_loop(), there))
        await there.wait()

    def take(self, timeout: float | None = None) -> list[Item] | None:
        """Return waiting items, at least one; none if the time (seconds) is over, None at the end of all items."""
        with self._changed:
            self._reader_waits = True
            self._changed.wait_for(lambda: self._items or self._closed, timeout)
            self._reader_waits = False
        self._gather()
        with self._changed:
            if not self._items:
                return None if self._closed else []
            self._taken_at = time.monotonic()
            taken: list[Item] = []
            size = 0
            while self._items and size < TAKE_BYTES:
                item = self._items.popleft()
                size += len(item[0]) if isinstance(item, tuple) else 0
                taken.append(item)
            self._bytes -= size
            if not self.is_full:
                self._wake()
            return taken

    def _gather(self) -> None:
        """Wait for more frames if some were taken just now. No thread waits for the condition then: puts are cheap."""
        for seconds, least_bytes in GATHER:
            rest = self._taken_at + seconds - time.monotonic()
            if rest > 0 and least_bytes <= self._bytes < GATHER_BYTES and not self.is_full:
                self._closing.wait(rest)

    def close(self) -> None:
        """End the queue: what waits in it can still be taken."""
        self._closing.set()
        with self._changed:
            self._closed = True
            self._wake()
            self._changed.notify_all()

    def discard(self) -> None:
        """Close the queue and drop what waits in it: nobody will take it."""
        with self._changed:
            self._items.clear()
            self._bytes = 0
        self.close()

    def _wake(self) -> None:
        for loop, there in self._waiters:
            if not loop.is_closed():
                loop.call_soon_threadsafe(there.set)
        self._waiters.clear()

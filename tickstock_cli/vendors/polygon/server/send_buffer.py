"""The send buffer of one client: what waits to be sent, bounded in bytes."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from tickstock_cli.vendors.polygon.server.connection import VendorConnection

TOGETHER_BYTES = 1 << 16
"""Bytes that are written at once, if so many wait: a write costs more than a frame."""

Frame = tuple[bytes, int]
"""A serialised frame, and the number of market events in it."""

Afterwards = Callable[[], None]
"""Something to do once every frame before it has been written."""


class SendBuffer:
    """Frames that wait to be written to a connection. All methods are of one event loop.

    Parameters
    ----------
    limit
        Bytes that may wait.
    waited_for
        Whether the sender awaits ``room`` before each release, so that ``limit`` never refuses a frame.
    """

    def __init__(self, connection: VendorConnection, limit: int, *, waited_for: bool) -> None:
        self._connection = connection
        self._limit = limit
        self._waited_for = waited_for
        self._waiting: deque[Frame | Afterwards] = deque()
        self._more = asyncio.Event()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._room = asyncio.Event()
        self._room.set()
        self._closed = False
        self.bytes = 0
        """Bytes that wait."""
        self.frames_sent = 0
        self.events_sent = 0

    @property
    def has_room(self) -> bool:
        """Whether less than half of the limit is used."""
        return self._closed or self.bytes * 2 < self._limit

    def put(self, frame: Frame) -> bool:
        """Append a frame, and return whether there was room for it; an empty buffer takes a frame of any size."""
        if not self._waited_for and self.bytes and self.bytes + len(frame[0]) > self._limit:
            return False
        self._append(frame)
        return True

    def then(self, afterwards: Afterwards) -> None:
        """Call ``afterwards`` once everything before it has been written."""
        self._waiting.append(afterwards)
        self._more.set()

    def cut_off(self, frame: Frame, afterwards: Afterwards) -> None:
        """Discard what waits, write one last frame, and call ``afterwards``."""
        self._waiting.clear()
        self.bytes = 0
        self.flow()
        self._append(frame)
        self.then(afterwards)

    def hold(self) -> None:
        """Write nothing until ``flow``; frames wait meanwhile."""
        self._flowing.clear()

    def flow(self) -> None:
        """Write again."""
        self._flowing.set()

    async def room(self) -> None:
        """Wait until less than half of the limit is used, or the client has gone."""
        while not self.has_room:
            self._room.clear()
            await self._room.wait()

    async def send(self) -> None:
        """Write frames in order until the connection ends."""
        try:
            writing = True
            while writing:
                await self._more.wait()
                await self._flowing.wait()
                writing = await self._write_next()
        finally:
            self._closed = True
            self._waiting.clear()
            self.bytes = 0
            self._room.set()

    async def _write_next(self) -> bool:
        """Write the next frames together; return False on a closed connection."""
        frames, size, events = self._next_frames()
        if frames and not await self._connection.write(frames):
            return False
        self.bytes = max(0, self.bytes - size)
        self.frames_sent += len(frames)
        self.events_sent += events
        if self.has_room:
            self._room.set()
        if self._waiting and not isinstance(afterwards := self._waiting[0], tuple):
            self._waiting.popleft()
            afterwards()
        if not self._waiting:
            self._more.clear()
        return True

    def _next_frames(self) -> tuple[list[bytes], int, int]:
        """Take frames of about `TOGETHER_BYTES`; return them, their bytes and their events."""
        frames, size, events = [], 0, 0
        while self._waiting and isinstance(entry := self._waiting[0], tuple) and size < TOGETHER_BYTES:
            frame, count = entry
            self._waiting.popleft()
            frames.append(frame)
            size += len(frame)
            events += count
        return frames, size, events

    def _append(self, frame: Frame) -> None:
        self._waiting.append(frame)
        self.bytes += len(frame[0])
        self._more.set()

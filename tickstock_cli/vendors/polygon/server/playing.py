"""Plays rows to the hub: on one absolute schedule by available time, or as fast as the slowest client reads."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk
from tickstock_cli.vendors.polygon.server.hub import VendorHub

TOGETHER_NS = 2_000_000
"""Least time between two releases: frames of one event each would take all of a processor at a high rate."""
MAX_TOGETHER = 1_000
"""Most events between two looks at the send buffers, where rows go as fast as clients read."""


class Player:
    """Plays a recording once, or again and again.

    Parameters
    ----------
    chunks
        Begins a pass over the rows; runs in another thread, as do the reads of its result.
    speed
        Times recorded time; None is as fast as the slowest client reads.
    wait
        Whether the first row waits for the first subscription.
    loop
        Whether another pass begins behind the last row.

    Attributes
    ----------
    released
        Events released so far, in all passes, whether a client wanted them or not.
    unsent
        Rows that the wire has no event for, by reason.
    passes
        Number of whole passes.
    latest_ns
        The longest time by which a row was released after it was due.
    """

    def __init__(
        self,
        chunks: Callable[[], Iterator[EncodedChunk]],
        hub: VendorHub,
        speed: float | None,
        clock: Clock,
        *,
        wait: bool,
        loop: bool,
    ) -> None:
        self._chunks = chunks
        self._hub = hub
        self._speed = speed
        self._clock = clock
        self._wait = wait
        self._loop = loop
        self._schedule: Schedule | None = None
        self._together_until = 0
        self.released = 0
        self.unsent: Counter[str] = Counter()
        self.passes = 0
        self.latest_ns = 0

    async def play(self) -> None:
        """Play until the last row is released, or for ever in a loop."""
        if self._wait:
            await self._hub.subscription()
        while True:
            before = self.released
            await self._play_once()
            self.passes += 1
            if not self._loop or self.released == before:
                return
            self._schedule = None

    async def _play_once(self) -> None:
        """Play all rows; the next chunk is read and encoded while one is played.

        Cancellation waits for a read that is under way.
        """
        chunks = self._chunks()
        upcoming = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
        try:
            while (chunk := await upcoming) is not None:
                upcoming = asyncio.ensure_future(asyncio.to_thread(next, chunks, None))
                self.unsent += chunk.unsent
                if self._speed is None:
                    await self._release_as_read(chunk)
                else:
                    await self._release_as_due(chunk, self._speed)
        finally:
            await asyncio.wait({upcoming})

    async def _release_as_read(self, chunk: EncodedChunk) -> None:
        for start in range(0, len(chunk), MAX_TOGETHER):
            await self._hub.room()
            self._release(chunk.cut(start, start + MAX_TOGETHER))
            await asyncio.sleep(0)

    async def _release_as_due(self, chunk: EncodedChunk, speed: float) -> None:
        done, times = 0, chunk.times
        while done < len(chunk):
            now = self._clock.now()
            if self._schedule is None:
                self._schedule = Schedule(now, int(times[0]), speed)
            due = bisect_right(times, self._schedule.market_at(now))
            if due <= done:
                await self._sleep_until(self._schedule.due(int(times[done])))
            elif now < self._together_until:
                await self._sleep_until(self._together_until)
            else:
                self._together_until = now + TOGETHER_NS
                self.latest_ns = max(self.latest_ns, now - self._schedule.due(int(times[done])))
                self._release(chunk.cut(done, due))
                done = due
                await asyncio.sleep(0)

    def _release(self, chunk: EncodedChunk) -> None:
        self._hub.publish(chunk)
        self.released += len(chunk)

    async def _sleep_until(self, due: int) -> None:
        await asyncio.sleep(max(0, due - self._clock.now()) / 1e9)

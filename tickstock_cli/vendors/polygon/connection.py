"""One connection to the vendor, kept for as long as a run lasts: attempts, and what follows the end of one.

::

    connecting ─▶ attempt (authenticating, subscribing, streaming) ─┐
        ▲                                                           │ any end, whatever its reason
        └──────────── wait: backoff, or cooling 120 s ◀─────────────┘        stopped: asked to, refused, or given up

A refused key ends everything. Too many connections cool down, some times. Everything else connects again, a clean close
by the vendor, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from tickstock_cli.errors import FeedError
from tickstock_cli.vendors.polygon.attempt import Attempt, AttemptEnd, ConnectionFacts, ConnectionParts, ConnectionState
from tickstock_cli.vendors.polygon.backoff import Backoff
from tickstock_cli.vendors.polygon.opening import FeedSocket, OpeningFailure, clock_offset_ms, open_socket
from tickstock_cli.vendors.polygon.subscriptions import Subscriptions

REFUSALS_IN_A_ROW = 5
"""After this many answers of HTTP 401 or 403 the feed is given up."""


class FeedConnection:
    """A connection that comes back. Run it on a loop; ``stop`` ends it cleanly.

    Parameters
    ----------
    url
        Where to connect.
    random
        Draws the waits before another attempt.
    sleep
        Waits, in seconds.
    once
        Whether the first end is the last one: for a check.
    """

    def __init__(
        self,
        url: str,
        parts: ConnectionParts,
        random: Random,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        once: bool = False,
    ) -> None:
        self._url = url
        self._parts = parts
        self._backoff = Backoff(random)
        self._sleep = sleep
        self._once = once
        self._stopping = asyncio.Event()
        self._cooled = 0
        self._refused = 0
        self._socket: FeedSocket | None = None
        self._closing: asyncio.Future[None] | None = None
        parts.to(ConnectionState.CONNECTING)

    @property
    def facts(self) -> ConnectionFacts:
        """What the connection knows of itself."""
        return self._parts.facts

    @property
    def subscriptions(self) -> Subscriptions:
        """Wanted and acknowledged items."""
        return self._parts.subscriptions

    async def run(self) -> None:
        """Keep the connection until ``stop``.

        Raises
        ------
        FeedError
            The vendor refuses the key or another connection, or the feed was given up.
        """
        try:
            while not self._stopping.is_set():
                end = await self._attempt()
                if self._stopping.is_set():
                    return
                if self.subscriptions.acknowledged:
                    self._parts.receiver.lost(end.reason)
                self.facts.problem = end.reason
                seconds = self._wait_after(end)
                self.subscriptions.begin()  # nothing is acknowledged until another connection is made
                self.facts.problem = f"{end.reason}; connecting again in {seconds:.1f} s"
                self._parts.receiver.notice(self.facts.problem)
                await self._pause(seconds)
        except FeedError as error:
            self.facts.problem = str(error)
            raise FeedError(f"{self.facts.prefix}{error}") from error
        finally:
            self._parts.to(ConnectionState.STOPPED)

    def stop(self, *, cleanly: bool = True) -> None:
        """End the connection: cleanly, frames that are on their way are received. On the loop's thread."""
        self._stopping.set()
        if self._socket is None:
            return
        if not cleanly:
            self._socket.transport.abort()
        elif self._closing is None:
            self._closing = asyncio.ensure_future(self._socket.close())

    async def _attempt(self) -> AttemptEnd:
        """Connect and stream until an end, and return it.

        Raises
        ------
        FeedError
            It is the end of all attempts.
        """
        self._parts.to(ConnectionState.CONNECTING)
        opened = await self._open()
        if isinstance(opened, OpeningFailure):
            if opened.certificate and not self.facts.was_authenticated:
                raise FeedError(opened.reason)
            self.subscriptions.begin()
            return AttemptEnd(opened.reason, status=opened.status)
        self.facts.connects += 1
        self.facts.clock_offset_ms = clock_offset_ms(opened, self._parts.now())
        self._socket = opened
        if self._stopping.is_set():  # asked for when the socket was open, and not known here yet
            self.stop()
        try:
            return await Attempt(opened, self._parts).run()
        finally:
            self._socket = None

    async def _open(self) -> FeedSocket | OpeningFailure:
        """Open a socket, unless the run is stopped."""
        opening = asyncio.ensure_future(open_socket(self._url, self._parts.params))
        stopped = asyncio.ensure_future(self._stopping.wait())
        await asyncio.wait([opening, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not opening.done():
            opening.cancel()
            return OpeningFailure("the run is stopped")
        return opening.result()

    def _wait_after(self, end: AttemptEnd) -> float:
        """Return how long to wait after the end of an attempt, in seconds; raise if there is no further one."""
        if self._backoff.streamed(end.streamed_seconds):
            self._cooled = 0
        self._refused = self._refused + 1 if end.status in (401, 403) else 0
        if self._once or self._refused >= REFUSALS_IN_A_ROW:
            raise FeedError(f"gave up the feed: {end.reason}")
        if not end.too_many:
            self._parts.to(ConnectionState.CONNECTING)
            return self._backoff.next()
        params = self._parts.params
        if self._cooled >= params.cooling_times:
            raise FeedError(
                f"gave up the feed after {self._cooled} waits of {params.cooling_seconds:g} s: {end.reason}; "
                "end the other program that uses the key"
            )
        self._cooled += 1
        self._parts.to(ConnectionState.COOLING)
        return params.cooling_seconds

    async def _pause(self, seconds: float) -> None:
        """Wait, unless the run is stopped."""
        waits = [asyncio.ensure_future(self._sleep(seconds)), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

"""The vendor's own client, unmodified but for its address, against the played vendor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from massive import WebSocketClient

from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor

LONGEST_SECONDS = 60


class Massive:
    """The client, running as a task, and what its handler was given."""

    def __init__(self, vendor: PlayedVendor, *subscriptions: str, **options: Any) -> None:
        address = vendor.url.removeprefix("ws://")
        self.client = WebSocketClient("a key", feed=address, subscriptions=list(subscriptions), secure=False, **options)
        self.received: list[Any] = []
        self.handle: Callable[[], Awaitable[object]] | None = None
        self.task: asyncio.Task[None] = asyncio.ensure_future(asyncio.sleep(0))

    async def _handle(self, messages: Any) -> None:
        self.received += messages if isinstance(messages, list) else [messages]
        if self.handle is not None:
            await self.handle()

    def start(self, **connecting: Any) -> None:
        """Connect and read, in a task."""
        self.task = asyncio.ensure_future(self.client.connect(self._handle, proxy=None, **connecting))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; the client's task must not end before."""
        async with asyncio.timeout(LONGEST_SECONDS):
            while not condition():
                assert not self.task.done(), f"the client has ended: {self.task}"
                await asyncio.sleep(0.005)

    async def ended(self) -> None:
        """Wait until the client's task ends, and raise what it raised."""
        async with asyncio.timeout(LONGEST_SECONDS):
            await self.task


@asynccontextmanager
async def massive(vendor: PlayedVendor, *subscriptions: str, **options: Any) -> AsyncIterator[Massive]:
    """Run the client within the context; it is cancelled at its end."""
    running = Massive(vendor, *subscriptions, **options)
    try:
        yield running
    finally:
        # More than once: `asyncio.wait_for`, in which it reads, loses a cancellation that comes with a message.
        while not running.task.done():
            running.task.cancel()
            await asyncio.wait({running.task}, timeout=1)
        with suppress(BaseException):
            await running.task

"""A client of the played vendor that shows every frame as it came."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

LONGEST_SECONDS = 60
"""After which a server that has not sent what a test waits for never will."""

Event = dict[str, Any]


class RawClient:
    """Sends commands and reads frames, status messages included."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, action: str, params: str = "") -> None:
        """Send a command as text."""
        await self.connection.send(json.dumps({"action": action, "params": params}))

    async def frame(self) -> list[Event]:
        """Read one frame."""
        async with asyncio.timeout(LONGEST_SECONDS):
            read: list[Event] = json.loads(await self.connection.recv())
            return read

    async def login(self, key: str = "a key") -> None:
        """Read the greeting, and send a key that must be accepted."""
        assert (await self.frame())[0]["status"] == "connected"
        await self.send("auth", key)
        assert (await self.frame())[0]["status"] == "auth_success"

    async def subscribe(self, items: str) -> list[Event]:
        """Log in, subscribe, and return the first frame of the answer."""
        await self.login()
        await self.send("subscribe", items)
        return await self.frame()

    async def events(self, count: int) -> list[Event]:
        """Read frames until there are so many market events, and return these."""
        found: list[Event] = []
        while len(found) < count:
            found += [event for event in await self.frame() if event["ev"] != "status"]
        return found

    async def until_closed(self) -> tuple[list[Event], int]:
        """Read to the end; return all events and the code of the closing, 1006 without a closing frame."""
        found: list[Event] = []
        try:
            while True:
                found += await self.frame()
        except ConnectionClosed as closed:
            return found, 1006 if closed.rcvd is None else closed.rcvd.code


@asynccontextmanager
async def raw_client(url: str) -> AsyncIterator[RawClient]:
    """Connect to a server; without compression, as our client does."""
    async with connect(
        f"{url}/stocks", compression=None, proxy=None, max_size=None, close_timeout=1, open_timeout=LONGEST_SECONDS
    ) as connection:
        yield RawClient(connection)

"""The server's end of one WebSocket connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from tickstock_cli.vendors.polygon.server.injection import ConnectionFaults

TEXT = 0x81
"""First byte of a text message in one frame (RFC 6455)."""


def text_frame(payload: bytes) -> bytes:
    """Return a text message as a server's frame, which is the same for every client: servers mask nothing."""
    size = len(payload)
    if size < 126:
        return bytes((TEXT, size)) + payload
    if size < 1 << 16:
        return bytes((TEXT, 126)) + size.to_bytes(2) + payload
    return bytes((TEXT, 127)) + size.to_bytes(8) + payload


class VendorConnection(ServerConnection):
    """A connection that can stop hearing: what comes meanwhile, pings included, waits unread.

    Attributes
    ----------
    number
        Number of the connection in the order of requests, from 1; 0 before its request.
    faults
        The faults of the connection; none before its request.
    remembers
        The number of the last events sent that are remembered, for faults that repeat some.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.number = 0
        self.remembers = 0
        self.faults = ConnectionFaults()
        self._unheard: list[bytes] | None = None

    def deafen(self) -> None:
        """Read nothing from now on. The end of the connection is noticed all the same."""
        self._unheard = self._unheard or []

    def hear(self) -> None:
        """Read again, first what came meanwhile."""
        unheard, self._unheard = self._unheard or [], None
        for data in unheard:
            self.data_received(data)

    async def write(self, frames: Sequence[bytes]) -> bool:
        """Write serialised frames, and wait until the peer has read all but some kB; return False on a closed one."""
        if self.state is not State.OPEN:
            return False
        self.transport.writelines(frames)
        await self.drain()
        return True

    def data_received(self, data: bytes) -> None:
        if self._unheard is None:
            super().data_received(data)
        else:
            self._unheard.append(data)

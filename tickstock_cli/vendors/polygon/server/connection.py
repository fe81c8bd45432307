"""The server's end of one WebSocket connection."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.server import ServerConnection

from tickstock_cli.vendors.polygon.server.injection import ConnectionFaults


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
        """Hear nothing from now on. The end of the connection is noticed all the same."""
        self._unheard = self._unheard or []

    def hear(self) -> None:
        """Hear again, first what came meanwhile."""
        unheard, self._unheard = self._unheard or [], None
        for data in unheard:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._unheard is None:
            super().data_received(data)
        else:
            self._unheard.append(data)

"""The address of the vendor's server and its clients, whatever they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from tickstock_cli.errors import ServingError
from tickstock_cli.vendors.polygon.server.connection import VendorConnection
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.faults import HttpStatus
from tickstock_cli.vendors.polygon.server.hub import ServerCounts, VendorHub
from tickstock_cli.vendors.polygon.server.injection import VendorFaults
from tickstock_cli.vendors.polygon.server.session import Session, SessionOptions
from tickstock_cli.vendors.polygon.server.tls import tls_context

CLOSE_SECONDS = 2.0
"""Longest time that clients have to close their connections at the end."""
MAX_COMMAND_BYTES = 16 << 20
"""Longest command: one of all tickers has 100 kB."""


class VendorServer:
    """Listens, and serves what is published to ``hub``. An async context manager.

    Parameters
    ----------
    port
        0 is any free port.
    per_frame
        Most events of one release in a frame.
    waits_for_clients
        Whether ``hub.room`` is awaited before each release, so that no client is cut off.
    for_browsers
        Whether pages in browsers can connect; they say where they come from.

    Attributes
    ----------
    hub
        The clients that get events; inside the context.

    Raises
    ------
    ServingError
        The address is taken or none of this machine, or there is no certificate for TLS.
    """

    hub: VendorHub

    def __init__(
        self,
        host: str,
        port: int,
        sessions: SessionOptions,
        per_frame: int,
        faults: FaultPlan | None = None,
        *,
        waits_for_clients: bool = False,
        for_browsers: bool = True,
    ) -> None:
        self._host = host
        self._port = port
        self._sessions = sessions
        self._per_frame = per_frame
        self._waits_for_clients = waits_for_clients
        self._for_browsers = for_browsers
        self._plan = faults or FaultPlan()
        self._faults = VendorFaults(self._plan)
        self._served: set[VendorConnection] = set()

    async def __aenter__(self) -> Self:
        self.hub = VendorHub(self._per_frame, waits_for_clients=self._waits_for_clients)
        self._server = await self._listening()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._server.wait_closed()
        except TimeoutError:  # a client has said that it leaves, and keeps its connection
            for connection in self._served:
                connection.transport.abort()
            await self._server.wait_closed()

    @property
    def url(self) -> str:
        """The address for clients on this machine."""
        host, port = self._server.sockets[0].getsockname()[:2]
        if ip_address(host).is_unspecified:
            host = "127.0.0.1"
        scheme = "ws" if self._plan.tls is None else "wss"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    @property
    def faults(self) -> Counter[str]:
        """Faults that happened so far, by kind."""
        return self._faults.happened

    @property
    def subscriptions(self) -> dict[int, frozenset[str]]:
        """The items that each client with an accepted key is subscribed to, by number of its connection."""
        return {number: client.items for number, client in self.hub.accepted.items()}

    @property
    def counts(self) -> ServerCounts:
        """Counts of the server so far."""
        return self.hub.counts

    async def _listening(self) -> Server:
        secured = None if self._plan.tls is None else tls_context(self._plan.tls)
        try:
            return await serve(
                self._serve,
                self._host,
                self._port,
                create_connection=VendorConnection,
                process_request=self._admit,
                origins=None if self._for_browsers else [None],
                ssl=secured,
                compression=None,
                ping_interval=None,
                close_timeout=1,
                max_size=MAX_COMMAND_BYTES,
                logger=_quiet_logger(),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ServingError(
                f"cannot serve on {self._host}:{self._port}: {reason}; choose another address"
            ) from error

    def _admit(self, connection: ServerConnection, _request: Request) -> Response | None:
        """Return the refusal of a connection, or None; it gets its number and its faults."""
        assert isinstance(connection, VendorConnection)
        self.hub.counts.connections += 1
        connection.number = self.hub.counts.connections
        connection.faults = self._faults.of_connection(connection.number)
        connection.remembers = self._plan.most_repeated
        refused = connection.faults.take(HttpStatus)
        return None if refused is None else connection.respond(refused.status, HTTPStatus(refused.status).phrase)

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, VendorConnection)
        self._served.add(connection)
        try:
            await Session(connection, self.hub, self._sessions).serve()
        finally:
            self._served.discard(connection)


def _quiet_logger() -> logging.Logger:
    """Return a logger that drops messages: handshakes that fail are clients' errors, and are counted."""
    logger = logging.getLogger("tickstock.played_vendor")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger

"""The vendor's server, played from recorded rows: an async context manager, and one in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import pyarrow as pa
from anyio.from_thread import start_blocking_portal
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.errors import ServingError
from tickstock_cli.vendors.polygon.server.chunks import Chunk, chunks_of
from tickstock_cli.vendors.polygon.server.connection import VendorConnection
from tickstock_cli.vendors.polygon.server.faults import FaultPlan, HttpStatus
from tickstock_cli.vendors.polygon.server.hub import Hub, ServerCounts
from tickstock_cli.vendors.polygon.server.injection import FaultInjector
from tickstock_cli.vendors.polygon.server.playing import Player
from tickstock_cli.vendors.polygon.server.session import Session, SessionOptions
from tickstock_cli.vendors.polygon.server.tls import tls_context

MAX_COMMAND_BYTES = 16 << 20
"""Longest command: one of all tickers has 100 kB."""

RowsTogether = pa.RecordBatch | Sequence[pa.RecordBatch]
"""Recorded rows (``core.recording_schema``) of one type, or of several types that are merged by available time."""


@dataclass(frozen=True, slots=True)
class PlayOptions:
    """How the vendor is played.

    Parameters
    ----------
    port
        0 is any free port.
    speed
        Times recorded time; None is as fast as the slowest client reads, from the first subscription on: rows wait
        while no client is subscribed, and no client is too slow.
    start_on_subscribe
        Whether the schedule begins with the first subscription.
    loop
        Whether the rows are played again, with the same times, behind the last one.
    events_per_frame
        Most events of one release in a frame.
    """

    host: str = "127.0.0.1"
    port: int = 0
    speed: float | None = 1.0
    start_on_subscribe: bool = False
    loop: bool = False
    events_per_frame: int = 100
    sessions: SessionOptions = field(default_factory=SessionOptions)


class PlayedVendor:
    """Plays rows to every client that connects. An async context manager: inside it, the server listens and plays.

    Parameters
    ----------
    rows
        Iterated once per pass, in another thread; available times do not descend.

    Raises
    ------
    ServingError
        The address is taken or none of this machine, or there is no certificate for TLS.
    """

    def __init__(
        self,
        rows: Iterable[RowsTogether],
        options: PlayOptions | None = None,
        faults: FaultPlan | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._rows = rows
        self._options = options or PlayOptions()
        self._plan = faults or FaultPlan()
        self._faults = FaultInjector(self._plan)
        self._clock = clock or SystemClock()

    async def __aenter__(self) -> Self:
        options = self._options
        self._hub = Hub(options.events_per_frame, waits_for_clients=options.speed is None)
        self.player = Player(
            self._chunks,
            self._hub,
            options.speed,
            self._clock,
            wait=options.start_on_subscribe,
            loop=options.loop,
        )
        self._server = await self._listening()
        self._playing = asyncio.create_task(self.player.play())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._playing.cancel()
        await asyncio.wait({self._playing})
        self._server.close()
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
    def counts(self) -> ServerCounts:
        """Counts of the server so far."""
        return self._hub.counts

    async def played(self) -> None:
        """Wait until the last row is released, and raise what the rows raised. A loop never ends."""
        await asyncio.shield(self._playing)

    def _chunks(self) -> Iterator[Chunk]:
        return chunks_of(self._rows, self._hub.items)

    async def _listening(self) -> Server:
        secured = None if self._plan.tls is None else tls_context(self._plan.tls)
        try:
            return await serve(
                self._serve,
                self._options.host,
                self._options.port,
                create_connection=VendorConnection,
                process_request=self._admit,
                ssl=secured,
                compression=None,
                ping_interval=None,
                close_timeout=1,
                max_size=MAX_COMMAND_BYTES,
                logger=_quiet_logger(),
            )
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            address = f"{self._options.host}:{self._options.port}"
            raise ServingError(f"cannot serve on {address}: {reason}; choose another address") from error

    def _admit(self, connection: ServerConnection, _request: Request) -> Response | None:
        """Give a connection its number and its faults, and return a refusal if one of them is that."""
        assert isinstance(connection, VendorConnection)
        self._hub.counts.connections += 1
        connection.number = self._hub.counts.connections
        connection.faults = self._faults.of_connection(connection.number)
        connection.remembers = self._plan.most_repeated
        refused = connection.faults.take(HttpStatus)
        return None if refused is None else connection.respond(refused.status, HTTPStatus(refused.status).phrase)

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, VendorConnection)
        await Session(connection, self._hub, self._options.sessions).serve()


@contextmanager
def vendor_in_thread(
    rows: Iterable[RowsTogether], options: PlayOptions | None = None, faults: FaultPlan | None = None
) -> Iterator[PlayedVendor]:
    """Play a vendor on a loop in a thread of its own, for programs and tests without one.

    Of the vendor, ``url`` and counts are safe in the caller's thread.
    """
    with start_blocking_portal(name="tickstock-vendor") as portal:
        vendor = PlayedVendor(rows, options, faults)
        with portal.wrap_async_context_manager(vendor):
            yield vendor


def _quiet_logger() -> logging.Logger:
    """Return a logger that drops messages: handshakes that fail are clients' errors, and are counted."""
    logger = logging.getLogger("tickstock.played_vendor")
    logger.addHandler(logging.NullHandler())
    logger.propagate = False
    return logger

"""The server. It binds its port when it is built, so that a taken port is an error before the run starts.

``EventServer`` runs in an existing event loop; ``ServerThread`` runs one in a thread and a loop of its own.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Self, cast

import uvicorn
from anyio.from_thread import start_blocking_portal

from tickstock_cli.core.host_names import is_host_name
from tickstock_cli.errors import ServingError, UsageError
from tickstock_cli.serving.access import AccessRules
from tickstock_cli.serving.addresses import DEFAULT_PORT
from tickstock_cli.serving.app import build_app
from tickstock_cli.serving.connections import ConnectionBounds, HttpConnection, most_connections
from tickstock_cli.serving.hub import ConnectionCounts, Hub, Limits
from tickstock_cli.serving.protocol import MAX_MESSAGE_BYTES
from tickstock_cli.serving.served import ServedRun
from tickstock_cli.serving.wire import OwnFaults, Wire

if TYPE_CHECKING:
    from tickstock_cli.serving.socket_io import SocketIoPublisher

SOCKETIO_PATH = "/socket.io"
DEFAULT_HOST = "127.0.0.1"
BACKLOG = 1_024
ACCEPTED_TOGETHER = 4
"""Connections that are accepted before the first of them is looked at: together they must not use up all files."""

PING_SECONDS = 20.0
"""Time between two pings, and the longest time for an answer to one."""
STOP_SECONDS = 5.0
"""Longest time that open requests may take when the server stops."""


@dataclass(frozen=True, slots=True)
class Address:
    """Address to listen on, and rules for connections.

    Parameters
    ----------
    port
        0 = any free port.
    token, origins
        As in ``AccessRules``.
    socketio
        Whether to serve clients of the older system, too, through ``socket_io``.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    token: str | None = None
    origins: tuple[str, ...] = ()
    socketio: bool = False


def parse_host_port(text: str) -> tuple[str, int]:
    """Read ``HOST:PORT``, ``HOST``, ``:PORT`` or ``PORT``; IPv6 addresses in brackets.

    Raises
    ------
    UsageError
        The text has none of these forms.

    Examples
    --------
    >>> [parse_host_port(text) for text in ("0.0.0.0:80", "localhost", ":0", "9000", "[::1]:80")]
    [('0.0.0.0', 80), ('localhost', 8765), ('127.0.0.1', 0), ('127.0.0.1', 9000), ('::1', 80)]
    """
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = ("", text) if text.isdigit() else (text, "")
    if port and not (port.isascii() and port.isdigit() and int(port) <= 65_535):
        raise UsageError(f"cannot listen on {text!r}: the port must be 0 to 65535; write HOST:PORT")
    return checked_host(host.removeprefix("[").removesuffix("]") or DEFAULT_HOST), int(port) if port else DEFAULT_PORT


def checked_host(host: str) -> str:
    """Return a host to listen on.

    Raises
    ------
    UsageError
        It is not a name or an address.
    """
    if not is_host_name(host):
        raise UsageError(f"cannot listen on {host!r}: it is not the name or the address of a host; write HOST:PORT")
    return host


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address.

    Raises
    ------
    ServingError
        The address is taken, or does not belong to this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServingError(f"cannot serve on {host}:{port}: {_reason(error)}; choose another host") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise ServingError(f"cannot serve on {host}:{port}: {_reason(error)}; {_remedy(error)}") from error
    return listener


def _remedy(error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return "the address does not belong to this machine; use 127.0.0.1 for this machine only, 0.0.0.0 for all"
    return "choose another port, 0 takes any free one"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _socketio() -> SocketIoPublisher:
    from tickstock_cli.serving.socket_io import SocketIoPublisher

    return SocketIoPublisher()


OWN_FAULTS = OwnFaults()


class _Uvicorn(uvicorn.Server):
    """Uvicorn without signal handlers: the caller handles signals."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class EventServer:
    """Serves one run. ``start`` and ``stop`` must be called in one event loop; other methods in any thread.

    The constructor binds the address and raises as ``bind`` does.
    """

    def __init__(self, served: ServedRun, address: Address, limits: Limits | None = None) -> None:
        self.old_clients = _socketio() if address.socketio else None
        """The Socket.IO endpoint; None without ``socketio``."""
        companions = {} if self.old_clients is None else {SOCKETIO_PATH: self.old_clients}
        self._socket = bind(address.host, address.port)
        self.host, self.port = self._socket.getsockname()[:2]
        rules = AccessRules(address.token, ipaddress.ip_address(self.host).is_loopback, address.origins)
        self._hub: Hub | None = None
        self._token = address.token
        limits = limits or Limits()
        counts = ConnectionCounts(most_connections(limits.max_connections))
        protocol = partial(HttpConnection, bounds=ConnectionBounds(limits, counts))
        self._config = uvicorn.Config(
            build_app(served, rules, limits, self._started, companions, counts),
            http=cast("type[asyncio.Protocol]", protocol),
            backlog=ACCEPTED_TOGETHER,
            ws=Wire,
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_ping_interval=PING_SECONDS,
            ws_ping_timeout=PING_SECONDS,
            ws_per_message_deflate=False,  # 90 µs a message and client; a proxy can compress instead
            lifespan="on",
            log_config=None,
            log_level="warning",  # below it, addresses of requests are logged, and they can hold a token
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=int(STOP_SECONDS),
        )
        logging.getLogger("uvicorn.error").addFilter(OWN_FAULTS)
        self._uvicorn = _Uvicorn(self._config)
        self._running: asyncio.Task[None] | None = None

    def _started(self, hub: Hub) -> None:
        self._hub = hub

    @property
    def hub(self) -> Hub:
        """The state that the clients share; available once the server has started."""
        assert self._hub is not None
        return self._hub

    @property
    def url(self) -> str:
        """Address of the page for a browser on this machine, with the token if there is one."""
        anywhere = ipaddress.ip_address(self.host).is_unspecified
        host = "127.0.0.1" if anywhere else f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}/" + (f"?token={self._token}" if self._token else "")

    def begin_epoch(self, served: ServedRun) -> None:
        """Serve another epoch of the run, to connected clients and to later ones."""
        self.hub.begin_epoch(served)
        if self.old_clients is not None:
            self.old_clients.begin_epoch()

    async def start(self) -> None:
        """Start serving; return once clients can connect."""
        self._running = asyncio.create_task(self._uvicorn.serve([self._socket]))
        while not self._uvicorn.started:
            if self._running.done():
                await self._running
                return
            await asyncio.sleep(0.005)
        self._socket.listen(BACKLOG)  # asyncio has set the backlog to the number accepted together

    async def drain(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until every subscribed client has all events; return whether they have."""
        try:
            async with asyncio.timeout(seconds):
                while not self.hub.caught_up:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            return False
        return True

    def release(self) -> None:
        """Release the address of a server that has not started."""
        self._socket.close()

    async def stop(self) -> None:
        """Close every connection and stop. Idempotent."""
        if self._running is None:
            self.release()
            return
        if self.old_clients is not None:
            await self.old_clients.disconnect_all()
        self._uvicorn.should_exit = True
        await self._running


class ServerThread:
    """A server on a loop in a thread of its own. A context manager: leaving it stops the server and the thread."""

    def __init__(self, served: ServedRun, address: Address, limits: Limits | None = None) -> None:
        self.server = EventServer(served, address, limits)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.server.release)
            self._portal = undo.enter_context(start_blocking_portal(name="tickstock-server"))
            self._portal.call(self.server.start)
            undo.callback(self._portal.call, self.server.stop)
            self._stack = undo.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def drain(self, seconds: float) -> bool:
        """Wait at most ``seconds`` until every subscribed client has all events; return whether they have."""
        return self._portal.call(self.server.drain, seconds)

    def begin_epoch(self, served: ServedRun) -> None:
        """Schedule ``EventServer.begin_epoch`` in the server's loop; return at once."""
        self._portal.start_task_soon(self.server.begin_epoch, served)

    def stop(self) -> None:
        """Close every connection, and wait for the end of the thread. Idempotent."""
        self._stack.close()

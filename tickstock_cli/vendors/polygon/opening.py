"""Opens a WebSocket to the vendor, and says in words why it could not be opened or why it ended."""

from __future__ import annotations

import logging
import os
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage, InvalidStatus, InvalidURI
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from tickstock_cli.vendors.polygon.params import PolygonParams

CLOSE_SECONDS = 5.0
"""How long a clean end waits for the vendor's answer."""
KEEPALIVE_SECONDS = 20
USER_TIMEOUT_MS = 60_000
"""Sent bytes that stay unconfirmed this long end the connection, though no close arrives."""
QUEUED_FRAMES = 4_096
"""Frames that the library buffers: a pong behind unread frames would look like a lost connection."""

_CONNECT_ERRNO = re.compile(r"\[Errno (\d+)\] Connect call failed")
"""How asyncio words a connection that was not made, also among those of several addresses of one host."""

_SILENT = logging.Logger("tickstock.polygon", logging.CRITICAL + 1)
"""A log of its own, outside the tree of loggers: the library logs sent messages, and the key is one."""


@dataclass(frozen=True, slots=True)
class OpeningFailure:
    """Why a connection could not be opened.

    Parameters
    ----------
    status
        HTTP status of the answer; None without an answer.
    certificate
        Whether the certificate is not that of the host.
    """

    reason: str
    status: int | None = None
    certificate: bool = False


class FeedSocket(ClientConnection):
    """A connection whose plain messages are handed over as they are parsed, without the wake of a waiting ``recv``.

    ``take`` gets each message that came in one frame, unless an earlier one waits for ``recv``. It returns whether it
    took the message; ``recv`` returns the others.
    """

    take: Callable[[bytes], bool] | None = None

    def process_event(self, event: Event) -> None:
        if (
            self.take is not None
            and isinstance(event, Frame)
            and event.fin
            and event.opcode in (Opcode.TEXT, Opcode.BINARY)
            and not len(self.recv_messages.frames)
            and self.take(bytes(event.data))
        ):
            return
        super().process_event(event)


class _Connect(connect):
    def process_redirect(self, exc: Exception) -> Exception | str:
        """Follow no redirect: the key is for the host that was named."""
        return exc


async def open_socket(url: str, params: PolygonParams) -> FeedSocket | OpeningFailure:
    """Return an open connection, or why there is none."""
    parts = urlsplit(url)
    host = parts.hostname if parts.port is None else f"{parts.hostname}:{parts.port}"
    try:
        connection = await _Connect(
            url,
            create_connection=FeedSocket,
            compression="deflate" if params.compression else None,
            proxy=True if params.proxy else None,
            open_timeout=params.open_seconds,
            close_timeout=CLOSE_SECONDS,
            ping_interval=None,  # the connection pings: a library's ping does not know why frames are not read
            max_size=params.max_size_mib << 20,
            max_queue=QUEUED_FRAMES,
            logger=_SILENT,
        )
    except ssl.SSLCertVerificationError as error:
        reason = f"the certificate of {host} does not fit ({error.verify_message}): probably a wrong host name"
        return OpeningFailure(reason, certificate=True)
    except InvalidStatus as error:
        status = error.response.status_code
        return OpeningFailure(f"{host} answers with HTTP status {status}", status)
    except InvalidURI:
        return OpeningFailure(f"{url} is no address of a WebSocket")
    except InvalidMessage:
        return OpeningFailure(f"{host} does not answer as a WebSocket")
    except TimeoutError:
        return OpeningFailure(f"{host} does not answer within {params.open_seconds:g} s")
    except (InvalidHandshake, OSError, EOFError) as error:
        return OpeningFailure(f"cannot connect to {host}: {_words(error)}")
    assert isinstance(connection, FeedSocket)
    _keep_alive(connection.transport.get_extra_info("socket"))
    return connection


def clock_offset_ms(connected: ClientConnection, now: int) -> float | None:
    """Return ``now`` (ns UTC) minus the date of the vendor's handshake, in ms; None if it has none.

    The date is in whole seconds: it is taken for the middle of its second.
    """
    text = None if connected.response is None else connected.response.headers.get("Date")
    if text is None:
        return None
    try:
        date = parsedate_to_datetime(text).timestamp() + 0.5
    except ValueError:
        return None
    return now / 1e6 - date * 1e3


def closing_words(closed: ConnectionClosed) -> tuple[str, int | None]:
    """Return in words how a connection ended, and the vendor's close code; None without a close frame."""
    received = closed.rcvd
    if received is None:
        return "the connection broke off without a close frame", None
    reason = f" ({received.reason})" if received.reason else ""
    return f"the vendor closed the connection with code {int(received.code)}{reason}", int(received.code)


def _words(error: BaseException) -> str:
    refused = _CONNECT_ERRNO.search(str(error))
    if isinstance(error, OSError) and refused:
        return os.strerror(int(refused[1])).lower()
    if isinstance(error, OSError) and error.strerror:
        # asyncio's text names the call and the address; errors of name resolution have numbers of their own.
        if error.errno is None or isinstance(error, socket.gaierror):
            return error.strerror.lower()
        return os.strerror(error.errno).lower()
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _keep_alive(connected: Any) -> None:
    """Let the operating system find a dead peer; options that it does not have are left out."""
    if connected is None:
        return
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    tcp = {"TCP_KEEPIDLE": KEEPALIVE_SECONDS, "TCP_KEEPINTVL": KEEPALIVE_SECONDS, "TCP_USER_TIMEOUT": USER_TIMEOUT_MS}
    options += [
        (socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in tcp.items() if hasattr(socket, name)
    ]
    for level, option, value in options:
        with suppress(OSError):
            connected.setsockopt(level, option, value)

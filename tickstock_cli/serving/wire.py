"""The connection below a session: uvicorn's WebSocket protocol with deadlines for clients that take no data.

Closing a transport waits until its buffer is empty; a client that stops reading delays that without end. So every
close has a deadline, and the application can abort a connection at once. Both use the transport and the state that
uvicorn passes on, through the interfaces of asyncio and ASGI; no private member of uvicorn's protocol is used.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tickstock_cli.serving.hub import CLOSE_SECONDS
from tickstock_cli.serving.session import ABORT

FAULTS_OF_CLIENTS = (
    "ASGI callable returned without completing handshake.",  # a rejection with a response completes it
    "Invalid UTF-8 sequence received from client.",
    "Invalid HTTP request received.",
    "Unsupported upgrade request.",
)
"""Messages that uvicorn logs as errors or warnings, though the fault is the client's."""


class Wire(WebSocketsSansIOProtocol):
    """A WebSocket connection that the application can abort, and whose end never waits for the client."""

    def __init__(self, *, app_state: dict[str, Any], **arguments: Any) -> None:
        super().__init__(app_state={**app_state, ABORT: self._abort}, **arguments)
        self._bounded: BoundedTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._bounded = BoundedTransport(cast(asyncio.Transport, transport))
        super().connection_made(cast(asyncio.Transport, self._bounded))

    def _abort(self, seconds: float) -> None:
        """Abort the connection after ``seconds``, even if its buffer is not empty."""
        if self._bounded is not None:
            self._bounded.abort_in(seconds)


class BoundedTransport:
    """A transport that aborts if its close takes longer than ``CLOSE_SECONDS``; other members are the transport's."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._transport.close()
        self.abort_in(CLOSE_SECONDS)

    def abort_in(self, seconds: float) -> None:
        """Abort the connection after ``seconds``, even if its buffer is not empty."""
        asyncio.get_running_loop().call_later(seconds, self._transport.abort)


class OwnFaults(logging.Filter):
    """Drops the messages about faults of clients: a client must not fill the log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg not in FAULTS_OF_CLIENTS

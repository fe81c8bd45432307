"""The connection below a session: uvicorn's WebSocket protocol, made to let go of clients that take nothing.

Closing a transport waits until its buffer is empty, which a client that has stopped reading can put off for ever. So
every closing has a deadline here, and the application can cut a connection at once. Both are done to the transport and
to the state that uvicorn hands on, by the interfaces of asyncio and ASGI: no member of uvicorn's protocol is used.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tickstock_cli.serving.session import ABORT, CLOSE_SECONDS

FAULTS_OF_CLIENTS = (
    "ASGI callable returned without completing handshake.",  # a refusal with an answer of its own completes it
    "Invalid UTF-8 sequence received from client.",
)
"""What uvicorn logs as an error, though nothing is wrong on our side."""


class Wire(WebSocketsSansIOProtocol):
    """A WebSocket connection whose application can cut it, and whose end never waits for the client."""

    def __init__(self, *, app_state: dict[str, Any], **arguments: Any) -> None:
        super().__init__(app_state={**app_state, ABORT: self._abort}, **arguments)
        self._bounded: BoundedTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._bounded = BoundedTransport(cast(asyncio.Transport, transport))
        super().connection_made(cast(asyncio.Transport, self._bounded))

    def _abort(self, seconds: float) -> None:
        """Cut the connection after so many seconds, whatever it still holds."""
        if self._bounded is not None:
            self._bounded.abort_in(seconds)


class BoundedTransport:
    """A transport that is cut if closing it takes longer than ``CLOSE_SECONDS``; the same in everything else."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def close(self) -> None:
        self._transport.close()
        self.abort_in(CLOSE_SECONDS)

    def abort_in(self, seconds: float) -> None:
        """Cut the connection after so many seconds, whatever it still holds."""
        asyncio.get_running_loop().call_later(seconds, self._transport.abort)


class OwnFaults(logging.Filter):
    """Lets through what uvicorn logs, but for the faults of clients: a client must not fill our log."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.msg not in FAULTS_OF_CLIENTS

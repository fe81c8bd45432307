"""The connection below a session: uvicorn's WebSocket protocol, made to let go of clients that take nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from tickstock_cli.serving.session import ABORT

if TYPE_CHECKING:
    from uvicorn._types import ASGISendEvent

CLOSE_SECONDS = 2.0
"""How long a connection that is being closed may take to empty its buffer before it is cut."""
INVALID_DATA = 1007


class Wire(WebSocketsSansIOProtocol):
    """A WebSocket connection whose application can cut it, and whose end never waits for the client.

    Closing a transport waits until its buffer is empty, which a client that has stopped reading can put off for
    ever. So every way out of here, a missed pong and the server's stop included, has a deadline.
    """

    async def run_asgi(self) -> None:
        """Run the application, and see that the connection goes when it has ended."""
        self.scope.setdefault("extensions", {})[ABORT] = {"abort": self.transport.abort}
        try:
            await super().run_asgi()
        finally:
            self._cut_soon()

    async def send(self, message: ASGISendEvent) -> None:
        """Send what the application says; a refusal completes the handshake, and is no fault to be logged."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body"):
            self.handshake_complete = True

    def keepalive_timeout(self) -> None:
        """End a connection whose client has not answered a ping."""
        super().keepalive_timeout()
        self._cut_soon()

    def shutdown(self) -> None:
        """End the connection because the server stops."""
        super().shutdown()
        self._cut_soon()

    def send_receive_event_to_app(self) -> None:
        """Pass a message on; one that is no UTF-8 ends the connection without a traceback in our log."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.frames = []
            self.conn.send_close(INVALID_DATA)
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def _cut_soon(self) -> None:
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self.transport.abort)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

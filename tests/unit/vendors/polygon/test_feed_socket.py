"""Messages keep their order, whether they are taken as they are parsed or received one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from tickstock_cli.vendors.polygon.opening import FeedSocket, open_socket
from tickstock_cli.vendors.polygon.params import PolygonParams


async def received(messages: Sequence[str | list[str]]) -> tuple[list[bytes], list[bytes]]:
    """Return what a client gets of the messages a server sends, a list in fragments; and what of it was taken.

    It takes those without a ``?``.
    """
    both: list[bytes] = []
    taken: list[bytes] = []

    async def send(server: ServerConnection) -> None:
        await server.recv()
        for message in messages:
            await server.send(message)
        await server.close()

    def take(message: bytes) -> bool:
        if b"?" in message:
            return False
        both.append(message)
        taken.append(message)
        return True

    async with serve(send, "127.0.0.1", 0) as server:
        (listening,) = server.sockets
        socket = await open_socket(f"ws://127.0.0.1:{listening.getsockname()[1]}", PolygonParams())
        assert isinstance(socket, FeedSocket)
        socket.take = take
        await socket.send("begin")
        with suppress(ConnectionClosed):
            while True:
                both.append(await socket.recv(decode=False))
        return both, taken


MESSAGES = st.lists(
    st.sampled_from(["rows", "rows", "more rows", "status?"]) | st.lists(st.just("part"), min_size=2, max_size=3),
    max_size=30,
)


@given(MESSAGES)
def test_messages_come_in_the_order_in_which_they_were_sent(messages: list[str | list[str]]) -> None:
    """A status must not be overtaken by the rows behind it, nor a message in fragments."""
    numbered = [
        [f"{number} ", *message] if isinstance(message, list) else f"{number} {message}"
        for number, message in enumerate(messages)
    ]
    found, _ = asyncio.run(received(numbered))
    assert found == ["".join(message).encode() for message in numbered]


def test_messages_without_a_status_are_taken() -> None:
    """They need no wake of the task that receives."""
    found, taken = asyncio.run(received(["one", "two", "status?"]))
    assert taken == [b"one", b"two"]
    assert found == [b"one", b"two", b"status?"]

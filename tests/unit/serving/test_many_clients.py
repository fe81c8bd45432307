"""Hundreds of clients at once, some of which have stopped reading: everybody else gets everything."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from tests.unit.serving.served_runs import NewLog, client, in_order, served
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.server import ServerThread

CLIENTS = 200
STALLED = 20
EVENTS = 200
LONGEST_SECONDS = 60
"""A server that has not come to what a test waits for after so long never will."""
BOUND = 65_536 + 262_144
"""What one client's connection may hold: the transport's mark and one message."""


async def follow(server: ServerThread, count: int) -> list[int]:
    """Read the log from its beginning, until there are ``count`` events."""
    sequences: list[int] = []
    async with connect(
        f"ws://127.0.0.1:{server.server.port}/ws", compression=None, proxy=None, open_timeout=LONGEST_SECONDS
    ) as connection:
        await connection.send('{"type": "subscribe", "from": "first"}')
        while len(sequences) < count:
            message = json.loads(await asyncio.wait_for(connection.recv(), LONGEST_SECONDS))
            sequences += [told["sequence"] for told in in_order(message.get("events", []))]
    return sequences


async def until(condition: Callable[[], object]) -> None:
    """Wait for something to come true."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)


async def stall(stack: AsyncExitStack, server: ServerThread) -> ClientConnection:
    """Subscribe to everything and read nothing."""
    url = f"ws://127.0.0.1:{server.server.port}/ws"
    connection = await stack.enter_async_context(
        connect(url, compression=None, proxy=None, max_queue=1, open_timeout=LONGEST_SECONDS, close_timeout=0.1)
    )
    await connection.send('{"type": "subscribe", "from": "first"}')
    return connection


def buffered(server: ServerThread) -> list[int]:
    """Return how many bytes wait in the server for each client."""
    connections = list(server.server._uvicorn.server_state.connections)
    return [connection.transport.get_write_buffer_size() for connection in connections]


def test_every_client_gets_every_event_while_others_stall(new_log: NewLog) -> None:
    """A stalled client holds one message and waits; nobody else notices."""
    log = new_log(EVENTS)

    async def story(server: ServerThread) -> tuple[list[list[int]], list[int]]:
        async with AsyncExitStack() as stack:
            for _ in range(STALLED):
                await stall(stack, server)
            readers = [asyncio.create_task(follow(server, 2 * EVENTS)) for _ in range(CLIENTS)]
            while log.next_sequence <= 2 * EVENTS:
                log.add(10)
                await asyncio.sleep(0)
            told = await asyncio.gather(*readers)
            return told, buffered(server)

    with served(log) as server:
        told, waiting = asyncio.run(story(server))

    assert told == [list(range(1, 2 * EVENTS + 1))] * CLIENTS
    assert max(waiting, default=0) <= BOUND


def test_the_log_is_read_once_for_all(new_log: NewLog) -> None:
    """What one client has made the server read and encode, serves the others."""
    log = new_log(2_000)

    async def story(server: ServerThread) -> None:
        await asyncio.gather(*(follow(server, 2_000) for _ in range(50)))

    with served(log) as server:
        asyncio.run(story(server))

    assert log.reads == 8


def test_a_stalled_client_is_disconnected_and_can_reconnect(new_log: NewLog) -> None:
    """It takes no byte for the time allowed, and little of its 9 MB waits; back again, it goes on where it was."""
    log = new_log(20_000)

    async def story(server: ServerThread) -> int:
        waiting = [0]

        def cut_off() -> int:
            waiting.extend(buffered(server))
            return server.server.hub.cut_off

        async with AsyncExitStack() as stack:
            await stall(stack, server)
            await until(cut_off)
            await until(lambda: not server.server.hub.clients and not buffered(server))
        return max(waiting)

    with served(log, limits=Limits(send_seconds=0.3)) as server:
        assert 0 < asyncio.run(story(server)) <= BOUND
        with client(server) as reader:
            reader.subscribe(**{"from": 19_998, "run": "run-1"})
            assert reader.sequences(3) == [19_998, 19_999, 20_000]


def test_a_server_with_a_stalled_client_stops_all_the_same(new_log: NewLog) -> None:
    """Closing waits for buffers to empty, which this client puts off for ever."""

    async def story() -> None:
        with served(new_log(20_000)) as server:
            async with AsyncExitStack() as stack:
                await stall(stack, server)
                await until(lambda: max(buffered(server), default=0))
                await asyncio.to_thread(server.stop)

    asyncio.run(story())


def test_clients_beyond_the_limit_are_rejected(new_log: NewLog) -> None:
    """The one too many is told so in the handshake, and can come in when another one has left."""

    async def story(server: ServerThread) -> int:
        url = f"ws://127.0.0.1:{server.server.port}/ws"
        async with connect(url, proxy=None, open_timeout=LONGEST_SECONDS) as first:
            await first.recv()
            try:
                async with connect(url, proxy=None, open_timeout=LONGEST_SECONDS):
                    return 101
            except InvalidStatus as refused:
                return refused.response.status_code

    with served(new_log(), limits=Limits(max_clients=1)) as server:
        assert asyncio.run(story(server)) == 503
        asyncio.run(until(lambda: not server.server.hub.clients))
        with client(server) as reader:
            assert reader.hello["type"] == "hello"

"""Following a server from a program: breaks, restarts, and what cannot be followed."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import aclosing, closing
from typing import Any

import pytest

from tests.unit.serving.served_runs import SHORT_MEMORY, NewLog, in_order, served
from tickstock_cli.errors import ServingError, TickstockError, UsageError
from tickstock_cli.serving.addresses import websocket_url
from tickstock_cli.serving.client import Follower, Subscription
from tickstock_cli.serving.server import Address, ServerThread


class Reader:
    """Follows a server in the test's own event loop, and remembers what it was told."""

    def __init__(
        self, port: int, subscription: Subscription, token: str | None = None, give_up_seconds: float = 20
    ) -> None:
        self.told: list[str] = []
        self.sequences: list[int] = []
        self.hello: Mapping[str, Any] = {}
        self.follower = Follower(
            f"ws://127.0.0.1:{port}/ws", subscription, token, give_up_seconds, self.greet, self.told.append
        )

    def greet(self, hello: Mapping[str, Any]) -> None:
        """Remember hello."""
        self.hello = hello

    async def until(self, count: int, reading: asyncio.Task[None]) -> None:
        """Wait until ``reading`` has brought so many events."""
        while len(self.sequences) < count:
            assert not reading.done(), f"following ended after {len(self.sequences)} of {count} events: {self.told}"
            await asyncio.sleep(0.01)

    async def read(self, count: int = 2**63) -> None:
        """Read until there are ``count`` events, or the run is over."""
        async with aclosing(self.follower.batches()) as batches:
            async for events in batches:
                self.sequences += [event["sequence"] for event in in_order(events)]
                if len(self.sequences) >= count:
                    return


def read_all(server: ServerThread, subscription: Subscription, **more: Any) -> Reader:
    """Follow a run to its end."""
    reader = Reader(server.server.port, subscription, **more)
    asyncio.run(reader.read())
    return reader


def failure(port: int, subscription: Subscription, **more: Any) -> TickstockError:
    """Return the error that following ends with."""
    with pytest.raises(TickstockError) as failed:
        asyncio.run(Reader(port, subscription, **more).read())
    return failed.value


def test_a_finished_run_is_read_to_its_end(new_log: NewLog) -> None:
    """Then following ends, too."""
    log = new_log(1_000)
    log.finish()
    with served(log) as server:
        everything = read_all(server, Subscription(start="first"))
        some = read_all(
            server, Subscription(kinds=("high",), tickers=("ABC",), min_priority=1, sources=("tick",), start=500)
        )

    assert everything.sequences == list(range(1, 1_001))
    assert everything.follower.next == 1_001
    assert everything.hello["about"] == {"title": "a story"}
    assert some.sequences == list(range(510, 1_001, 15))


def test_a_restart_of_the_server_loses_nothing_and_repeats_nothing(new_log: NewLog) -> None:
    """Events told while there was no server arrive as well."""
    log = new_log(500)

    async def story() -> Reader:
        with served(log) as first:
            port = first.server.port
            reader = Reader(port, Subscription(start="first"))
            reading = asyncio.create_task(reader.read())
            await reader.until(500, reading)
            await asyncio.to_thread(first.stop)
        log.add(100)
        with served(log, address=Address(port=port)):
            await reader.until(600, reading)
            log.add(50)
            log.finish()
            await reading
        return reader

    reader = asyncio.run(story())

    assert reader.sequences == list(range(1, 651))
    assert reader.told[-1] == "connected again, resuming with event 501"


def test_a_client_whose_filter_matches_nothing_resumes_at_its_position(new_log: NewLog) -> None:
    """The end is told, and the place to return to is behind everything."""
    log = new_log(700)
    log.finish()
    with served(log) as server:
        reader = read_all(server, Subscription(tickers=("NONE",), start="first"))

    assert (reader.sequences, reader.follower.next) == ([], 701)


def test_an_unreachable_server_is_an_error_after_a_time() -> None:
    """After the time the user allows, in one line."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]

    assert str(failure(port, Subscription(), give_up_seconds=0)) == (
        f"cannot reach ws://127.0.0.1:{port}/ws for 0 s: connect call failed ('127.0.0.1', {port})"
    )


def test_a_missing_token_is_an_error_without_a_retry(new_log: NewLog) -> None:
    """In the server's own words."""
    log = new_log(3)
    log.finish()
    with served(log, address=Address(port=0, token="let-me-in")) as server:
        error = failure(server.server.port, Subscription())
        assert read_all(server, Subscription(start="first"), token="let-me-in").sequences == [1, 2, 3]

    assert isinstance(error, UsageError)
    assert "this server requires a token" in str(error)


def test_a_rejected_subscription_is_a_usage_error(new_log: NewLog) -> None:
    """With the choices."""
    with served(new_log(3)) as server:
        error = failure(server.server.port, Subscription(kinds=("hihg",)))

    assert isinstance(error, UsageError)
    assert "the kinds are high, low, surge, trend, fmv" in str(error)


def test_deleted_events_are_an_error(new_log: NewLog) -> None:
    """Going on behind them is for the user to decide."""
    log = new_log(30, SHORT_MEMORY)
    with served(log) as server:
        error = failure(server.server.port, Subscription(start=1))

    assert isinstance(error, ServingError)
    assert str(error).endswith(f"resume with --from {log.first_sequence}")


def test_another_run_ends_following_with_an_error(new_log: NewLog) -> None:
    """Its numbers mean other events."""

    async def story() -> None:
        with served(new_log(10)) as first:
            port = first.server.port
            reader = Reader(port, Subscription(start="first"))
            reading = asyncio.create_task(reader.read())
            await reader.until(10, reading)
            await asyncio.to_thread(first.stop)
        with served(new_log(20), address=Address(port=port), run="run-2"):
            await reading

    with pytest.raises(ServingError, match="now serves run run-2 instead of run-1"):
        asyncio.run(story())


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("localhost", "ws://localhost:8765/ws"),
        ("[::1]", "ws://[::1]:8765/ws"),
        ("desk:80", "ws://desk:80/ws"),
        ("https://desk.example/feed/", "wss://desk.example/feed/ws"),
    ],
)
def test_a_host_without_a_port_has_the_port_that_servers_take(text: str, url: str) -> None:
    """`serve` prints no port that a user has chosen; only an address with a scheme has the port of that scheme."""
    assert websocket_url(text) == url


@pytest.mark.parametrize("text", ["ftp://desk", "http://", "", "desk:port", "desk:70000"])
def test_an_invalid_address_is_an_error(text: str) -> None:
    """Before anything is tried."""
    with pytest.raises(UsageError, match="is not the address of a server"):
        websocket_url(text)


def test_notices_of_a_live_feed_are_reported_as_lines(new_log: NewLog) -> None:
    """To a program that asks for them: `tickstock watch` prints them beside the events."""
    log = new_log(1)

    async def story(port: int) -> list[str]:
        reader = Reader(port, Subscription(start="first", notices=True))
        reading = asyncio.create_task(reader.read())
        await reader.until(1, reading)
        text = "minute 09:30 complete, 812 symbols, lag 420 ms"
        hub.notices.post({"kind": "minute", "text": text, "minute": 0, "symbols": 812, "lag_ms": 420.5})
        log.finish()
        await reading
        return reader.told

    with served(log) as server:
        hub = server.server.hub
        assert asyncio.run(story(server.server.port)) == ["minute 09:30 complete, 812 symbols, lag 420 ms"]

"""Clients of the older system, by a real Socket.IO client."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import asynccontextmanager, contextmanager, suppress
from threading import Event
from typing import Any

import httpx
import pytest

from tests.unit.serving.served_runs import START, NewLog, StoryLog, event, events, served
from tickstock_cli.build import event_kinds
from tickstock_cli.serving import legacy_feed
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.payload import LegacyTranslator
from tickstock_cli.serving.server import Address, ServerThread
from tickstock_cli.serving.socket_io import SocketIoPublisher

aiohttp = pytest.importorskip("aiohttp", reason="the extra socketio is not installed")
socketio = pytest.importorskip("socketio", reason="the extra socketio is not installed")

KEYS = [
    "ticker", "type", "price", "time", "event_id", "direction", "reversal", "count", "count_up", "count_down",
    "percent_change", "vwap", "vwap_divergence", "volume", "rel_volume", "label", "event_specific_data",
]  # fmt: skip
QUICK = Limits(heartbeat_seconds=0.05)
ENOUGH = 100_000
"""Events: 50 MB, several times what the machine's own buffers hold for one connection."""
SMALL_BUFFER_BYTES = 4_096
"""The machine's buffer of one side: what a client does not read waits in the server after kilobytes, not megabytes."""
LONGEST_SECONDS = 60
"""Without what a test waits for after so long, something is broken; better a failed test than one that hangs. Also how
long a client waits for the answer to its connecting: by the library's own second a busy machine is late."""


@contextmanager
def old_server(log: StoryLog, limits: Limits | None = None, token: str | None = None) -> Iterator[ServerThread]:
    """Serve a log to old clients, too."""
    with served(log, limits=limits, address=Address(port=0, token=token, socketio=True)) as server:
        yield server


def publisher(server: ServerThread) -> SocketIoPublisher:
    """Return the Socket.IO endpoint."""
    assert server.server.old_clients is not None
    return server.server.old_clients


class Heard:
    """What a client is told of one kind, in the order in which it comes."""

    def __init__(self, kind: str, io: Any) -> None:
        self._kind = kind
        self._io = io
        self._waiting: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        io.on(kind, self._waiting.put)

    async def get(self) -> dict[str, Any]:
        """Take the next one, once it has come; a client that was cut off would wait for it for ever."""
        try:
            async with asyncio.timeout(LONGEST_SECONDS):
                return await self._waiting.get()
        except TimeoutError:
            how = "connected" if self._io.connected else "cut off"
            raise AssertionError(f"no {self._kind} for {LONGEST_SECONDS} s; the client is {how}") from None


class OldClient:
    """A client as the older system's pages have it."""

    def __init__(self, **options: Any) -> None:
        self.io = socketio.AsyncClient(reconnection=False, **options)
        self.events = Heard("market_event", self.io)
        self.heartbeats = Heard("heartbeat", self.io)
        self.notices = Heard("notice", self.io)
        self.refusals = Heard("connect_error", self.io)

    async def connect(self, url: str, **options: Any) -> None:
        """Connect, and wait until the server has let it in."""
        await self.io.connect(url, wait_timeout=LONGEST_SECONDS, **options)


@asynccontextmanager
async def old_client(server: ServerThread, user: str, query: str = "", **options: Any) -> AsyncIterator[OldClient]:
    """Connect as a user."""
    client = OldClient()
    url = f"http://127.0.0.1:{server.server.port}{query}"
    await client.connect(url, auth={"user_id": user}, **options)
    try:
        yield client
    finally:
        # A polling client waits for the answer to its last poll, which the library's server leaves open.
        with suppress(TimeoutError):
            await asyncio.wait_for(client.io.disconnect(), 0.5)


def small_socket(address: Any) -> socket.socket:
    """Return a socket for an address, which takes few bytes that nobody reads."""
    family, kind, protocol, *_ = address
    small = socket.socket(family, kind, protocol)
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER_BYTES)
    return small


@contextmanager
def stalled_client(server: ServerThread, user: str, transport: str) -> Iterator[None]:
    """Connect as a user with a client of the library that reads its first event and then nothing, its loop being busy.

    The client has a thread of its own, wakes up at the end, and finds itself cut off.
    """
    connected, release = Future[None](), Event()

    async def story() -> None:
        url = f"http://127.0.0.1:{server.server.port}"
        connector = aiohttp.TCPConnector(socket_factory=small_socket)
        async with aiohttp.ClientSession(connector=connector) as session:  # the library would leave its own open
            client = OldClient(http_session=session)
            client.io.on("market_event", lambda _: release.wait())
            await client.connect(url, auth={"user_id": user}, transports=[transport])
            connected.set_result(None)
            async with asyncio.timeout(2 * LONGEST_SECONDS):
                await client.io.wait()

    with ThreadPoolExecutor(1) as thread:
        told = thread.submit(asyncio.run, story())
        try:
            next(as_completed([connected, told], LONGEST_SECONDS)).result()  # a client that failed is not waited for
            yield
        finally:
            release.set()
        told.result()


def in_order(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events, which come highest priority first of what is sent together, in the order of the run."""
    return sorted(told, key=lambda event: int(event["event_specific_data"]["sequence"]))


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], None])
def test_an_old_client_gets_market_events(new_log: NewLog, transports: list[str] | None) -> None:
    """Over every transport, each once, with the keys it has always read, in their order."""
    log = new_log(3)

    async def story(server: ServerThread) -> list[dict[str, Any]]:
        async with old_client(server, "42", transports=transports) as client:
            log.add(250)
            return in_order([await client.events.get() for _ in range(250)])

    with old_server(log) as server:
        told = asyncio.run(story(server))

    assert list(told[0]) == KEYS
    assert [event["event_specific_data"]["sequence"] for event in told] == list(range(4, 254))
    assert (told[0]["ticker"], told[0]["type"], told[0]["direction"]) == ("DEF", "fmv", "down")
    assert told[0]["event_id"] == str(2**64 - 1 - 4)
    assert told[0]["time"] == (START + 4 * 10**9 + 1) / 1e9


def test_draining_waits_for_old_clients_too(new_log: NewLog) -> None:
    """What the log has and nobody has translated for them yet is still to be sent."""
    log = new_log(3)

    def add_and_drain(server: ServerThread) -> bool:
        log.add(250)
        return server.drain(LONGEST_SECONDS)

    async def story(server: ServerThread) -> int:
        async with old_client(server, "42"):
            assert await asyncio.to_thread(add_and_drain, server)
            return server.server.hub.sent_events

    with old_server(log) as server:
        assert asyncio.run(story(server)) == 250


def test_users_have_rooms_of_their_own(new_log: NewLog) -> None:
    """``emit_to_user`` reaches all clients of one user, and nobody else."""

    async def story(server: ServerThread) -> tuple[list[Any], bool]:
        async with old_client(server, "ann") as one, old_client(server, "ann") as two, old_client(server, "bob") as bob:
            assert publisher(server).emit_to_user({"note": 1}, "ann")
            told = [await one.events.get(), await two.events.get()]
            assert publisher(server).emit_to_user({"note": 2}, "bob", event_name="market_event")
            return [*told, await bob.events.get()], publisher(server).emit_to_user({}, "carl")

    with old_server(new_log()) as server:
        told, reached = asyncio.run(story(server))

    assert told == [{"note": 1}, {"note": 1}, {"note": 2}]
    assert not reached


def test_old_clients_get_heartbeats(new_log: NewLog) -> None:
    """Health, the market's phase, and for whom."""

    async def story(server: ServerThread) -> dict[str, Any]:
        async with old_client(server, "42") as client:
            return await client.heartbeats.get()

    with old_server(new_log(2), limits=QUICK) as server:
        beat = asyncio.run(story(server))

    assert beat == {
        "type": "heartbeat",
        "user_id": "42",
        "api_health": True,
        "market_status": "regular",
        "time": START / 1e9,
        "last_sequence": 2,
    }


def test_old_clients_get_notices_of_a_live_feed(new_log: NewLog) -> None:
    """Those from the connection on: a page of the older system can show that the feed was interrupted."""
    notice = {"kind": "minute", "text": "minute 09:30 complete", "minute": START, "symbols": 812, "lag_ms": 420.5}

    async def story(server: ServerThread) -> dict[str, Any]:
        server.server.hub.notices.post({**notice, "symbols": 1})
        async with old_client(server, "42") as client:
            server.server.hub.notices.post(notice)
            return await client.notices.get()

    with old_server(new_log()) as server:
        assert asyncio.run(story(server)) == {"number": 2, **notice}


def test_a_program_around_the_server_sends_heartbeats_of_its_own(new_log: NewLog) -> None:
    """Prepared in its own thread, for one user."""

    async def story(server: ServerThread, beat: dict[str, Any]) -> dict[str, Any]:
        async with old_client(server, "42") as client:
            assert publisher(server).emit_to_user(beat, "42", event_name="heartbeat")
            return await client.heartbeats.get()

    with old_server(new_log(2)) as server:
        prepared = publisher(server).prepare_heartbeat(False, "halted", "42")
        beat = asyncio.run(story(server, prepared))

    assert beat == prepared
    assert (beat["api_health"], beat["market_status"], beat["user_id"]) == (False, "halted", "42")


def test_an_old_client_without_a_user_is_refused(new_log: NewLog) -> None:
    """It is told what is missing; the token is asked for as everywhere."""

    async def story(server: ServerThread) -> str:
        url = f"http://127.0.0.1:{server.server.port}"
        nobody = OldClient()
        async with httpx.AsyncClient(timeout=60) as http:
            assert (await http.get(f"{url}/socket.io/?EIO=4&transport=polling")).status_code == 401
        with pytest.raises(socketio.exceptions.ConnectionError):
            await nobody.connect(f"{url}?token=key")
        async with old_client(server, "42", query="?token=key") as client:
            assert client.io.connected
        return str((await nobody.refusals.get())["message"])

    with old_server(new_log(), token="key") as server:
        assert asyncio.run(story(server)).startswith("a user id is missing: send auth {user_id: …} or ?user_id=…")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_client_that_stops_reading_is_disconnected(new_log: NewLog, transport: str) -> None:
    """Its queue stays short however many events come; another user gets them all."""
    log = new_log()

    async def story(server: ServerThread) -> tuple[int, list[int]]:
        told: list[int] = []
        longest = 0
        async with old_client(server, "good") as good:
            for connection in list(server.server._uvicorn.server_state.connections):
                sending = connection.transport.get_extra_info("socket")
                sending.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER_BYTES)
            while not server.server.hub.cut_off and log.next_sequence < ENOUGH:
                log.add(100)
                if log.next_sequence > 2_000:  # waiting costs less than events, and time is what is lacking
                    await asyncio.sleep(0.1)
                while len(told) < log.next_sequence - 1:
                    told.append((await good.events.get())["event_specific_data"]["sequence"])
                longest = max(longest, *map(publisher(server)._waiting, list(publisher(server)._owners)))
        return longest, told

    with old_server(log, limits=Limits(send_seconds=1.0)) as server, stalled_client(server, "bad", transport):
        longest, told = asyncio.run(story(server))

    assert longest <= 16
    assert sorted(told) == list(range(1, log.next_sequence))


def test_counts_and_reversals_are_those_of_the_ticker() -> None:
    """Highs and lows are counted together by direction, apart by kind; other kinds for themselves."""
    transporter = LegacyTranslator(event_kinds())
    story = [("high", 1), ("high", 1), ("low", -1), ("surge", -1), ("surge", 1), ("high", 1)]
    rows = [event(1, ticker="ABC", kind=kind, direction=direction) for kind, direction in story]
    transporter.translate(0, event(1, ticker="XYZ", kind="high", direction=1))

    told = [transporter.translate(place, row) for place, row in enumerate(rows, 1)]

    assert [(row["count"], row["count_up"], row["count_down"]) for row in told] == [
        (1, 1, 0), (2, 2, 0), (1, 2, 1), (1, 0, 1), (2, 1, 1), (3, 3, 1),
    ]  # fmt: skip
    assert [row["reversal"] for row in told] == [False, False, True, False, True, True]
    assert [row["label"] for row in told][:4] == ["new high", "new high", "new low", "surge down"]


def test_counts_go_on_from_what_the_log_held_before(new_log: NewLog) -> None:
    """A restart of the server must not begin at one."""
    log = new_log(30)

    async def story(server: ServerThread) -> dict[str, Any]:
        async with old_client(server, "42") as client:
            log.append(events([event(31, ticker="ABC", kind="high", direction=1)]))
            return await client.events.get()

    with old_server(log) as server:
        told = asyncio.run(story(server))

    assert told["count"] == 3  # events 15 and 30 were highs of ABC, too


def test_a_finished_run_is_sent_from_its_beginning(new_log: NewLog) -> None:
    """To each user on its own, at its pace: there is nothing to come that could begin at now."""
    log = new_log(700)
    log.finish()

    async def told(server: ServerThread, user: str) -> list[dict[str, Any]]:
        async with old_client(server, user) as client:
            return in_order([await client.events.get() for _ in range(700)])

    async def story(server: ServerThread) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        return await asyncio.gather(told(server, "ann"), told(server, "bob"))

    with old_server(log) as server:
        ann, bob = asyncio.run(story(server))

    assert [event["event_specific_data"]["sequence"] for event in ann] == list(range(1, 701))
    assert bob == ann
    assert ann[0]["count"] == 1


def test_a_client_too_far_behind_is_disconnected(new_log: NewLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing events in silence would be worse than a new connection."""
    monkeypatch.setattr(legacy_feed, "RING_EVENTS", 50)
    log = new_log()

    async def story(server: ServerThread) -> None:
        async with old_client(server, "42") as client:
            log.add(5_000)
            async with asyncio.timeout(LONGEST_SECONDS):
                while client.io.connected:
                    await asyncio.sleep(0.01)

    with old_server(log) as server:
        asyncio.run(story(server))
        assert server.server.hub.cut_off == 1


def test_infinite_numbers_are_null() -> None:
    """An infinite change of a vendor's bar."""
    told = LegacyTranslator().translate(1, event(1, percent_change=float("inf"), rel_volume=float("nan")))

    assert (told["percent_change"], told["rel_volume"]) == (None, None)

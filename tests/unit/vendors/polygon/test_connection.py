"""The vendor's client fails at each of these; ours does not. Every run ends with a ledger that was checked.

The cases are those that the vendor's own client was seen to fail at: subscriptions lost after a second drop, a silent
end, reconnects without a pause, waits without an end.
"""

from __future__ import annotations

import re
import socket
from http import HTTPStatus
from time import sleep
from urllib.parse import urlsplit

import pytest

from tests.unit.vendors.polygon.scripted_vendor import NOW_MS, Client, Feed, good, status, trade, vendor
from tickstock_cli.core.metrics import SourceState
from tickstock_cli.vendors.polygon.attempt import Intervals
from tickstock_cli.vendors.polygon.opening import FeedSocket, OpeningFailure, open_socket
from tickstock_cli.vendors.polygon.params import PolygonParams


async def drop(client: Client) -> None:
    """Break off before anything is said."""
    client.abort()


async def drop_while_signing_on(client: Client) -> None:
    """Break off between the key and its answer."""
    await client.tell(status("connected", "Connected Successfully"))
    await client.command()
    client.abort()


async def stream_then_drop(client: Client) -> None:
    """Send a trade and break off."""
    await client.ready()
    await client.tell(trade(1_000 + client.vendor.handshakes))
    await client.received()
    client.abort()


def test_rows_come_with_stamps_and_a_balanced_ledger() -> None:
    """The plain case: signed on, subscribed, rows in order; the end is clean, and everything is counted."""

    async def script(client: Client) -> None:
        await client.ready()
        await client.tell(trade(1), status("success", "something else"), trade(2))
        await client.tell(trade(3), binary=True)
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url)
        rows = feed.read(3)

    assert feed.prices == [101.0, 102.0, 103.0]
    stamps = [row["received_at"] for row in rows]
    assert stamps[0] == stamps[1] < stamps[2]
    ledger = feed.source.wire_ledger()
    assert (ledger["wire.events"], ledger["wire.status"], ledger["wire.frames"]) == (7, 4, 5)
    health = feed.source.health()
    assert (health.state, health.wanted, health.acknowledged, health.reconnects) == (SourceState.ENDED, 1, 1, 0)
    assert health.problem is None


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([stream_then_drop, drop, drop_while_signing_on], id="dropped again before the sign-on completes"),
        pytest.param([drop_while_signing_on], id="dropped at the very first sign-on"),
        pytest.param([stream_then_drop] * 8, id="dropped more often than any limit of attempts"),
    ],
)
def test_after_every_drop_the_whole_set_is_asked_for(faults: list[object]) -> None:
    """A client that remembers a list it emptied looks healthy for ever, and has no data."""
    with vendor(*faults, good) as played:  # type: ignore[arg-type]  # scripts
        feed = Feed(played.url)
        streamed = sum(fault is stream_then_drop for fault in faults)
        feed.read(streamed + 1)

    assert feed.prices[-1] == 101.0
    assert played.clients[-1].items == ["T.AAPL"]
    health = feed.source.health()
    assert (health.wanted, health.acknowledged) == (1, 1)


def test_waits_grow_and_do_not_begin_anew_with_a_sign_on() -> None:
    """A connection that streams for a moment is no good one: without that, a client reconnects 19 times a second."""
    with vendor(*[stream_then_drop] * 9, good) as played:
        feed = Feed(played.url)
        feed.read(10)

    limits = [min(30.0, 0.5 * 2**number) for number in range(9)]
    assert len(feed.waits) == 9
    assert all(0 <= wait <= limit for wait, limit in zip(feed.waits, limits, strict=True))
    assert max(feed.waits) > 2


@pytest.mark.parametrize("code", [1000, 1001, 1012])
def test_a_close_by_the_vendor_is_no_end(code: int) -> None:
    """Code 1000 is the one that the vendor's client takes for the end of the stream."""

    async def close(client: Client) -> None:
        await client.ready()
        await client.connection.close(code)

    with vendor(close, good) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert feed.prices == [101.0]
    assert any(f"code {code}" in notice for notice in feed.heard.notices)


async def one_too_many(client: Client) -> None:
    """Do as the vendor does a moment after the sign-on of a connection that is one too many."""
    await client.ready()
    await client.tell(status("max_connections", "Maximum number of websocket connections exceeded."))
    await client.connection.close(1008)


def test_too_many_connections_cool_down_then_stop() -> None:
    """The older connection holds its seat for minutes; another attempt at once only takes it from the next one."""
    with vendor(one_too_many) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert re.search(r"gave up .* 5 waits of 120 s: .*Maximum number of websocket", str(feed.source.failure))
    assert feed.waits == [120.0] * 5


def test_a_seat_that_is_free_again_is_taken() -> None:
    """The other program has ended."""
    with vendor(one_too_many, one_too_many, good) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert feed.waits == [120.0] * 2
    assert any("Maximum number" in notice for notice in feed.heard.notices)


def test_a_refused_key_stops_with_the_vendors_words() -> None:
    """Another attempt would be refused, too."""

    async def refuse(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell(status("auth_failed", "Your plan doesn't include websocket access."))
        client.abort()

    with vendor(refuse) as played:
        feed = Feed(played.url)
        feed.read(1)
    failure = feed.source.failure
    assert str(failure) == "the feed refuses the key: Your plan doesn't include websocket access."
    assert failure is not None
    assert (failure.exit_code, played.handshakes) == (1, 1)


@pytest.mark.parametrize("name", ["auth_timeout", "auth_required", "error"])
def test_a_status_that_is_no_success_is_none(name: str) -> None:
    """Nothing is asked for on a connection that is not signed on."""

    async def answer(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell(status(name, "not now"))
        await client.stay()

    with vendor(answer, good) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert [command["action"] for command in played.clients[0].commands] == ["auth"]
    assert feed.prices == [101.0]


def test_an_answer_to_the_key_that_never_comes_is_waited_for_a_while() -> None:
    """Every state has a limit of time."""

    async def silent(client: Client) -> None:
        await client.tell(status("connected"))
        await client.stay()

    with vendor(silent, good) as played:
        feed = Feed(played.url, auth_seconds=0.05)
        feed.read(1)

    assert any("no answer to the key within 0.05 s" in notice for notice in feed.heard.notices)


@pytest.mark.parametrize("refusal", [HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN])
def test_a_refused_handshake_is_reported_and_given_up(refusal: HTTPStatus) -> None:
    """HTTP 403 for ever, with nothing said, is what the vendor's client does."""
    with vendor(refusal) as played:
        feed = Feed(played.url)
        feed.read(1)

    host = urlsplit(played.url).netloc
    assert str(feed.source.failure) == f"gave up the feed: {host} answers with HTTP status {refusal.value}"
    assert (played.handshakes, len(feed.heard.notices)) == (5, 4)


def test_a_vendor_that_is_busy_is_asked_again() -> None:
    """HTTP 503 is a state, not an answer."""
    with vendor(*[HTTPStatus.SERVICE_UNAVAILABLE] * 7, good) as played:
        feed = Feed(played.url)
        assert len(feed.read(1)) == 1

    assert feed.source.health().reconnects == 0


def test_a_vendor_that_does_not_listen_is_reported_until_the_run_ends() -> None:
    """A feed that is started before its vendor waits for it, and says so."""
    with vendor(good) as played:
        url = played.url
    feed = Feed(url)
    told: list[str] = []

    def notice(text: str) -> None:
        told.append(text)
        if len(told) == 6:
            feed.source.interrupt()

    feed.heard.notice = notice  # type: ignore[method-assign]  # as a listener would
    assert feed.read(1) == []
    assert all(f"cannot connect to {urlsplit(url).netloc}: connection refused" in text for text in told)


def test_a_host_that_does_not_resolve_is_reported_until_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped name, or a machine without a network: the vendor's client tries for ever and says nothing."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    feed = Feed("wss://sockets.massive.example")
    told: list[str] = []

    def notice(text: str) -> None:
        told.append(text)
        assert feed.source.health().problem == text  # a dashboard says how long the wait is, too
        if len(told) == 7:
            feed.source.interrupt()

    feed.heard.notice = notice  # type: ignore[method-assign]  # as a listener would
    assert feed.read(1) == []
    assert all("cannot connect to sockets.massive.example: name or service not known" in text for text in told)
    assert len(feed.waits) >= 6


def test_an_item_of_an_unknown_channel_is_reported_and_the_rest_streams() -> None:
    """The vendor is silent about it: asked again once, then told."""

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.subscribe(2, silent=["T.NOPE"])
        await client.subscribe(1, silent=["T.NOPE"])
        await client.tell(trade(1))
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url, "AAPL,NOPE", subscribe_seconds=0.05)
        feed.read(1)

    assert [command["params"] for command in played.clients[0].commands[1:]] == ["T.AAPL,T.NOPE", "T.NOPE"]
    assert feed.source.health().acknowledged == 1


def test_items_that_are_refused_are_reported_with_the_vendors_words() -> None:
    """The vendor names none of them; what is not acknowledged is what was refused."""
    feeds: list[Feed] = []

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.subscribe(2, refused=["T.MSFT"])
        await client.subscribe(1, refused=["T.MSFT"])
        await client.until(lambda: feeds[0].heard.notices)
        await client.tell(trade(1))
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url, "AAPL,MSFT", subscribe_seconds=0.02)
        feeds.append(feed)
        feed.read(1)

    assert feed.heard.notices == ["1 of 2 not acknowledged: T.MSFT (not authorized)"]


def test_a_plan_without_real_time_data_stops_with_advice() -> None:
    """The key is accepted, then refused: for ever, on this host."""

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.command()
        await client.tell(status("error", "You don't have access real-time data. Use the delayed feed."))
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url)
        feed.read(1)
    assert re.search(r"refuses real-time data: .*--feed delayed", str(feed.source.failure))


@pytest.mark.parametrize(
    ("feed", "channel", "words"),
    [("business", "T", "only under an agreement for real-time data"), ("delayed", "FMV", "FMV needs a business plan")],
)
def test_a_channel_that_a_plan_lacks_is_reported_with_what_helps(feed: str, channel: str, words: str) -> None:
    """The vendor says `not authorized` and nothing else."""
    feeds: list[Feed] = []

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.subscribe(2, refused=[f"{channel}.AAPL"])
        await client.subscribe(1, refused=[f"{channel}.AAPL"])
        await client.until(lambda: feeds[0].heard.notices)
        await client.tell({"ev": "AM", "sym": "AAPL", "s": NOW_MS, "e": NOW_MS + 60_000})
        await client.stay()

    with vendor(script) as played:
        opened = Feed(played.url, feed=feed, channels=("AM", channel), subscribe_seconds=0.02)
        feeds.append(opened)
        opened.read(1)

    (notice,) = opened.heard.notices
    assert notice.startswith(f"1 of 2 not acknowledged: {channel}.AAPL (not authorized); ")
    assert words in notice


def test_the_business_feed_without_an_agreement_stops_with_advice() -> None:
    """Trades are refused there; what the plan has at once is named."""

    async def script(client: Client) -> None:
        await client.sign_on()
        await client.command()
        await client.tell(status("error", "You don't have access real-time data. Please sign the agreements."))
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url, feed="business")
        feed.read(1)
    assert str(feed.source.failure).endswith("it has AM and FMV at once")


def test_a_stop_while_a_connection_is_made_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a run is up just when its socket opens: it must not stream on for ever."""
    feeds: list[Feed] = []

    async def opened_and_stopped(url: str, params: PolygonParams) -> FeedSocket | OpeningFailure:
        opened = await open_socket(url, params)
        feeds[0].source.interrupt()
        return opened

    monkeypatch.setattr("tickstock_cli.vendors.polygon.connection.open_socket", opened_and_stopped)
    with vendor(good) as played:
        feed = Feed(played.url)
        feeds.append(feed)
        assert feed.read(1) == []

    assert feed.source.health().state is SourceState.ENDED


def test_a_cut_frame_costs_itself_and_nothing_else() -> None:
    """Neighbours live; the frame is counted and told."""

    async def script(client: Client) -> None:
        await client.ready()
        await client.tell(trade(1))
        await client.tell_text('[{"ev":"T","sym":"AAPL","p":1')
        await client.tell_text('{"ev":"T"}')
        await client.tell(trade(2), {"ev": "NEW"})
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url)
        feed.read(2)

    assert feed.prices == [101.0, 102.0]
    ledger = feed.source.wire_ledger()
    assert (ledger["wire.bad_frame"], ledger["wire.unknown_event"]) == (2, 1)
    assert len(feed.heard.errors) == 2


def test_a_peer_that_answers_no_ping_is_left() -> None:
    """An open socket proves nothing: outside of trading hours it is silent either way."""

    async def dead(client: Client) -> None:
        await client.ready()
        client.connection.transport.pause_reading()
        await client.until(lambda: client.vendor.handshakes > 1)
        client.abort()

    with vendor(dead, good) as played:
        feed = Feed(played.url, intervals=Intervals(watch=0.01, ping=0.3))
        feed.read(1)

    assert any("after a ping" in notice for notice in feed.heard.notices)


def test_rows_that_are_handled_slowly_do_not_cost_the_connection() -> None:
    """Frames wait in our queue, not unread in front of a pong: the vendor's client closes its connection over that."""
    frames = 200

    async def flood(client: Client) -> None:
        await client.ready()
        for number in range(frames):
            await client.tell(trade(number))
        await client.stay()

    with vendor(flood) as played:
        feed = Feed(played.url, intervals=Intervals(watch=0.01, ping=1.0))
        for batch in feed.source.record_batches():
            if batch is not None and not feed.rows:
                sleep(2.5)  # two pings
            feed.take(batch)
            if len(feed.rows) == frames:
                feed.source.interrupt()
        feed.source.close()

    assert feed.prices == [100.0 + number for number in range(frames)]
    assert (played.handshakes, feed.source.health().reconnects, feed.heard.notices) == (1, 0, [])


@pytest.mark.parametrize("bars", ["A", "AM"])
def test_nothing_is_ever_given_up(bars: str) -> None:
    """`AM` begins with `A`: asking for one, the vendor's client gives up the other."""

    async def script(client: Client) -> None:
        await client.ready(4)
        await client.tell(trade(1_000))
        await client.received()
        client.abort()

    with vendor(script, good) as played:
        feed = Feed(played.url, "AAPL,AM", channels=("T", bars))
        feed.read(2)

    wanted = ["T.AAPL", "T.AM", f"{bars}.AAPL", f"{bars}.AM"]
    assert [sorted(client.items) for client in played.clients] == [sorted(wanted)] * 2
    assert {command["action"] for client in played.clients for command in client.commands} == {"auth", "subscribe"}


def test_a_full_buffer_makes_the_connection_wait_and_loses_nothing() -> None:
    """A reader that is slower than the feed is not taken for a dead peer; the wait is counted."""
    frames = 60

    async def flood(client: Client) -> None:
        await client.ready()
        for number in range(frames):
            await client.tell(*[trade(number * 300 + place) for place in range(300)])
        await client.stay()

    with vendor(flood) as played:
        feed = Feed(played.url, buffer_mib=1)
        thread = feed.source.start()
        while not feed.source.waits and thread.error is None:
            thread.wait(0.01)
        assert thread.error is None
        feed.source.start = lambda **_: thread  # type: ignore[method-assign]  # it has begun
        feed.read(frames * 300)

    assert feed.prices == [100.0 + number for number in range(frames * 300)]
    assert (feed.source.health().reconnects, feed.source.wire_ledger()["wire.bad_frame"]) == (0, 0)

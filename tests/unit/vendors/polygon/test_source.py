"""The feed as a source: gaps, repeated trades, two connections, a clean end, and a key that shows nowhere."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from contextlib import closing
from http import HTTPStatus

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.vendors.polygon.scripted_vendor import KEY, Client, Feed, Script, good, status, trade, vendor
from tickstock_cli.core.metrics import SourceState
from tickstock_cli.errors import UsageError
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.vendors.polygon.source import PolygonSource


def trades(*numbers: int, ends: bool = True) -> Script:
    """Return a script that sends trades, one a frame, and breaks off."""

    async def script(client: Client) -> None:
        await client.ready()
        for number in numbers:
            await client.tell(trade(number))
        await client.received()
        if ends:
            client.abort()
        await client.stay()

    return script


def test_an_interruption_is_one_gap_between_rows() -> None:
    """However many attempts it takes: from the last row before it to the first one after it, told at both ends."""

    async def no_rows(client: Client) -> None:
        await client.ready()
        client.abort()

    with vendor(trades(1, 2), no_rows, HTTPStatus.SERVICE_UNAVAILABLE, trades(3, ends=False)) as played:
        feed = Feed(played.url)
        rows = feed.read(3)

    (gap,) = feed.source.gaps
    assert (gap.begin, gap.end) == (rows[1]["received_at"], rows[2]["received_at"])
    assert (gap.channels, gap.reason) == (("T",), "the connection broke off without a close frame")
    assert [told.end for told in feed.heard.gaps] == [None, gap.end]
    assert feed.source.health().gaps == 1


def test_a_clean_end_is_no_gap() -> None:
    """The user ended the run."""
    with vendor(good) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert (feed.source.gaps, feed.heard.notices) == ([], [])


def test_trades_that_are_repeated_after_a_reconnect_are_dropped_and_counted() -> None:
    """They would count twice in volumes; two trades of one moment are two."""
    with vendor(trades(1, 2, 3), trades(2, 3, 4, ends=False)) as played:
        feed = Feed(played.url)
        feed.read(4)

    assert feed.prices == [101.0, 102.0, 103.0, 104.0]
    assert feed.source.wire_ledger()["wire.duplicate"] == 2


def test_without_a_reconnect_nothing_is_dropped() -> None:
    """What the vendor sends twice on one connection is two trades to us."""
    with vendor(trades(1, 1, 2, ends=False)) as played:
        feed = Feed(played.url)
        feed.read(3)

    assert (feed.prices, feed.source.wire_ledger()["wire.duplicate"]) == ([101.0, 101.0, 102.0], 0)


def test_rows_of_several_types_come_together() -> None:
    """One frame, three tables: they share a stamp."""
    bar = {"ev": "AM", "sym": "AAPL", "o": 1, "h": 2, "l": 1, "c": 2, "v": 10, "vw": 1.5, "s": 0, "e": 60_000}

    async def script(client: Client) -> None:
        await client.ready(3)
        await client.tell({"ev": "FMV", "sym": "AAPL", "fmv": 1.5, "t": 1_800_000_000_000}, bar, trade(1))
        await client.stay()

    with vendor(script) as played:
        feed = Feed(played.url, channels=("T", "AM", "FMV"))
        rows = feed.read(3)

    assert [len(row) for row in rows] == [13, 10, 4]
    assert len({row["received_at"] for row in rows}) == 1


def test_an_end_loses_nothing_that_was_received() -> None:
    """Frames that wait when the user ends the run are rows of it."""
    with vendor(trades(*range(500), ends=False)) as played:
        feed = Feed(played.url)
        thread = feed.source.start()
        while feed.source._frames.frames < 503:
            thread.wait(0.005)
        feed.source.interrupt()
        thread.join()
        feed.source.start = lambda **_: thread  # type: ignore[method-assign]  # it has begun, and ended
        feed.read(10**9)

    assert len(feed.rows) == 500
    assert feed.source.health().state is SourceState.ENDED


def test_rows_before_a_refusal_are_yielded() -> None:
    """A fatal end raises after them."""

    async def later_refused(client: Client) -> None:
        await client.ready()
        await client.tell(trade(1))
        await client.tell(status("auth_failed", "the key was revoked"))
        await client.stay()

    with vendor(later_refused) as played:
        feed = Feed(played.url)
        feed.read(2)
    assert feed.prices == [101.0]
    assert str(feed.source.failure) == "the feed refuses the key: the key was revoked"


def test_a_run_that_is_left_ends_the_connection() -> None:
    """No thread is left behind by a run that takes no more rows."""
    with vendor(good) as played:
        feed = Feed(played.url)
        batches = feed.source.batches(100)
        assert len(next(batches)) == 1
        batches.close()  # type: ignore[attr-defined]  # a generator

    assert feed.source.health().state is SourceState.ENDED


@pytest.mark.parametrize("targets", [["*"], ["AAPL,*"]])
def test_all_tickers_are_one_item_a_channel(targets: Sequence[str]) -> None:
    """Whatever is named beside them."""
    with closing(PolygonSource.open(targets, ReadOptions())) as source:
        assert source.health().wanted == 2


def test_a_missing_key_is_an_error_before_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and exit code 2."""
    monkeypatch.delenv("POLYGON_API_KEY")

    with pytest.raises(UsageError, match="set POLYGON_API_KEY"):
        PolygonSource.open(["AAPL"], ReadOptions())


def test_the_key_shows_in_no_log_error_or_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """Not where every logger tells everything, not in variables of a traceback, not if the vendor repeats it."""

    async def repeat(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell_text(f"[{{'{KEY}'")
        await client.tell(status("auth_failed", f"the key {KEY} is unknown"))
        client.abort()

    caplog.set_level(logging.DEBUG)
    with vendor(repeat) as played:
        feed = Feed(played.url)
        feed.read(1)
    refused = feed.source.failure
    assert refused is not None
    shown = "".join(traceback.TracebackException.from_exception(refused, capture_locals=True).format())

    told = [shown, *feed.heard.notices, *(error.text for error in feed.heard.errors), repr(feed.source.health())]
    ours = [record.getMessage() for record in caplog.records if "server" not in record.name]
    assert "the key *** is unknown" in shown
    assert KEY not in " ".join([*told, *ours, *psutil.Process().cmdline()])


@pytest.mark.parametrize("key", ["x", "T.AAPL"])
def test_any_text_is_a_key_of_the_played_vendor(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may even be a word of the vendor's answers: subscriptions are acknowledged all the same."""

    async def script(client: Client) -> None:
        await client.tell(status("connected"))
        await client.command()
        await client.tell(status("auth_success"))
        await client.subscribe(1)
        await client.tell(trade(1))
        await client.stay()

    monkeypatch.setenv("POLYGON_API_KEY", key)
    with vendor(script) as played:
        feed = Feed(played.url)
        feed.read(1)

    assert feed.source.health().acknowledged == 1


async def abort_in_acknowledgements(client: Client) -> None:
    """Acknowledge some items, and break off."""
    await client.sign_on()
    items = (await client.command())["params"].split(",")
    await client.tell(*[status("success", f"subscribed to: {item}") for item in items[: len(items) // 2]])
    client.abort()


async def lose_half(client: Client) -> None:
    """Acknowledge half of the items at first, the rest when they are asked for again, and break off."""
    await client.sign_on()
    for _ in range(2):
        items = (await client.command())["params"].split(",")
        await client.tell(*[status("success", f"subscribed to: {item}") for item in items[: (len(items) + 1) // 2]])
    client.abort()


async def greet_then_drop(client: Client) -> None:
    """Break off between the greeting and the key."""
    await client.tell(status("connected"))
    client.abort()


async def sign_on_then_close(client: Client) -> None:
    """Close cleanly once the key is accepted."""
    await client.sign_on()
    await client.connection.close(1000)


async def stream_garbage_then_drop(client: Client) -> None:
    """Stream, cut a frame, and break off."""
    await client.ready(3)
    await client.tell_text('[{"ev":"T","sym"')
    await client.received()
    client.abort()


async def too_many(client: Client) -> None:
    """Report too many connections."""
    await client.ready(3)
    await client.tell(status("max_connections", "too many"))
    await client.connection.close(1008)


async def auth_timeout(client: Client) -> None:
    """Take too long a time for the key."""
    await client.tell(status("connected"))
    await client.command()
    await client.tell(status("auth_timeout"))
    await client.stay()


FAULTS = [
    abort_in_acknowledgements,
    lose_half,
    greet_then_drop,
    sign_on_then_close,
    stream_garbage_then_drop,
    too_many,
    auth_timeout,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.SERVICE_UNAVAILABLE,
]


@settings(max_examples=settings().max_examples // 4)
@given(st.lists(st.sampled_from(FAULTS), max_size=4))
def test_once_streaming_everything_wanted_is_acknowledged(faults: list[Script | HTTPStatus]) -> None:
    """The promise of the connection: no sequence of faults leaves it signed on, healthy and without data."""
    seen = []

    async def at_last(client: Client) -> None:
        await client.ready(3)
        await client.received()
        await client.tell(trade(1))
        await client.stay()

    with vendor(*faults, at_last) as played:
        feed = Feed(played.url, "AAPL,MSFT,IBM", subscribe_seconds=0.2)
        for batch in feed.source.record_batches():
            health = feed.source.health()
            if batch is not None:
                seen.append(health)
            if health.state is SourceState.CONNECTED:
                assert health.acknowledged == health.wanted
                if seen:
                    feed.source.interrupt()
        feed.source.close()

    assert seen
    assert played.clients[-1].items == ["T.AAPL", "T.MSFT", "T.IBM"]

"""The relay: one feed for many clients in the vendor's format, and no client does harm to the feed or to another."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import Any

import pyarrow as pa
import pytest
from massive import WebSocketClient
from massive.websocket.models import EquityAgg, EquityTrade, FairMarketValue
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.unit.vendors.polygon.played_client import LONGEST_SECONDS, RawClient, raw_client
from tests.unit.vendors.polygon.recorded_rows import OPEN, SECOND, bars, fair_values, recorded, trades
from tests.unit.vendors.polygon.scripted_vendor import vendor
from tests.unit.vendors.polygon.test_live_run import TICKERS, Kept, market, settings_for
from tickstock_cli.engine.observer import Observer
from tickstock_cli.errors import ServingError
from tickstock_cli.live.ending import LiveEnd
from tickstock_cli.live.request import LiveRequest, RelayAddress
from tickstock_cli.live.run import run_live
from tickstock_cli.vendors.polygon.relay import Relay, RelayOptions

EVERYTHING = ("T.*", "AM.*", "FMV.*")


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(LONGEST_SECONDS):
        while not condition():
            await asyncio.sleep(0.005)


def has(got: list[Any], count: int) -> bool:
    """Return whether so many messages have come."""
    return len(got) >= count


async def subscribed(relay: Relay, client: RawClient, items: str) -> list[dict[str, Any]]:
    """Subscribe a client, and return the answer once the relay sends it rows."""
    before = relay.health().clients
    answer = await client.subscribe(items)
    await until(lambda: relay.health().clients == before + 1)
    return answer


def odd_trades(count: int) -> pa.RecordBatch:
    """Return trades with every field, some of them of less than a share or without conditions."""
    rows = [
        {
            "ticker": f"T{number % 7}", "timestamp": OPEN + number * 1_000_000, "price": 100 + number / 128,
            "size": number / 4, "flags": 0, "conditions": [37, 12][: number % 3], "exchange": number % 20,
            "sequence": 1_000 + number, "trade_id": f"i{number}", "tape": 1 + number % 3, "trf_id": 201 + number % 2,
            "participant_timestamp": OPEN + number * 1_000_000 - 5_000_000, "received_at": OPEN + number * 2_000_000,
        }
        for number in range(count)
    ]  # fmt: skip
    return recorded("tick", *rows)


def as_massive(batch: pa.RecordBatch) -> list[Any]:
    """Return rows as the vendor's client hands them to a program."""
    found: list[Any] = []
    for row in batch.to_pylist():
        ms = row["timestamp"] // 1_000_000
        if "price" in row:
            found.append(
                EquityTrade(
                    "T", row["ticker"], row["exchange"], row["trade_id"], row["tape"], row["price"],
                    math.floor(row["size"]), str(row["size"]), row["conditions"] or None, ms, row["sequence"],
                    row["trf_id"],
                )
            )  # fmt: skip
        elif "open" in row:
            prices = {name: row[name] for name in ("vwap", "open", "close", "high", "low")}
            volumes = {"volume": math.floor(row["volume"]), "fractional_volume": str(row["volume"])}
            times = {"start_timestamp": ms, "end_timestamp": ms + 60_000}
            found.append(EquityAgg(event_type="AM", symbol=row["ticker"], **prices, **volumes, **times))
        else:
            found.append(FairMarketValue("FMV", row["fmv"], row["ticker"], ms))
    return found


def test_the_vendors_client_gets_every_row_field_by_field() -> None:
    """A user's own program against the relay reads what it would read from the vendor."""
    batches = [odd_trades(500), bars("AAPL", "MSFT"), fair_values("AAPL", "MSFT")]

    async def story(relay: Relay) -> list[Any]:
        client = WebSocketClient("any key", relay.url.removeprefix("ws://"), secure=False)
        client.subscribe(*EVERYTHING)
        got: list[Any] = []

        async def take(messages: list[Any]) -> None:
            got.extend(messages)

        reading = asyncio.create_task(client.connect(take, proxy=None))
        await until(lambda: relay.health().clients == 1)
        for count, batch in zip((500, 502, 504), batches, strict=True):
            relay.rows([batch])
            await until(partial(has, got, count))
        await client.close()
        await reading
        return got

    with Relay(EVERYTHING) as relay:
        got = asyncio.run(story(relay))

    assert got == [message for batch in batches for message in as_massive(batch)]


def test_each_client_gets_what_it_is_subscribed_to() -> None:
    """In the order in which it was received, whatever the others want; what nobody wants is not encoded."""

    async def story(relay: Relay) -> None:
        async with raw_client(relay.url) as one, raw_client(relay.url) as other:
            await subscribed(relay, one, "T.AAPL,AM.*")
            await subscribed(relay, other, "T.MSFT")
            relay.rows([trades("AAPL", "MSFT", "NVDA", "AAPL"), bars("AAPL"), fair_values("AAPL")])
            assert [(event["ev"], event["sym"]) for event in await one.events(3)] == [
                ("T", "AAPL"), ("T", "AAPL"), ("AM", "AAPL"),
            ]  # fmt: skip
            assert [event["sym"] for event in await other.events(1)] == ["MSFT"]
            assert relay.health().rows == 4
            await one.send("unsubscribe", "T.AAPL")
            assert (await one.frame())[0]["message"] == "unsubscribed to: T.AAPL"
            relay.rows([trades("AAPL", "MSFT", first=10), bars("AAPL")])
            assert [event["ev"] for event in await one.events(1)] == ["AM"]

    with Relay(EVERYTHING) as relay:
        asyncio.run(story(relay))


def test_a_client_that_does_not_read_is_cut_off_without_harm_to_others() -> None:
    """It is told, as the vendor does it; the other client misses nothing, and nothing is dropped."""
    options = RelayOptions(client_buffer=200_000)

    async def story(relay: Relay) -> None:
        async with raw_client(relay.url) as slow, raw_client(relay.url) as quick:
            await subscribed(relay, slow, "T.*")
            await subscribed(relay, quick, "T.AAPL")
            count = 0
            while relay.health().cut_off == 0:
                relay.rows([trades(*["MSFT"] * 1_000, "AAPL", first=1_001 * count)])
                count += 1
                await until(lambda: relay.health().waiting == 0)
            assert len(await quick.events(count)) == count
            events, code = await slow.until_closed()
            assert (events[-1]["status"], code) == ("slow_consumer", 1006)
        assert relay.health().dropped == 0

    with Relay(["T.*"], options) as relay:
        asyncio.run(story(relay))
    assert relay.health().cut_off == 1


def test_a_relay_that_falls_behind_drops_rows_and_tells_its_clients() -> None:
    """The feed never waits. A client whose rows were dropped is cut off: it must not take the gap for silence."""
    problems: list[str | None] = []

    async def story(relay: Relay) -> None:
        async with raw_client(relay.url) as client:
            await subscribed(relay, client, "T.*")
            while relay.health().dropped == 0:
                relay.rows([trades("AAPL")])
            events, _ = await client.until_closed()
            assert events[-1]["status"] == "slow_consumer"
        async with raw_client(relay.url) as again:
            await subscribed(relay, again, "T.*")
            relay.rows([trades("MSFT")])
            assert [event["sym"] for event in await again.events(1)] == ["MSFT"]

    with Relay(["T.*"], RelayOptions(queue_rows=1), problems.append) as relay:
        asyncio.run(story(relay))
    assert problems[0] == "it fell behind the feed; rows were dropped, and its clients were cut off"


def test_what_the_feed_does_not_carry_is_not_authorized() -> None:
    """Other channels and other tickers; all tickers of a channel are those that the feed has."""

    async def story(relay: Relay) -> None:
        async with raw_client(relay.url) as client:
            await client.login()
            await client.send("subscribe", "T.AAPL,T.NVDA,Q.AAPL,AM.*,ZZ.AAPL,T.*")
            answers = [await client.frame() for _ in range(3)]
        assert answers[:2] == [[{"ev": "status", "status": "error", "message": "not authorized"}]] * 2
        acks = [answer["message"].removeprefix("subscribed to: ") for answer in answers[2]]
        assert acks == ["T.AAPL", "AM.*", "T.*"]

    with Relay(["T.AAPL", "T.MSFT", "AM.AAPL"]) as relay:
        asyncio.run(story(relay))


def test_a_key_is_asked_for_if_there_is_one() -> None:
    """Without, any key does, but no page in a browser, which could be anybody's; with a key, pages can connect."""

    async def story(relay: Relay, key: str, origin: str | None) -> str:
        headers = {} if origin is None else {"Origin": origin}
        async with connect(f"{relay.url}/stocks", additional_headers=headers, proxy=None) as connection:
            client = RawClient(connection)
            await client.frame()
            await client.send("auth", key)
            return str((await client.frame())[0]["status"])

    with Relay(["T.*"]) as relay:
        assert asyncio.run(story(relay, "any", None)) == "auth_success"
        with pytest.raises(InvalidStatus, match="403"):
            asyncio.run(story(relay, "any", "https://example.com"))
    with Relay(["T.*"], RelayOptions(key="secret")) as relay:
        assert asyncio.run(story(relay, "any", None)) == "auth_failed"
        assert asyncio.run(story(relay, "secret", "https://example.com")) == "auth_success"


def test_rows_that_wait_are_sent_before_the_relay_ends() -> None:
    """The last minute of the day is not lost; rows before the first client and after the end are nobody's."""
    relay = Relay(["T.*"])
    relay.rows([trades("AAPL")])

    async def story() -> list[dict[str, Any]]:
        with relay:
            async with raw_client(relay.url) as client:
                await subscribed(relay, client, "T.*")
                relay.rows([trades(*["AAPL"] * 5_000)])
                await asyncio.to_thread(relay.__exit__, None, None, None)
                events, code = await client.until_closed()
                assert code == 1001
                return events

    assert len(asyncio.run(story())) == 5_000
    relay.rows([trades("AAPL")])
    assert relay.health().events == 5_000


def test_a_taken_address_is_one_line() -> None:
    """Two runs with the same option is an easy mistake."""
    with Relay(["T.*"]) as relay, pytest.raises(ServingError, match=r"cannot serve on 127\.0\.0\.1:"):
        Relay(["T.*"], RelayOptions(port=int(relay.url.rpartition(":")[2]))).__enter__()


def test_rows_of_several_frames_keep_the_order_in_which_they_came() -> None:
    """Types are merged by the time at which they were received."""

    async def story(relay: Relay) -> list[tuple[str, int]]:
        async with raw_client(relay.url) as client:
            await subscribed(relay, client, "T.*,FMV.*")
            relay.rows([trades("A", "B", every_ns=2 * SECOND), fair_values("A", "B", "C", "D", "E")])
            return [(event["ev"], event["t"] - OPEN // 1_000_000) for event in await client.events(7)]

    with Relay(EVERYTHING) as relay:
        times = asyncio.run(story(relay))
    assert times == [
        ("FMV", 0),
        ("FMV", 1_000),
        ("T", 2_000),
        ("FMV", 2_000),
        ("FMV", 3_000),
        ("T", 4_000),
        ("FMV", 4_000),
    ]


def test_a_live_run_is_relayed_while_it_goes_on() -> None:
    """What the vendor sends to the run, over a lost connection, a local client gets with the same fields."""
    rows = 6 * 40
    end = LiveEnd(None, time.time_ns)
    subscribed_to, over = Event(), Event()

    async def read(url: str) -> list[dict[str, Any]]:
        async with raw_client(url) as client:
            await client.subscribe("T.AAPL,FMV.*")
            subscribed_to.set()
            await asyncio.to_thread(over.wait)  # the run may have to compile its kernels first
            return (await client.until_closed())[0]

    def opened(url: str) -> None:
        reading.append(pool.submit(asyncio.run, read(url)))
        assert subscribed_to.wait(LONGEST_SECONDS)

    reading: list[Future[list[dict[str, Any]]]] = []
    with vendor(market(0, 20, ends=True), market(20, 20, ends=False)) as played, ThreadPoolExecutor(1) as pool:
        address = RelayAddress("127.0.0.1", 0, opened=opened)
        request = LiveRequest(f"polygon:{','.join(TICKERS)}", settings_for(played.url), relay=address)
        try:
            result = run_live(request, end, lambda _: Observer(), (Kept(end, rows),))
        finally:
            over.set()
        events = reading[0].result(LONGEST_SECONDS)

    of_trades = [event for event in events if event["ev"] == "T"]
    assert [event["q"] for event in of_trades] == [10 * frame for frame in range(40)]
    assert [event["p"] for event in of_trades] == [100 * 1.03 ** abs(frame % 40 - 20) for frame in range(40)]
    assert sum(event["ev"] == "FMV" for event in events) == 3 * 40
    assert result.relay is not None
    assert (result.relay.connections, result.relay.dropped) == (1, 0)
    assert result.as_dict()["relay"]["rows"] == result.relay.rows == 40 + 3 * 40

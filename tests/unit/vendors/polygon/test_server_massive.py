"""The vendor's own client as a witness: it reads every row of a recording, and fails as it is known to fail."""

from __future__ import annotations

import asyncio
import json
import math
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from massive import WebSocketClient
from websockets.exceptions import ConnectionClosedError

from tests.unit.vendors.polygon.massive_client import LONGEST_SECONDS, massive
from tests.unit.vendors.polygon.recorded_rows import bars, recorded, trades
from tickstock_cli.core.times import parse_time
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan
from tickstock_cli.vendors.polygon.server.source_rows import SourceRows
from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor, PlayOptions

AS_READ = PlayOptions(speed=None)
BEGIN, END = parse_time("2026-03-02T14:29:00Z"), parse_time("2026-03-02T14:31:00Z")
MS = 1_000_000
MINUTE_MS = 60_000


def plan(*faults: dict[str, Any]) -> FaultPlan:
    """Return the plan of a file with these faults."""
    return FaultPlan.model_validate({"fault": faults})


@contextmanager
def sample() -> Iterator[Recordings]:
    """Open two minutes of the sample around the open."""
    with Recordings.open(["sample_data"], ReadOptions(start=BEGIN, end=END)) as recording:
        yield recording


def rows_of_sample(name: str, end_of: str, delay: int) -> list[dict[str, Any]]:
    """Return the sample's rows within the two minutes, read without our sources."""
    table = pq.read_table(Path("sample_data") / f"{name}.parquet")
    table = table.set_column(1, "timestamp", table["timestamp"].cast(pa.int64()))
    return [row for row in table.to_pylist() if BEGIN <= row[end_of] + delay < END]


def test_it_reads_every_trade_with_every_field() -> None:
    """Field by field as `live.md` says; exchange, tape, sequence and id are those of rows that have none."""
    expected = rows_of_sample("ticks", "timestamp", 0)

    async def story() -> list[Any]:
        with sample() as recording:
            rows = SourceRows(recording, {}, lambda _: None)
            async with PlayedVendor(rows, AS_READ) as vendor, massive(vendor, "T.*") as client:
                client.start()
                await client.until(lambda: len(client.received) >= len(expected))
                return client.received

    received = asyncio.run(story())
    counted: dict[str, int] = {}
    assert len(received) == len(expected) > 1_000
    for trade, row in zip(received, expected, strict=True):
        number = counted[row["ticker"]] = counted.get(row["ticker"], 0) + 1
        assert (trade.event_type, trade.symbol, trade.price) == ("T", row["ticker"], row["price"])
        assert (trade.size, float(trade.fractional_shares)) == (math.floor(row["size"]), row["size"])
        assert trade.timestamp == row["timestamp"] // MS
        assert (trade.exchange, trade.tape, trade.sequence_number, trade.id) == (4, 3, number, str(number))
        assert (trade.conditions, trade.trf_id) == (None, None)


def test_it_reads_every_bar_with_every_field() -> None:
    """Start and end in ms, prices and average price as recorded."""
    expected = rows_of_sample("bars", "timestamp", MINUTE_MS * MS)

    async def story() -> list[Any]:
        with sample() as recording:
            rows = SourceRows(recording, {}, lambda _: None)
            async with PlayedVendor(rows, AS_READ) as vendor, massive(vendor, "AM.*") as client:
                client.start()
                await client.until(lambda: len(client.received) >= len(expected))
                return client.received

    received = asyncio.run(story())
    assert len(received) == len(expected) > 10
    for bar, row in zip(received, expected, strict=True):
        start = row["timestamp"] // MS
        assert (bar.event_type, bar.symbol) == ("AM", row["ticker"])
        assert (bar.open, bar.high, bar.low, bar.close) == (row["open"], row["high"], row["low"], row["close"])
        assert (bar.volume, float(bar.fractional_volume), bar.vwap) == (row["volume"], row["volume"], row["vwap"])
        assert (bar.start_timestamp, bar.end_timestamp) == (start, start + MINUTE_MS)


def test_it_reads_the_columns_that_only_a_recording_of_the_feed_has() -> None:
    """Conditions, exchange, sequence, id, tape and facility come from the recording where it has them."""
    row = {
        "ticker": "AAPL", "timestamp": BEGIN, "price": 189.5, "size": 0.25, "conditions": [12, 37], "exchange": 19,
        "sequence": 4711, "trade_id": "x9", "tape": 1, "trf_id": 201, "received_at": BEGIN,
    }  # fmt: skip

    async def story() -> Any:
        async with PlayedVendor([recorded("tick", row)], AS_READ) as vendor, massive(vendor, "T.AAPL") as client:
            client.start()
            await client.until(lambda: bool(client.received))
            return client.received[0]

    trade = asyncio.run(story())
    assert (trade.conditions, trade.exchange, trade.sequence_number) == ([12, 37], 19, 4711)
    assert (trade.id, trade.tape, trade.trf_id) == ("x9", 1, 201)
    assert (trade.size, trade.fractional_shares) == (0, "0.25")


def test_binary_commands_of_another_json_library_are_obeyed() -> None:
    """With orjson its commands are binary frames."""

    class BinaryJson:
        loads = staticmethod(json.loads)

        @staticmethod
        def dumps(value: object) -> bytes:
            return json.dumps(value).encode()

    async def story() -> None:
        async with (
            PlayedVendor([trades("AAPL")], AS_READ) as vendor,
            massive(vendor, "T.AAPL", custom_json=BinaryJson) as client,
        ):
            client.start()
            await client.until(lambda: bool(client.received))

    asyncio.run(story())


@pytest.mark.parametrize("dropped", [1, [2, 3]])
def test_dropped_during_its_key_it_forgets_its_subscriptions(dropped: Any) -> None:
    """At the very first attempt, or at two in a row later on: it looks healthy, and gets nothing ever again."""
    faults = plan(
        {"kind": "abort", "connection": 1, "after_rows": 1},
        {"kind": "abort_before_auth_reply", "connection": dropped},
    )
    last = 2 if dropped == 1 else 4

    async def story() -> None:
        options = PlayOptions(speed=None, events_per_frame=1)
        rows = [trades("AAPL"), trades("AAPL", first=2)]
        async with PlayedVendor(rows, options, faults) as vendor, massive(vendor, "T.AAPL") as client:
            client.start()
            await client.until(lambda: last in vendor.subscriptions)
            await (await client.client.websocket.ping())
            assert vendor.subscriptions[last] == frozenset()
            assert len(client.received) == (0 if dropped == 1 else 1)

    asyncio.run(story())


def test_closed_with_1000_it_ends_without_a_word() -> None:
    """The stream is over, and nobody is told."""

    async def story() -> None:
        faults = plan({"kind": "close", "code": 1000, "after_rows": 1})
        async with PlayedVendor([trades("AAPL")], AS_READ, faults) as vendor, massive(vendor, "T.*") as client:
            client.start()
            await client.ended()
            assert vendor.counts.connections == 1

    asyncio.run(story())


@pytest.mark.parametrize("fault", [{"kind": "max_connections", "seconds": 0}, {"kind": "abort"}])
def test_six_ends_in_its_lifetime_are_fatal(fault: dict[str, Any]) -> None:
    """It connects again at once, five times, and then raises; a success in between changes nothing."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ, plan(fault)) as vendor, massive(vendor, "T.*") as client:
            client.start()
            with pytest.raises(ConnectionClosedError):
                await client.ended()
            assert vendor.counts.connections == 6

    asyncio.run(story())


def test_without_a_limit_it_connects_again_and_again() -> None:
    """Nothing slows it down after a handshake that succeeded."""

    async def story() -> None:
        async with (
            PlayedVendor([], AS_READ, plan({"kind": "abort"})) as vendor,
            massive(vendor, "T.*", max_reconnects=None) as client,
        ):
            client.start()
            await client.until(lambda: vendor.counts.connections >= 12)

    asyncio.run(story())


def test_refused_over_http_it_tries_for_ever() -> None:
    """Its limit of five reconnects is not one of refusals."""

    async def story() -> None:
        faults = plan({"kind": "http_status", "status": 403})
        async with PlayedVendor([], AS_READ, faults) as vendor, massive(vendor, "T.*") as client:
            client.start(reconnect_delays=lambda: repeat(0.0))
            await client.until(lambda: vendor.counts.connections >= 10)

    asyncio.run(story())


@pytest.mark.parametrize("address", ["127.0.0.1:1", "sockets.massive.example"])
def test_where_nobody_listens_it_tries_for_ever(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused port or a host that does not resolve: its limit of reconnects is ignored, and it logs nothing."""

    def unknown(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if address != "127.0.0.1:1":
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
    attempts: list[int] = []

    def delays() -> Iterator[float]:
        for number in count():
            attempts.append(number)
            yield 0.0

    async def story() -> None:
        client = WebSocketClient("a key", feed=address, subscriptions=["T.*"], secure=False)
        trying = asyncio.ensure_future(client.connect(print, proxy=None, reconnect_delays=delays))
        async with asyncio.timeout(LONGEST_SECONDS):
            while len(attempts) < 10:
                assert not trying.done()
                await asyncio.sleep(0.005)
        trying.cancel()
        await asyncio.wait({trying})

    asyncio.run(story())
    assert not [record for record in caplog.records if record.name.startswith("massive")]


def test_any_answer_to_its_key_but_one_is_a_success() -> None:
    """It subscribes after `auth_timeout`, and is told that it must send a key."""

    async def story() -> None:
        faults = plan({"kind": "auth_timeout", "seconds": 600})
        async with PlayedVendor([], AS_READ, faults) as vendor, massive(vendor, "T.*", raw=True) as client:
            client.start()
            await client.until(lambda: bool(client.received))
            assert json.loads(client.received[0])[0]["status"] == "auth_required"

    asyncio.run(story())


def test_without_an_answer_to_its_key_it_waits() -> None:
    """It has no timeout: it is still waiting when another client has read everything."""

    async def story() -> None:
        faults = plan({"kind": "no_auth_reply", "connection": 1})
        async with PlayedVendor([trades("AAPL")], AS_READ, faults) as vendor, massive(vendor, "T.*") as waiting:
            waiting.start()
            await waiting.until(lambda: vendor.faults["no_auth_reply"] == 1)
            async with massive(vendor, "T.*") as other:
                other.start()
                await other.until(lambda: len(other.received) == 1)
            assert not waiting.task.done()
            assert vendor.subscriptions.get(1, frozenset()) == frozenset()

    asyncio.run(story())


def test_a_frame_that_breaks_off_kills_its_stream() -> None:
    """One bad frame, and the program ends."""

    async def story() -> None:
        faults = plan({"kind": "truncated_frame", "after_rows": 1})
        async with PlayedVendor([trades("AAPL")], AS_READ, faults) as vendor, massive(vendor, "T.*") as client:
            client.start()
            with pytest.raises(json.JSONDecodeError):
                await client.ended()

    asyncio.run(story())


def test_asking_for_second_bars_it_gives_up_minute_bars() -> None:
    """`AM` begins with `A`: `A.*` takes the other subscriptions away."""

    async def story() -> None:
        async with PlayedVendor([bars("AAPL")], AS_READ) as vendor, massive(vendor, "AM.AAPL") as client:
            client.start()
            await client.until(lambda: len(client.received) == 1)
            client.client.subscribe("A.*")
            await client.until(lambda: vendor.subscriptions[1] == {"A.*"})

    asyncio.run(story())


def test_a_handler_that_takes_its_time_ends_the_connection() -> None:
    """It reads nothing meanwhile, not even the pong to its ping, and closes with 1011 itself."""

    async def story() -> None:
        rows = [trades(*["AAPL"] * 2_000, first=1 + 2_000 * part) for part in range(5)]
        options = PlayOptions(speed=1e9, start_on_subscribe=True, events_per_frame=1)
        async with PlayedVendor(rows, options) as vendor, massive(vendor, "T.*") as client:
            busy = asyncio.Event()
            client.handle = busy.wait
            client.start(ping_interval=0.05, ping_timeout=0.05)
            await client.until(lambda: bool(client.received))
            protocol = client.client.websocket.protocol
            await client.until(lambda: protocol.close_sent is not None)
            assert protocol.close_sent.code == 1011

    asyncio.run(story())

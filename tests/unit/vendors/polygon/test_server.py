"""The vendor, played: what goes over the wire, seen by a client that hides nothing."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest

from tests.unit.vendors.polygon.played_client import raw_client
from tests.unit.vendors.polygon.recorded_rows import bars, fair_values, recorded, trades
from tickstock_cli.errors import ServingError
from tickstock_cli.vendors.polygon.server.session import SessionOptions
from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor, PlayOptions, vendor_in_thread

AS_READ = PlayOptions(speed=None)


def test_the_handshake_is_the_vendors() -> None:
    """Every client program waits for these three messages, word for word."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor, raw_client(vendor.url) as client:
            connected = [{"ev": "status", "status": "connected", "message": "Connected Successfully"}]
            assert await client.frame() == connected
            await client.send("auth", "a key")
            assert await client.frame() == [{"ev": "status", "status": "auth_success", "message": "authenticated"}]
            await client.send("subscribe", "T.AAPL")
            assert await client.frame() == [{"ev": "status", "status": "success", "message": "subscribed to: T.AAPL"}]

    asyncio.run(story())


def test_a_trade_goes_out_with_the_fields_of_the_wire() -> None:
    """Milliseconds, whole shares, and the exact size beside them."""
    row = {
        "ticker": "BRK.B", "timestamp": 1_780_407_000_123_456_789, "price": 512.25, "size": 0.5, "conditions": [37, 12],
        "exchange": 4, "sequence": 77, "trade_id": "A1", "tape": 1, "trf_id": 202,
        "participant_timestamp": 1_780_407_000_100_999_999, "received_at": 1_780_407_000_200_000_000,
    }  # fmt: skip

    async def story() -> None:
        async with PlayedVendor([recorded("tick", row)], AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.BRK.B")
            (event,) = await client.events(1)
            assert event == {
                "ev": "T", "sym": "BRK.B", "x": 4, "i": "A1", "z": 1, "p": 512.25, "s": 0, "ds": "0.5",
                "c": [37, 12], "t": 1_780_407_000_123, "pt": 1_780_407_000_100, "q": 77, "trfi": 202,
            }  # fmt: skip

    asyncio.run(story())


def test_each_item_is_acknowledged_once_and_unknown_prefixes_never() -> None:
    """Clients must match acknowledgements by name: a repeated item and a wrong prefix get no answer at all."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor, raw_client(vendor.url) as client:
            acks = await client.subscribe("T.AAPL, T.NOSUCH,ZZ.AAPL,T,AM.*,T.AAPL")
            assert [ack["message"].removeprefix("subscribed to: ") for ack in acks] == ["T.AAPL", "T.NOSUCH", "AM.*"]
            await client.send("subscribe", "T.AAPL")
            await client.send("unsubscribe", "T.AAPL,T.MSFT")
            assert [ack["message"] for ack in await client.frame()] == ["unsubscribed to: T.AAPL"]

    asyncio.run(story())


def test_acknowledgements_can_come_in_frames_of_their_own() -> None:
    """The vendor does both; a client that reads one frame per command loses the rest."""
    options = replace(AS_READ, sessions=SessionOptions(acks_together=False))

    async def story() -> None:
        async with PlayedVendor([], options) as vendor, raw_client(vendor.url) as client:
            assert len(await client.subscribe("T.AAPL,T.MSFT")) == 1
            assert [ack["message"] for ack in await client.frame()] == ["subscribed to: T.MSFT"]

    asyncio.run(story())


def test_binary_commands_are_obeyed() -> None:
    """The vendor's client sends binary frames where its user has it encode with orjson."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.frame()
            await client.connection.send(b'{"action":"auth","params":"a key"}')
            assert (await client.frame())[0]["status"] == "auth_success"

    asyncio.run(story())


@pytest.mark.parametrize("command", ["{", "[]", "7", '"auth"', '{"params":"T.*"}', '{"action":"dance"}', "", b"\xff"])
def test_a_command_that_is_none_changes_nothing(command: str | bytes) -> None:
    """The connection lives on, and the next command is obeyed."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.login()
            await client.connection.send(command)
            await client.send("subscribe", "T.AAPL")
            assert [ack["status"] for ack in await client.frame()] == ["success"]
            assert vendor.counts.ignored_commands == 1

    asyncio.run(story())


def test_nothing_is_subscribed_before_the_key() -> None:
    """An early subscription is answered, not remembered."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.frame()
            await client.send("subscribe", "T.AAPL")
            assert [answer["status"] for answer in await client.frame()] == ["auth_required"]

    asyncio.run(story())


def test_a_wrong_key_ends_without_a_closing_frame() -> None:
    """The vendor says so and drops the connection; what a client makes of it must not be a reconnect."""
    options = replace(AS_READ, sessions=SessionOptions(key="the key"))

    async def story() -> None:
        async with PlayedVendor([], options) as vendor, raw_client(vendor.url) as client:
            await client.send("auth", "another key")
            events, code = await client.until_closed()
            assert (events[1]["status"], events[1]["message"]) == ("auth_failed", "authentication failed")
            assert code == 1006

    asyncio.run(story())


def test_an_event_comes_once_however_many_items_cover_it() -> None:
    """`T.*` beside `T.AAPL` must not double a trade; without the star the ticker stays."""

    async def story() -> None:
        rows = [trades("AAPL", "MSFT", "AAPL")]
        async with PlayedVendor(rows, AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.AAPL,T.*")
            assert [event["q"] for event in await client.events(3)] == [1, 2, 3]
            await client.send("unsubscribe", "T.*")
            assert [ack["message"] for ack in await client.frame()] == ["unsubscribed to: T.*"]

    asyncio.run(story())


def test_every_client_gets_what_it_subscribed_to() -> None:
    """Two clients, one of bars and fair values, one of a ticker's trades, beside each other."""
    rows = [[trades("AAPL", "MSFT", "AAPL", every_ns=20_000_000_000), bars("MSFT"), fair_values("AAPL")]]

    async def story() -> None:
        async with (
            PlayedVendor(rows, AS_READ) as vendor,
            raw_client(vendor.url) as one,
            raw_client(vendor.url) as other,
        ):
            await asyncio.gather(one.login(), other.login())
            await asyncio.gather(one.send("subscribe", "AM.*,FMV.AAPL,Q.*"), other.send("subscribe", "T.AAPL"))
            read = await asyncio.gather(one.events(2), other.events(2))
            assert [(event["ev"], event["sym"]) for event in read[0]] == [("FMV", "AAPL"), ("AM", "MSFT")]
            assert [(event["ev"], event["q"]) for event in read[1]] == [("T", 1), ("T", 3)]

    asyncio.run(story())


def test_a_release_is_split_into_frames_of_bounded_length() -> None:
    """`--events-per-frame`: every frame is an array, also one of a single event."""
    options = replace(AS_READ, events_per_frame=2)

    async def story() -> None:
        async with PlayedVendor([trades(*"ABCDE")], options) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            assert [len(await client.frame()) for _ in range(3)] == [2, 2, 1]

    asyncio.run(story())


def test_a_client_that_does_not_read_is_told_and_cut_off() -> None:
    """As the vendor does it: data comes late, then `slow_consumer`, then the connection is gone."""
    options = PlayOptions(speed=1e9, start_on_subscribe=True, sessions=SessionOptions(client_buffer=100_000))
    rows = [trades(*["AAPL"] * 2_000, first=1 + 2_000 * part) for part in range(50)]

    async def story() -> None:
        async with PlayedVendor(rows, options) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            await vendor.played()
            events, code = await client.until_closed()
            assert (events[-1]["status"], code) == ("slow_consumer", 1006)
            assert 0 < len(events) < 100_000
            assert vendor.counts.too_slow == 1

    asyncio.run(story())


def test_rows_wait_for_the_slowest_client_where_speed_is_max() -> None:
    """A client that takes its time gets everything: nobody is cut off."""
    options = replace(AS_READ, sessions=SessionOptions(client_buffer=100_000))
    rows = [trades(*["AAPL"] * 2_000, first=1 + 2_000 * part) for part in range(10)]

    async def story() -> None:
        async with PlayedVendor(rows, options) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            assert [event["q"] for event in await client.events(20_000)] == list(range(1, 20_001))
            await vendor.played()

    asyncio.run(story())


def test_a_loop_sends_the_same_rows_again() -> None:
    """`--loop`: the same times again, so that a short recording feeds a program for hours."""
    options = replace(AS_READ, loop=True)

    async def story() -> None:
        async with PlayedVendor([trades("AAPL", "MSFT")], options) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            assert [event["q"] for event in (await client.events(6))[:6]] == [1, 2, 1, 2, 1, 2]

    asyncio.run(story())


def test_a_client_that_leaves_without_closing_its_connection_does_not_keep_the_server() -> None:
    """A program that is ended in the middle of its closing handshake: its socket stays open until it is collected."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor:
            address = urlsplit(vendor.url)
            assert address.port is not None
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(
                b"GET /stocks HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            await reader.readuntil(b"Connected Successfully")
            writer.write(bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8]))  # a closing frame with code 1000, masked with 0
            await reader.readuntil(b"\x88\x02\x03\xe8")
        writer.close()

    asyncio.run(story())


def test_a_taken_address_is_one_line() -> None:
    """A second server on the port says which address, and what to do."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ) as vendor:
            port = int(vendor.url.rpartition(":")[2])
            with pytest.raises(ServingError, match=f"cannot serve on 127.0.0.1:{port}: .*; choose another address"):
                async with PlayedVendor([], replace(AS_READ, port=port)):
                    pass

    asyncio.run(story())


def test_rows_that_cannot_be_read_on_are_an_error_of_the_play() -> None:
    """A damaged recording must not look like the end of the market's day."""

    def broken() -> object:
        yield trades("AAPL")
        raise ValueError("damaged")

    async def story() -> None:
        async with PlayedVendor(broken(), replace(AS_READ, speed=1e9)) as vendor:  # type: ignore[arg-type]  # untyped on purpose
            with pytest.raises(ValueError, match="damaged"):
                await vendor.played()

    asyncio.run(story())


def test_frames_are_text_of_json_arrays() -> None:
    """Clients decode text; the vendor sends no binary frame."""

    async def story() -> None:
        async with PlayedVendor([trades("AAPL")], AS_READ) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            frame = await client.connection.recv()
            assert isinstance(frame, str)
            assert isinstance(json.loads(frame), list)

    asyncio.run(story())


def test_a_program_without_a_loop_plays_a_vendor_in_a_thread() -> None:
    """Sources read in threads of their own; their tests have no loop to share."""

    async def first_trade(url: str) -> int:
        async with raw_client(url) as client:
            await client.subscribe("T.*")
            return int((await client.events(1))[0]["q"])

    with vendor_in_thread([trades("AAPL")], AS_READ) as vendor:
        assert asyncio.run(first_trade(vendor.url)) == 1

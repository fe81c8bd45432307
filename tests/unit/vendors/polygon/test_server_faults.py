"""Faults of the played vendor, each as a client sees it on the wire."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.unit.vendors.polygon.openssl import NEEDS_OPENSSL
from tests.unit.vendors.polygon.played_client import RawClient, raw_client
from tests.unit.vendors.polygon.recorded_rows import bars, trades
from tickstock_cli.errors import ServingError, SettingsError
from tickstock_cli.vendors.polygon.server.fault_plan import FaultPlan, Tls, load_faults
from tickstock_cli.vendors.polygon.server.tls import make_certificate, tls_context
from tickstock_cli.vendors.polygon.server.vendor import PlayedVendor, PlayOptions

AS_READ = PlayOptions(speed=None, events_per_frame=1)
AAPL = [trades(*["AAPL"] * 8)]

Story = Callable[[RawClient], Awaitable[None]]


def plan(*faults: dict[str, Any], **more: Any) -> FaultPlan:
    """Return the plan of a file with these faults."""
    return FaultPlan.model_validate({"fault": faults, **more})


def tell(story: Story, *faults: dict[str, Any], rows: Any = AAPL, speed: float | None = None) -> PlayedVendor:
    """Play rows to one client with faults, and return the vendor after it."""

    async def told() -> PlayedVendor:
        options = PlayOptions(speed=speed, start_on_subscribe=True, events_per_frame=1)
        async with PlayedVendor(rows, options, plan(*faults)) as vendor, raw_client(vendor.url) as client:
            await story(client)
        return vendor

    return asyncio.run(told())


@pytest.mark.parametrize(("because", "words"), [("key", "authentication failed"), ("plan", "websocket access")])
def test_a_bad_key_is_refused_and_dropped(because: str, words: str) -> None:
    """Both messages mean that another try with the same key is in vain."""

    async def story(client: RawClient) -> None:
        await client.send("auth", "a key")
        events, code = await client.until_closed()
        assert events[1]["status"] == "auth_failed"
        assert words in events[1]["message"]
        assert code == 1006

    assert tell(story, {"kind": "bad_key", "because": because}).faults == {"bad_key": 1}


def test_an_answer_to_the_key_that_never_comes() -> None:
    """A client without a timeout waits for ever; the connection answers pings all the while."""

    async def story(client: RawClient) -> None:
        await client.frame()
        await client.send("auth", "a key")
        await (await client.connection.ping())
        await client.send("subscribe", "T.*")
        assert [answer["status"] for answer in await client.frame()] == ["auth_required"]

    tell(story, {"kind": "no_auth_reply"})


def test_a_timeout_of_the_key_is_said_and_then_dropped() -> None:
    """It is no success, whatever the vendor's client makes of it."""

    async def story(client: RawClient) -> None:
        await client.send("auth", "a key")
        events, code = await client.until_closed()
        assert ([event["status"] for event in events], code) == (["connected", "auth_timeout"], 1006)

    tell(story, {"kind": "auth_timeout", "seconds": 0.01})


def test_two_connections_end_before_their_key_is_answered() -> None:
    """Twice in a row is what makes the vendor's client forget its subscriptions."""

    async def story() -> None:
        faults = plan({"kind": "abort_before_auth_reply", "connection": [1, 2]})
        async with PlayedVendor(AAPL, AS_READ, faults) as vendor:
            for _ in range(2):
                async with raw_client(vendor.url) as client:
                    await client.send("auth", "a key")
                    events, code = await client.until_closed()
                    assert ([event["status"] for event in events], code) == (["connected"], 1006)
            async with raw_client(vendor.url) as client:
                await client.login()

    asyncio.run(story())


def test_items_that_are_not_in_the_plan_are_refused_without_their_name() -> None:
    """The others are acknowledged all the same."""

    async def story(client: RawClient) -> None:
        await client.login()
        await client.send("subscribe", "Q.AAPL,T.AAPL,Q.*")
        frames = [await client.frame() for _ in range(3)]
        assert [frame[0]["message"] for frame in frames] == ["not authorized"] * 2 + ["subscribed to: T.AAPL"]

    tell(story, {"kind": "not_authorized", "items": ["Q.*"]})


def test_a_plan_without_real_time_accepts_the_key_and_refuses_every_item() -> None:
    """The message comes after the success, so a client that stops reading at the success misses it."""

    async def story(client: RawClient) -> None:
        (answer,) = await client.subscribe("T.AAPL,T.MSFT")
        assert answer["status"] == "error"
        assert answer["message"].startswith("You don't have access real-time data.")

    tell(story, {"kind": "no_real_time"})


@pytest.mark.parametrize(
    ("whom", "end", "code"), [("old", "close", 1008), ("new", "close", 1008), ("new", "abort", 1006)]
)
def test_one_connection_too_many_ends_the_old_or_the_new_one(whom: str, end: str, code: int) -> None:
    """Both have worked until then: key and subscription were accepted."""
    fault = {"kind": "max_connections", "limit": 1, "whom": whom, "end": end, "seconds": 0}

    async def story() -> None:
        async with (
            PlayedVendor([], AS_READ, plan(fault)) as vendor,
            raw_client(vendor.url) as old,
            raw_client(vendor.url) as new,
        ):
            await old.subscribe("T.AAPL")
            await new.login()
            events, closed = await (old if whom == "old" else new).until_closed()
            assert (events[-1]["status"], closed) == ("max_connections", code)
            await (await (new if whom == "old" else old).connection.ping())

    asyncio.run(story())


@pytest.mark.parametrize("code", [1000, 1001, 1012])
def test_the_server_closes_after_some_rows(code: int) -> None:
    """By row: the same row at every speed."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        events, closed = await client.until_closed()
        assert ([event["q"] for event in events], closed) == ([1, 2, 3], code)

    vendor = tell(story, {"kind": "close", "code": code, "after_rows": 3})
    assert vendor.faults == {"close": 1}


def test_a_connection_is_dropped_in_the_middle_of_a_release() -> None:
    """Frames of many events end where the fault begins."""

    async def story() -> None:
        options = PlayOptions(speed=None, events_per_frame=100)
        faults = plan({"kind": "abort", "after_rows": 5, "connection": 1})
        async with PlayedVendor(AAPL, options, faults) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            events, code = await client.until_closed()
            assert ([event["q"] for event in events], code) == ([1, 2, 3, 4, 5], 1006)

    asyncio.run(story())


def test_a_fault_by_time_happens_without_any_row() -> None:
    """Before the key, even: the time is that since the connection was made."""

    async def story(client: RawClient) -> None:
        events, code = await client.until_closed()
        assert ([event["status"] for event in events], code) == (["connected"], 1001)

    tell(story, {"kind": "close", "after_seconds": 0.01})


def test_a_silent_connection_answers_pings_and_nothing_else() -> None:
    """Rows pass by unseen, and come again when it speaks again: nothing of it is sent later."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        await client.send("subscribe", "AM.*")
        await (await client.connection.ping())
        assert [event["q"] for event in await client.events(2)] == [1, 2]
        await client.connection.close()

    vendor = tell(story, {"kind": "silence", "after_rows": 2})
    assert vendor.player.released == 8


def test_a_silent_connection_can_leave_pings_unanswered() -> None:
    """As behind a dead router; it is heard again after its time, pings of meanwhile included."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        pong = await client.connection.ping()
        await pong

    tell(story, {"kind": "silence", "pongs": False, "seconds": 0.2})


def test_a_slow_consumer_gets_late_data_the_message_and_the_end() -> None:
    """The client's own speed does not matter: the fault is for those that are fast enough."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        events, code = await client.until_closed()
        assert [event.get("q", event.get("status")) for event in events] == [*range(1, 9), "slow_consumer"]
        assert code == 1006

    tell(story, {"kind": "slow_consumer", "after_rows": 4, "seconds": 0.1}, speed=1e6)


@pytest.mark.parametrize("kind", ["truncated_frame", "not_an_array"])
def test_a_bad_frame_stands_between_good_ones(kind: str) -> None:
    """No row is lost with it."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        frames = [str(await client.connection.recv()) for _ in range(9)]
        bad = frames.pop(3)
        assert [json.loads(frame)[0]["q"] for frame in frames] == list(range(1, 9))
        with pytest.raises((ValueError, AssertionError)):
            assert isinstance(json.loads(bad), list)

    tell(story, {"kind": kind, "after_rows": 3})


def test_an_unknown_event_shares_a_frame_with_a_known_one() -> None:
    """Its neighbour must survive."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        frames = [[event["ev"] for event in await client.frame()] for _ in range(4)]
        assert frames == [["T"], ["ZZZ", "T"], ["T"], ["T"]]

    tell(story, {"kind": "unknown_event", "after_rows": 1})


@pytest.mark.parametrize(
    ("fault", "field", "value"),
    [
        ({"kind": "unknown_keys"}, "zz", 1),
        ({"kind": "float_fields"}, "q", 1.0),
        ({"kind": "missing_fields", "fields": ["p"]}, "p", None),
        ({"kind": "time_unit", "unit": "ns"}, "t", 1_780_407_001_000_000_000),
        ({"kind": "time_unit", "unit": "s"}, "t", 1_780_407_001),
        ({"kind": "late_print", "seconds": 600}, "pt", 1_780_406_401_000),
    ],
)
def test_events_are_altered_as_long_as_the_fault_says(fault: dict[str, Any], field: str, value: object) -> None:
    """One event here; the next one is as it should be."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        first, second = await client.events(2)
        assert first.get(field) == value
        assert repr(first.get(field)) == repr(value)
        assert (second["p"], second["q"], second["t"]) == (100.02, 2, 1_780_407_002_000)

    tell(story, fault)


def test_a_frame_can_be_nearly_as_big_as_clients_allow() -> None:
    """The vendor's Go client reads a million bytes at most."""
    rows = [trades(*["AAPL"] * 9_000)]

    async def story() -> None:
        faults = plan({"kind": "big_frame"})
        async with PlayedVendor(rows, PlayOptions(speed=None), faults) as vendor, raw_client(vendor.url) as client:
            await client.subscribe("T.*")
            frame = str(await client.connection.recv())
            assert 900_000 <= len(frame) < 1_020_000
            assert [event["q"] for event in json.loads(frame)] == list(range(1, len(json.loads(frame)) + 1))

    asyncio.run(story())


def test_a_big_frame_that_never_fills_is_sent_in_the_end() -> None:
    """The end of the rows must not swallow what was gathered."""

    async def story(client: RawClient) -> None:
        await client.subscribe("T.*")
        assert [event["q"] for event in await client.events(8)] == list(range(1, 9))

    tell(story, {"kind": "big_frame", "seconds": 0.05})


def test_events_of_before_a_reconnect_are_repeated() -> None:
    """The last three of the first connection come again on the second, before anything new."""

    async def story() -> None:
        faults = plan({"kind": "abort", "connection": 1, "after_rows": 5}, {"kind": "duplicates", "rows": 3})
        async with PlayedVendor(AAPL, AS_READ, faults) as vendor:
            for expected in ([1, 2, 3, 4, 5], [3, 4, 5]):
                async with raw_client(vendor.url) as client:
                    await client.subscribe("T.*")
                    assert [event["q"] for event in await client.events(len(expected))] == expected

    asyncio.run(story())


def test_a_bar_is_sent_again_with_more_volume() -> None:
    """Within 15 minutes the vendor corrects bars: the last one of a start counts."""

    async def story(client: RawClient) -> None:
        await client.subscribe("AM.*")
        events = await client.events(5)
        assert [event["sym"] for event in events] == ["A", "B", "C", "A", "D"]
        assert [(event["v"], event["dv"]) for event in events if event["sym"] == "A"] == [
            (1_234, "1234.5"),
            (1_334, "1334.5"),
        ]

    tell(story, {"kind": "resent_bar", "rows_later": 2}, rows=[bars(*"ABCD")])


@pytest.mark.parametrize("status", [401, 403, 503])
def test_an_upgrade_is_refused_with_a_status(status: int) -> None:
    """Once here; the next connection is accepted."""

    async def story() -> None:
        faults = plan({"kind": "http_status", "status": status, "times": 1})
        async with PlayedVendor([], AS_READ, faults) as vendor:
            with pytest.raises(InvalidStatus) as refused:
                await connect(vendor.url, proxy=None)
            assert refused.value.response.status_code == status
            async with raw_client(vendor.url) as client:
                await client.login()

    asyncio.run(story())


@NEEDS_OPENSSL
def test_a_certificate_can_be_that_of_another_host(tmp_path: Path) -> None:
    """The sign of a mistyped host: names resolve whatever they are, and fail at TLS."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    make_certificate("other.example", certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def story() -> None:
        secured = plan(tls={"certificate": certificate, "key": key})
        async with PlayedVendor([], AS_READ, secured) as vendor:
            assert vendor.url.startswith("wss://")
            with pytest.raises(ssl.SSLCertVerificationError, match="certificate is not valid for"):
                await connect(vendor.url, proxy=None, ssl=trusting)
            async with connect(vendor.url, proxy=None, ssl=trusting, server_hostname="other.example") as connection:
                await RawClient(connection).login()

    asyncio.run(story())


@NEEDS_OPENSSL
def test_a_certificate_is_made_for_a_name() -> None:
    """A file of faults needs no certificate beside it."""

    async def story() -> None:
        async with PlayedVendor([], AS_READ, plan(tls={"name": "other.example"})) as vendor:
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(vendor.url, proxy=None)

    asyncio.run(story())


def test_a_certificate_without_the_command_that_makes_it_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """It names the command, and what does without it."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServingError, match="there is no command openssl; give certificate and key"):
        tls_context(Tls(name="other.example"))


def test_what_is_drawn_depends_on_the_seed_and_the_connection_alone() -> None:
    """A run with faults can be repeated."""

    async def rows_until_dropped(seed: int) -> list[int]:
        faults = plan({"kind": "abort", "after_rows": [1, 7]}, seed=seed)
        found = []
        rows = [trades(*["AAPL"] * 10) for _ in range(4)]
        async with PlayedVendor(rows, AS_READ, faults) as vendor:
            for _ in range(4):
                async with raw_client(vendor.url) as client:
                    with suppress(ConnectionClosed):
                        await client.subscribe("T.*")
                    found.append(len((await client.until_closed())[0]))
        return found

    first = asyncio.run(rows_until_dropped(1))
    assert asyncio.run(rows_until_dropped(1)) == first
    assert asyncio.run(rows_until_dropped(2)) != first
    assert len(set(first)) > 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[fault]]\nkind = "close"\ncode = 5', r"fault 1 \(close\): code: must be 1000, 1001"),
        ('[[fault]]\nkind = "abort"\n[[fault]]\nkind = "clos"', r"fault 2 \(clos\): there is no fault of this kind"),
        ("[[fault]]\nconnection = 1", "fault 1: must have a kind, as in"),
        ('[[fault]]\nkind = "abort"\nafter_row = 1', r"fault 1 \(abort\): after_row: there is no such key"),
        ('[[fault]]\nkind = "abort"\nafter_rows = [5, 1]', "after_rows must ascend"),
        ('[[fault]]\nkind = "abort"\nafter_rows = 1\nafter_seconds = 1', "exclude each other; choose one"),
        ('[[fault]]\nkind = "not_authorized"', r"fault 1 \(not_authorized\): items: must be given"),
        ('seed = "x"', "seed: must be an integer"),
        ('[tls]\nkey = "key.pem"', "tls: give either certificate and key, or name"),
        ("[[fault]", "it is not TOML"),
    ],
)
def test_a_mistake_in_a_file_of_faults_is_one_line_with_its_place(text: str, words: str, tmp_path: Path) -> None:
    """A file of twenty faults needs the number of the one that is wrong."""
    path = tmp_path / "faults.toml"
    path.write_text(text)
    with pytest.raises(SettingsError, match=words) as refused:
        load_faults(path)
    assert "faults.toml" in str(refused.value)
    assert "\n" not in str(refused.value)

"""A WebSocket session, seen by a real client: nothing missing, nothing twice, errors that name the field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed

from tests.unit.serving.served_runs import (
    KINDS,
    SHORT_MEMORY,
    START,
    NewLog,
    RunOutput,
    client,
    event,
    events,
    in_order,
    served,
)
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.serving.hub import Limits
from tickstock_cli.serving.ports import Health, MarketState
from tickstock_cli.serving.protocol import Message, ServerMessage, server_schema
from tickstock_cli.serving.server import ServerThread

MINUTE = {"kind": "minute", "text": "minute 09:30 complete", "minute": START, "symbols": 812, "lag_ms": 420.5}
GAP = {"kind": "gap", "text": "gap", "begin": START, "end": START + 9, "channels": ["T"], "reason": "connection lost"}
QUICK = Limits(heartbeat_seconds=0.05)


@pytest.fixture(scope="module")
def ten_events(new_log: NewLog) -> Iterator[ServerThread]:
    """Serve a finished run."""
    log = new_log(10)
    log.finish()
    with served(log) as server:
        yield server


def test_hello_describes_the_run(new_log: NewLog) -> None:
    """A client can decide from the first message where to begin and what it will get."""
    with served(new_log(7)) as server, client(server) as reader:
        hello = reader.hello

    assert (hello["type"], hello["protocol"], hello["run"]) == ("hello", 1, "run-1")
    assert (hello["first_sequence"], hello["last_sequence"], hello["finished"]) == (1, 7, False)
    assert (hello["kinds"], hello["universes"]) == (list(KINDS), ["first"])
    assert hello["columns"][0] == {"name": "event_id", "type": "string", "nullable": False}
    assert hello["about"] == {"title": "a story"}


def test_an_event_arrives_with_all_its_columns(new_log: NewLog) -> None:
    """As JSON has them: null for what it lacks, the 64-bit id as a string that no double can spoil."""
    with served(new_log(1)) as server, client(server) as reader:
        reader.subscribe(**{"from": "first"})
        [told] = reader.events(1)

    assert told == {"sequence": 1, **event(1), "event_id": str(2**64 - 2)}


def test_numbers_that_json_cannot_hold_are_null(new_log: NewLog) -> None:
    """A vendor's infinite change must not make a message that no browser can read."""
    log = new_log()
    log.append(events([event(1, percent_change=float("inf"))]))
    with served(log) as server, client(server) as reader:
        reader.subscribe(**{"from": "first"})

        assert reader.events(1)[0]["percent_change"] is None


def test_events_from_now_on_are_those_appended_later(new_log: NewLog) -> None:
    """The default of a live view."""
    log = new_log(5)
    with served(log) as server, client(server) as reader:
        assert reader.subscribe() == {"type": "subscribed", "next": 6}
        log.add(2)

        assert reader.sequences(2) == [6, 7]


def test_events_come_across_pages_in_order(new_log: NewLog) -> None:
    """Pages of the cache show nowhere."""
    with served(new_log(1_000)) as server, client(server) as reader:
        reader.subscribe(**{"from": 3})

        assert reader.sequences(998) == list(range(3, 1_001))


def test_a_client_that_reconnects_gets_every_event_once(new_log: NewLog) -> None:
    """It asks for what the last message called next, and for the run it knows."""
    log = new_log(300)
    with served(log) as server:
        with client(server) as reader:
            reader.subscribe(**{"from": "first"})
            first = reader.next("events")
        log.add(50)
        with client(server) as reader:
            reader.subscribe(**{"from": first["next"], "run": reader.hello["run"]})
            rest = reader.sequences(350 - len(first["events"]))

    assert [told["sequence"] for told in in_order(first["events"])] + rest == list(range(1, 351))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"kinds": ["surge", "fmv"]}, [2, 4, 7, 9]),
        ({"tickers": ["ABC", "XYZ"]}, [3, 6, 9]),
        ({"universe": "first"}, [3, 6, 9]),
        ({"universe": "first", "tickers": ["DEF"]}, []),
        ({"sources": ["fmv"]}, [4, 9]),
        ({"min_priority": 1}, [1, 5, 6, 10]),
        ({"kinds": ["high", "low"], "tickers": ["ABC"], "min_priority": 1}, [6]),
        ({"kinds": []}, []),
    ],
)
def test_a_subscription_filters(ten_events: ServerThread, wanted: dict[str, Any], expected: list[int]) -> None:
    """All that is named must hold; the end says that nothing else is to come."""
    with client(ten_events) as reader:
        reader.subscribe(**{"from": "first", **wanted})
        told: list[int] = []
        while (message := reader.next())["type"] != "end":
            told += [event["sequence"] for event in in_order(message.get("events", []))]

    assert told == expected
    assert message["next"] == 11


def test_events_of_one_message_are_highest_priority_first(ten_events: ServerThread) -> None:
    """By priority, and of one priority in the order of the run."""
    with client(ten_events) as reader:
        reader.subscribe(**{"from": "first"})
        batch = reader.next("events")

    assert [(told["priority"], told["sequence"]) for told in batch["events"]] == [
        *((1, number) for number in (1, 5, 6, 10)),
        *((2, number) for number in (2, 7)),
        *((3, number) for number in (3, 8)),
        *((4, number) for number in (4, 9)),
    ]
    assert batch["next"] == 11


@pytest.mark.parametrize("own", ["first", ["ABC", "XYZ"]])
def test_a_client_s_own_universe_comes_first(ten_events: ServerThread, own: str | list[str]) -> None:
    """By its name or as tickers; the others come as well, behind."""
    with client(ten_events) as reader:
        reader.subscribe(**{"from": "first", "user_universe": own})
        batch = reader.next("events")["events"]

    assert [told["sequence"] for told in batch] == [6, 3, 9, 1, 5, 10, 2, 7, 8, 4]


def test_a_new_subscription_replaces_the_old_one(new_log: NewLog) -> None:
    """What follows the answer obeys the new filter alone."""
    log = new_log()
    with served(log) as server, client(server) as reader:
        reader.subscribe(kinds=["high"])
        reader.subscribe(kinds=["low"])
        log.add(11)

        assert reader.sequences(3) == [1, 6, 11]
        reader.send(type="unsubscribe")
        assert reader.next("subscribed") == {"type": "subscribed", "next": None}


def test_events_that_a_filter_left_out_are_not_read_again(new_log: NewLog) -> None:
    """A heartbeat moves the place to return to, though no event matched."""
    log = new_log(10)
    with served(log, limits=QUICK) as server, client(server) as reader:
        reader.subscribe(**{"from": "first", "tickers": ["NONE"]})
        while (beat := reader.next("heartbeat"))["next"] != 11:
            assert beat["next"] == 1

    assert beat["lag"] == {"unsent": 0, "unacknowledged": None}


def test_heartbeats_have_market_and_health(new_log: NewLog) -> None:
    """Also without a subscription: a quiet market and a dead connection look different."""
    status = RunOutput(state=Health(ok=False, reasons=("tick-1: breaker open",)), place=MarketState(START, "pre"))
    with served(new_log(3), status=status, limits=QUICK) as server, client(server) as reader:
        beat = reader.next()

    assert beat == {
        "type": "heartbeat",
        "next": None,
        "last_sequence": 3,
        "market": {"time": START, "phase": "pre"},
        "health": {"ok": False, "reasons": ["tick-1: breaker open"]},
        "lag": {"unsent": None, "unacknowledged": None},
    }


def test_a_window_stops_at_what_is_not_acknowledged(new_log: NewLog) -> None:
    """End-to-end flow control for a client that keeps events in memory until it has stored them."""
    with served(new_log(100), limits=QUICK) as server, client(server) as reader:
        reader.subscribe(**{"from": "first", "window": 3, "kinds": ["low", "high"]})
        assert reader.sequences(3) == [1, 5, 6]
        assert reader.next("heartbeat")["lag"] == {"unsent": 91, "unacknowledged": 3}
        reader.send(type="ack", sequence=5)

        assert reader.sequences(2) == [10, 11]


def test_the_error_of_an_expired_event_names_the_first_kept(new_log: NewLog) -> None:
    """The client must know that there is a gap, and where it ends."""
    log = new_log(30, SHORT_MEMORY)
    first = log.first_sequence
    assert 1 < first < 30
    with served(log) as server, client(server) as reader:
        answer = reader.subscribe(**{"from": first - 1})

        assert (answer["code"], answer["field"], answer["first_sequence"]) == ("expired", "from", first)
        assert str(first) in answer["message"]
        reader.subscribe(**{"from": first})
        assert reader.sequences(31 - first) == list(range(first, 31))


def test_a_client_behind_retention_gets_an_error(new_log: NewLog) -> None:
    """The client waited at its window meanwhile; resuming behind the gap would lose events silently."""
    log = new_log(5, SHORT_MEMORY)
    with served(log) as server, client(server) as reader:
        reader.subscribe(**{"from": "first", "window": 2})
        assert reader.sequences(2) == [1, 2]
        log.add(50)
        reader.send(type="ack", sequence=2)
        answer = reader.next("error")

    assert (answer["code"], answer["first_sequence"]) == ("expired", log.first_sequence)


def test_another_run_and_a_number_beyond_the_next_are_errors(new_log: NewLog) -> None:
    """After a restart with an empty log, old numbers would silently skip the new run's events."""
    with served(new_log(5)) as server, client(server) as reader:
        other = reader.subscribe(**{"from": 3, "run": "run-0"})
        ahead = reader.subscribe(**{"from": 7})

        assert reader.subscribe(**{"from": 6}) == {"type": "subscribed", "next": 6}

    assert (other["code"], other["field"]) == ("other_run", "run")
    assert (ahead["code"], ahead["field"], ahead["next_sequence"]) == ("ahead", "from", 6)


@pytest.mark.parametrize(
    ("text", "code", "field"),
    [
        ("", "malformed", None),
        ("{", "malformed", None),
        ("[" * 100_000, "malformed", None),
        ("3", "invalid", "type"),
        ("{}", "invalid", "type"),
        ('{"type": "buy"}', "invalid", "type"),
        ('{"type": "subscribe", "kind": ["high"]}', "invalid", "kind"),
        ('{"type": "subscribe", "kinds": "high"}', "invalid", "kinds"),
        ('{"type": "subscribe", "kinds": ["hihg"]}', "invalid", "kinds"),
        ('{"type": "subscribe", "universe": "second"}', "invalid", "universe"),
        ('{"type": "subscribe", "user_universe": "second"}', "invalid", "user_universe"),
        ('{"type": "subscribe", "user_universe": 3}', "invalid", "user_universe"),
        ('{"type": "subscribe", "sources": ["nasdaq"]}', "invalid", "sources"),
        ('{"type": "subscribe", "from": 0}', "invalid", "from"),
        ('{"type": "subscribe", "from": "yesterday"}', "invalid", "from"),
        ('{"type": "subscribe", "min_priority": 1.5}', "invalid", "min_priority"),
        ('{"type": "subscribe", "window": 0}', "invalid", "window"),
        ('{"type": "ack"}', "invalid", "sequence"),
        ('{"type": "ack", "sequence": 1}', "invalid", "type"),
        (b'{"type": "subscribe"}', "malformed", None),
    ],
)
def test_an_invalid_message_is_answered_with_an_error(
    ten_events: ServerThread, text: str | bytes, code: str, field: str | None
) -> None:
    """With an error that names the field, and the connection goes on."""
    with client(ten_events) as reader:
        reader.send_raw(text)
        answer = reader.next("error")

        assert (answer["code"], answer.get("field")) == (code, field)
        assert reader.subscribe(**{"from": "first"})["type"] == "subscribed"


LONG = "x" * 100_000


@pytest.mark.parametrize(
    "text",
    [
        f'{{"type": "subscribe", "{LONG}": 1}}',
        f'{{"type": "{LONG}"}}',
        f'{{"type": "subscribe", "run": "{LONG}"}}',
        f'{{"type": "subscribe", "kinds": ["{LONG}"]}}',
        f'{{"type": "subscribe", "from": {"9" * 4_000}}}',
        f'{{"type": "ack", "sequence": {"9" * 100_000}}}',
    ],
)
def test_an_error_does_not_repeat_a_long_message(ten_events: ServerThread, text: str) -> None:
    """A key of 100,000 characters came back twice; the field is cut as the message is."""
    with client(ten_events) as reader:
        reader.send_raw(text)
        answer = reader.next("error")

        assert len(answer["message"]) + len(answer.get("field", "")) < 1_100
        assert reader.subscribe(**{"from": "first"})["type"] == "subscribed"


def test_errors_name_valid_values(new_log: NewLog) -> None:
    """The misspelt kind, and universe, come with those there are."""
    with served(new_log()) as server, client(server) as reader:
        kind, universe = reader.subscribe(kinds=["hihg"]), reader.subscribe(universe="second")

    assert kind["message"] == "no kind of event is named 'hihg'; the kinds are high, low, surge, trend, fmv"
    assert universe["message"] == "no universe is named 'second'; the universes are first"


def test_a_client_that_sends_only_invalid_messages_is_disconnected(new_log: NewLog) -> None:
    """After a hundred wrong messages in a row, with a code that says why."""
    with served(new_log()) as server, client(server) as reader:
        for _ in range(100):
            reader.send_raw("?")
        for _ in range(100):
            reader.next("error")
        with pytest.raises(ConnectionClosed) as closed:
            reader.next()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


def test_a_message_too_long_ends_the_connection_with_its_code(new_log: NewLog) -> None:
    """1009: nothing of it is kept in memory."""
    with served(new_log()) as server, client(server) as reader:
        reader.send_raw(json.dumps({"type": "subscribe", "tickers": ["A" * 300_000]}))
        with pytest.raises(ConnectionClosed) as closed:
            reader.next()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_damaged_log_is_an_error_without_a_retry(new_log: NewLog) -> None:
    """The subscription ends; what lies behind the damage can still be asked for."""
    log = new_log(30, LogLimits(memory_bytes=1))
    damaged = min(log.folder.glob("*.arrow"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with served(log) as server, client(server) as reader:
        reader.subscribe(**{"from": "first"})
        answer = reader.next("error")

        assert (answer["code"], "damaged" in answer["message"]) == ("unreadable", True)
        reader.subscribe(**{"from": 2})
        assert reader.sequences(29) == list(range(2, 31))


def test_every_message_is_what_its_schema_says(new_log: NewLog) -> None:
    """Events are written by hand, for speed; the models still know them."""
    log = new_log(5)
    log.finish()
    known: TypeAdapter[Message] = TypeAdapter(ServerMessage)
    seen: set[str] = set()
    with served(log, limits=QUICK) as server, client(server) as reader:
        messages = [reader.hello, reader.subscribe(**{"from": "first", "alerts": True, "notices": True})]
        server.server.hub.alerts.post({"change": "raised"})
        server.server.hub.notices.post(MINUTE)
        reader.send(type="nonsense")
        while seen != {"hello", "subscribed", "events", "heartbeat", "alert", "notice", "end", "error"}:
            messages.append(reader.next())
            seen = {message["type"] for message in messages}

    forms = [form for form in server_schema()["$defs"].values() if "const" in form["properties"].get("type", {})]
    required = {form["properties"]["type"]["const"]: set(form["required"]) for form in forms}
    for message in messages:
        assert known.validate_python(message, extra="forbid", by_alias=True).type == message["type"]
        optional = {"field"} if message["type"] == "error" else set()
        assert set(message) - optional == required[message["type"]]


def test_alerts_are_sent_to_clients_that_asked(new_log: NewLog) -> None:
    """Those raised from the subscription on, in order."""
    with served(new_log()) as server, client(server) as reader, client(server) as other:
        server.server.hub.alerts.post({"type": "HIGH_LATENCY", "subject": "tick-1"})
        reader.subscribe(alerts=True)
        other.subscribe()
        server.server.hub.alerts.post({"type": "QUEUE_OVERFLOW", "subject": "ohlcv-1"})
        alert = reader.next("alert")
        other.send(type="unsubscribe")

        assert alert == {"type": "alert", "number": 2, "alert": {"type": "QUEUE_OVERFLOW", "subject": "ohlcv-1"}}
        assert other.next()["type"] == "subscribed"


def test_notices_are_sent_to_clients_that_asked(new_log: NewLog) -> None:
    """Those posted from the subscription on, with the keys of their kind; a gap comes twice."""
    with served(new_log()) as server, client(server) as reader, client(server) as other:
        server.server.hub.notices.post(MINUTE)
        reader.subscribe(notices=True)
        other.subscribe()
        server.server.hub.notices.post({**GAP, "end": None})
        server.server.hub.notices.post(GAP)
        notices = [reader.next("notice"), reader.next("notice")]
        other.send(type="unsubscribe")

        assert notices == [
            {"type": "notice", "number": 2, **GAP, "end": None},
            {"type": "notice", "number": 3, **GAP},
        ]
        assert other.next()["type"] == "subscribed"

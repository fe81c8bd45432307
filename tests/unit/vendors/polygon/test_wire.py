"""Frames of the wire to columns of rows."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.testing import new_york
from tickstock_cli.vendors.polygon.wire import Decoded, Decoder

AT_NOON = new_york("2026-09-25", "12:00:00")
RECEIVED = AT_NOON + 21_000_000
TRADE: dict[str, Any] = {
    "ev": "T",
    "sym": "BRK.B",
    "i": "52983525027890",
    "x": 4,
    "p": 494.255,
    "s": 12,
    "ds": "12.345678",
    "c": [14, 37],
    "t": AT_NOON // 10**6,
    "pt": AT_NOON // 10**6 - 3,
    "q": 3_681_328,
    "z": 1,
    "trfi": 201,
    "trft": AT_NOON // 10**6 - 1,
}
BAR: dict[str, Any] = {
    "ev": "AM",
    "sym": "AAPL",
    "v": 4989,
    "av": 8_642_007,
    "dv": "4989.25",
    "dav": "8642007.0",
    "op": 226.5,
    "vw": 226.4913,
    "o": 226.5,
    "c": 226.52,
    "h": 226.61,
    "l": 226.44,
    "a": 226.1,
    "z": 12.0,
    "s": AT_NOON // 10**6,
    "e": AT_NOON // 10**6 + 60_000,
}


def decoded(*frames: Any, decoder: Decoder | None = None) -> Decoded:
    """Return what frames hold: JSON values, or text or bytes as they come; the first is received at ``RECEIVED``."""
    plain = [frame if isinstance(frame, bytes | str) else json.dumps(frame) for frame in frames]
    return (decoder or Decoder()).decode([(frame, RECEIVED + place) for place, frame in enumerate(plain)])


def balanced(result: Decoded) -> bool:
    """Return whether every event ended in one count."""
    rows = sum(batch.num_rows for batch in result.rows.values())
    counts = result.counts
    return counts["wire.events"] == rows + sum(
        counts[f"wire.{name}"] for name in ("status", "bad_event", "unknown_event")
    )


def trade(**fields: Any) -> dict[str, Any]:
    """Return the row of a trade with other fields, which comes in a frame with a plain neighbour."""
    result = decoded([{**TRADE, **fields}, TRADE])
    rows = result.rows["tick"].to_pylist()
    assert balanced(result)
    assert rows[1] == decoded([TRADE]).rows["tick"].to_pylist()[0]
    return rows[0]


def test_a_trade_becomes_a_row_of_the_recording() -> None:
    """Every field ends in its column: exact size, conditions, times in ns, and what a repeated trade is known by."""
    assert trade() == {
        "ticker": "BRK.B",
        "timestamp": AT_NOON,
        "price": 494.255,
        "size": 12.345678,
        "flags": 5,
        "conditions": [14, 37],
        "exchange": 4,
        "sequence": 3_681_328,
        "trade_id": "52983525027890",
        "tape": 1,
        "participant_timestamp": AT_NOON - 3_000_000,
        "trf_id": 201,
        "received_at": RECEIVED,
    }


def test_a_plain_trade_of_an_older_feed_has_no_conditions_and_its_whole_size() -> None:
    """Conditions are absent from most trades; ds, pt and trfi are from older recordings."""
    fields = ("ev", "sym", "i", "x", "p", "s", "t", "q", "z")
    (row,) = decoded([{name: TRADE[name] for name in fields}]).rows["tick"].to_pylist()

    assert (row["size"], row["conditions"], row["flags"]) == (12.0, [], 0)
    assert (row["participant_timestamp"], row["trf_id"]) == (None, None)


def test_bars_of_minutes_and_seconds_and_fair_values_become_rows() -> None:
    """A business feed sends them in one frame with trades; each type has its columns, in the order of the frame."""
    second = {**BAR, "ev": "A", "sym": "MSFT", "e": BAR["s"] + 1_000, "dv": None}
    value = {"ev": "FMV", "sym": "AAPL", "fmv": 226.515, "t": AT_NOON + 17}
    rows = decoded([BAR, value, TRADE], [second]).rows

    assert list(rows) == ["tick", "ohlcv", "fmv"]
    assert all(batch.schema.equals(RECORDED[record]) for record, batch in rows.items())
    minute, one = rows["ohlcv"].to_pylist()
    assert list(minute.values()) == ["AAPL", AT_NOON, 226.5, 226.61, 226.44, 226.52, 4989.25, 226.4913, 60.0, RECEIVED]
    assert (one["ticker"], one["volume"], one["interval"], one["received_at"]) == ("MSFT", 4989.0, 1.0, RECEIVED + 1)
    assert rows["fmv"].to_pylist() == [
        {"ticker": "AAPL", "timestamp": AT_NOON + 17, "fmv": 226.515, "received_at": RECEIVED}
    ]


def test_statuses_come_out_beside_the_rows() -> None:
    """Acknowledgements share frames with data; the connection matches them by their text."""
    subscribed = {"ev": "status", "status": "success", "message": "subscribed to: T.AAPL"}
    result = decoded([subscribed, TRADE, {"ev": "status", "status": 7}])

    assert [(one.status, one.message) for one in result.statuses] == [
        ("success", "subscribed to: T.AAPL"),
        (None, None),
    ]
    assert result.counts["wire.status"] == 2
    assert balanced(result)


@pytest.mark.parametrize(
    ("time", "ns"),
    [
        (1_790_352_000, 1_790_352_000_000_000_000),
        (1_790_352_000_123, 1_790_352_000_123_000_000),
        (1_790_352_000_123_457, 1_790_352_000_123_457_000),
        (1_790_352_000_123_456_789, 1_790_352_000_123_456_789),
        (1_790_352_000_123.0, 1_790_352_000_123_000_000),
        (1_790_352_000_123.5, 1_790_352_000_123_500_000),
        (1.790352000123456e18, 1_790_352_000_123_456_000),
        (9_223_372_036_855, None),
        (10**30, None),
        (True, None),
        ("soon", None),
    ],
)
def test_the_magnitude_of_a_time_tells_its_unit(time: Any, ns: int | None) -> None:
    """The documentation says ns where the wire has ms, and the other way round; no digit may pass through a float."""
    assert trade(t=time)["timestamp"] == ns


def test_a_time_below_0_stays_one_for_the_pipeline_to_reject() -> None:
    """It is no time of a market, but it is what came: the recording keeps it, and the row is rejected by name."""
    assert trade(t=-5)["timestamp"] == -5_000_000_000


@pytest.mark.parametrize(
    ("field", "value", "column", "expected"),
    [
        ("z", 3.0, "tape", 3),
        ("z", 3.5, "tape", None),
        ("z", 128, "tape", None),
        ("x", "11", "exchange", 11),
        ("x", True, "exchange", None),
        ("q", 2**63, "sequence", None),
        ("q", 1.8e18, "sequence", 1_800_000_000_000_000_000),
        ("p", 494, "price", 494.0),
        ("p", 10**400, "price", None),
        ("p", float("nan"), "price", None),
        ("p", float("inf"), "price", None),
        ("p", {"now": [494.0]}, "price", None),
        ("p", None, "price", None),
        ("ds", "nonsense", "size", 12.0),
        ("ds", "nan", "size", 12.0),
        ("ds", 12.5, "size", 12.5),
        ("c", 37, "conditions", [37]),
        ("c", [37.0, "14", None, 99_999], "conditions", [37, 14, None, None]),
        ("c", {"id": 37}, "conditions", [None]),
        ("i", 52983525027890, "trade_id", "52983525027890"),
        ("i", [1], "trade_id", None),
        ("i", "\ud800!", "trade_id", "\ufffd!"),
    ],
)
def test_an_odd_field_is_read_or_null_and_its_neighbours_live(
    field: str, value: Any, column: str, expected: Any
) -> None:
    """Strict readers were broken by floats in integer fields in production: one odd field took the whole frame."""
    assert trade(**{field: value}) == {**trade(), column: expected, "flags": trade(**{field: value})["flags"]}


def test_a_condition_that_is_no_id_counts_volume_alone() -> None:
    """It may be any condition, so the trade must not become a high; a trade without conditions is a regular sale."""
    assert [trade(c=value)["flags"] for value in ("odd", [None], [], None)] == [5, 5, 0, 0]


def test_a_late_print_is_flagged_and_counted() -> None:
    """The limit is a setting, and 0 turns the rule off."""
    late = {**TRADE, "c": [], "pt": TRADE["t"] - 10_001}
    flags = [decoded([late], decoder=Decoder(seconds)).rows["tick"]["flags"].to_pylist() for seconds in (10, 11, 0)]

    assert flags == [[5], [0], [0]]
    assert decoded([late, TRADE]).counts["wire.late_print"] == 1


def test_an_unknown_type_is_counted_and_its_neighbours_live() -> None:
    """A feed sends quotes and halts to those who ask for them, and will send what nobody knows today."""
    result = decoded([TRADE, {"ev": "LULD", "T": "AAPL", "h": 1.0}, {"ev": "LULD"}, BAR])

    assert [batch.num_rows for batch in result.rows.values()] == [1, 1]
    assert result.counts["wire.unknown_event"] == 2
    assert list(result.notices) == ["messages of type 'LULD' are not read"]
    assert balanced(result)


def test_an_unknown_condition_is_told_once() -> None:
    """A user hears of a new condition once, not with each of its trades."""
    decoder = Decoder()
    first, second = (decoded([{**TRADE, "c": [99]}], decoder=decoder) for _ in range(2))

    assert list(first.notices) == ["condition 99 is unknown: its trades count as volume only"]
    assert list(second.notices) == []


@pytest.mark.parametrize(
    "event", [{"ev": "T", "p": 1.5}, {"ev": "T", "sym": None}, {"ev": "AM", "sym": 7}, {"sym": "A"}, {"ev": 3}, 7, None]
)
def test_an_event_without_a_ticker_is_kept_as_an_error(event: Any) -> None:
    """No ticker can be guessed; whoever looks for the reason needs the text of what came."""
    result = decoded([TRADE], [TRADE, event])

    assert result.rows["tick"].num_rows == 2
    (error,) = result.errors
    assert (error.counter, error.received_at, json.loads(error.text)) == ("wire.bad_event", RECEIVED + 1, event)
    assert balanced(result)


@pytest.mark.parametrize(
    "frame",
    [b"", b"[", json.dumps([TRADE, BAR]).encode()[:-7], b'{"ev":"T","sym":"A"}', "7", b"\xff\xfe", "[" * 100_000],
)
def test_a_frame_that_is_no_array_is_kept_as_an_error(frame: bytes | str) -> None:
    """A frame that was cut off took the vendor's own client down; here the next one is read."""
    result = decoded(frame, [TRADE])

    assert result.rows["tick"].num_rows == 1
    assert [error.counter for error in result.errors] == ["wire.bad_frame"]
    assert len(result.errors[0].text) <= 1_000
    assert (result.counts["wire.frames"], result.counts["wire.bad_frame"], result.counts["wire.events"]) == (2, 1, 1)


def test_text_that_is_not_utf8_costs_its_own_field_only() -> None:
    """Nobody reads the field in which it stands, or it is a row of a ticker that nobody has."""
    frame = json.dumps([{**TRADE, "new": "?"}, TRADE]).encode().replace(b"?", b"\xff")

    assert decoded(frame).rows["tick"].num_rows == 2
    assert decoded(frame.replace(b'"new"', b'"i"  ')).rows["tick"]["trade_id"].to_pylist()[1] == TRADE["i"]


@pytest.mark.parametrize(
    ("fields", "interval"),
    [
        ({}, 60.0),
        ({"e": None}, None),
        ({"s": None}, None),
        ({"e": BAR["s"]}, None),
        ({"e": 1}, None),
        ({"e": 9e12}, None),
    ],
)
def test_a_bar_without_a_length_has_none(fields: dict[str, Any], interval: float | None) -> None:
    """A replay refuses a recording with a length of 0 or less, so one odd bar must not make it unreadable."""
    assert decoded([{**BAR, **fields}]).rows["ohlcv"]["interval"].to_pylist() == [interval]


def test_no_frames_are_no_rows() -> None:
    """A reader that wakes without a frame, and a frame without events, do nothing."""
    assert dict(decoded().rows) == {}
    assert (dict(decoded([]).rows), decoded([]).counts["wire.frames"]) == ({}, 1)

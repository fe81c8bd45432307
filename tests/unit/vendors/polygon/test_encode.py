"""Rows to events of the wire."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.testing import new_york
from tickstock_cli.vendors.polygon.encode import Encoded, WireEncoder

AT_NOON = new_york("2026-09-25", "12:00:00")
NOON_MS = AT_NOON // 10**6
TRADE: dict[str, Any] = {
    "ticker": "BRK.B",
    "timestamp": AT_NOON + 999_999,
    "price": 494.255,
    "size": 12.345678,
    "flags": 5,
    "conditions": [14, 37],
    "exchange": 11,
    "sequence": 3_681_328,
    "trade_id": "52983525027890",
    "tape": 1,
    "participant_timestamp": AT_NOON - 1,
    "trf_id": 201,
    "received_at": AT_NOON + 21_000_000,
}
BAR: dict[str, Any] = {
    "ticker": "AAPL",
    "timestamp": AT_NOON,
    "open": 226.5,
    "high": 226.61,
    "low": 226.44,
    "close": 226.52,
    "volume": 4989.0,
    "vwap": 226.4913,
    "interval": 60.0,
    "received_at": AT_NOON + 62_000_000_000,
}


def encoded(record: str, *rows: dict[str, Any], encoder: WireEncoder | None = None) -> Encoded:
    """Return rows with the columns of a recording as events."""
    batch = pa.RecordBatch.from_pylist(list(rows), schema=RECORDED[record])
    return (encoder or WireEncoder()).encode(record, batch)


def objects(result: Encoded) -> list[dict[str, Any]]:
    """Return the events as JSON values."""
    return [json.loads(event) for event in result.events]


def test_a_trade_has_the_fields_of_the_wire() -> None:
    """Times in whole ms, the size as a whole number and exactly as text: what the vendor sends."""
    assert objects(encoded("tick", TRADE)) == [
        {
            "ev": "T",
            "sym": "BRK.B",
            "x": 11,
            "i": "52983525027890",
            "z": 1,
            "p": 494.255,
            "s": 12,
            "ds": "12.345678",
            "c": [14, 37],
            "t": NOON_MS,
            "pt": NOON_MS - 1,
            "q": 3_681_328,
            "trfi": 201,
        }
    ]


def test_what_is_null_or_no_number_is_absent() -> None:
    """JSON has no NaN, and a client reads a field with null as one that the vendor sent."""
    bare: dict[str, Any] = {**dict.fromkeys(TRADE), "ticker": "A", "price": float("nan"), "size": float("inf")}

    assert encoded("tick", {**bare, "conditions": []}).events == [b'{"ev":"T","sym":"A"}']


def test_a_recording_of_prices_alone_gets_what_most_trades_have() -> None:
    """A sequence number rises per ticker over all batches, so that clients see neither a repeat nor a gap."""
    encoder = WireEncoder()
    rows = pa.record_batch({"ticker": ["A", "B", "A"], "price": [1.5, 2.0, 3.0], "size": [100, 7, 0]})
    first, second = (objects(encoder.encode("tick", rows)) for _ in range(2))

    assert first[0] == {"ev": "T", "sym": "A", "x": 4, "i": "1", "z": 3, "p": 1.5, "s": 100, "ds": "100.0", "q": 1}
    assert [(one["q"], one["i"]) for one in (*first, *second)] == [
        (1, "1"), (1, "1"), (2, "2"), (3, "3"), (2, "2"), (4, "4"),
    ]  # fmt: skip


def test_bars_of_a_minute_and_a_second_are_sent_and_others_counted() -> None:
    """The vendor has no channel for a bar of five minutes; a row without a length has the usual one."""
    rows = [{**BAR, "interval": seconds} for seconds in (60.0, 1.0, 300.0, None)]
    result = encoded("ohlcv", *rows)

    minute, second, usual = objects(result)
    assert minute == {
        "ev": "AM", "sym": "AAPL", "v": 4989, "dv": "4989.0", "vw": 226.4913,
        "o": 226.5, "c": 226.52, "h": 226.61, "l": 226.44, "s": NOON_MS, "e": NOON_MS + 60_000,
    }  # fmt: skip
    assert (second["ev"], second["e"], usual) == ("A", NOON_MS + 1_000, minute)
    assert (result.rows.tolist(), dict(result.unsent)) == ([0, 1, 3], {"interval": 1})
    assert dict(encoded("ohlcv", rows[3], encoder=WireEncoder(interval_seconds=300)).unsent) == {"interval": 1}


def test_fair_values_are_sent() -> None:
    """They are a channel of the business feed, with the time in ms as in the vendor's example."""
    row = {"ticker": "AAPL", "timestamp": AT_NOON, "fmv": 226.515, "received_at": AT_NOON}

    assert encoded("fmv", row).events == [b'{"ev":"FMV","sym":"AAPL","fmv":226.515,"t":%d}' % NOON_MS]


def test_every_event_has_its_subscription_item() -> None:
    """A server selects events for its clients by item; a row without a ticker is of none, and is counted."""
    tickers = ["BRK.B", "A", None, "BRK.B", ""]
    result = encoded("tick", *({**TRADE, "ticker": ticker} for ticker in tickers))

    assert (list(result.items), result.item_codes.tolist()) == (["T.BRK.B", "T.A"], [0, 1, 0])
    assert (result.rows.tolist(), dict(result.unsent)) == ([0, 1, 3], {"ticker": 2})


@pytest.mark.parametrize(
    ("size", "whole", "exact"),
    [
        (0.000001, 0, "0.000001"),
        (0.1234567, 0, "0.123457"),
        (9_007_199_254_740_993.0, 9_007_199_254_740_992, "9007199254740992.0"),
        (-0.5, -1, "-0.5"),
        (1e22, None, "10000000000000000000000.0"),
    ],
)
def test_a_size_is_exact_to_the_sixth_decimal(size: float, whole: int | None, exact: str) -> None:
    """A sub-share trade shows size 0 and its exact size; no size is written with an exponent."""
    (event,) = objects(encoded("tick", {**TRADE, "size": size}))

    assert (event.get("s"), event["ds"]) == (whole, exact)


def test_columns_of_other_types_are_read() -> None:
    """Recordings come from many tools: dictionaries, timestamps, floats for integers, large lists, numbers as ids."""
    rows = pa.record_batch(
        {
            "ticker": pa.array(["A", "B"]).dictionary_encode(),
            "timestamp": pa.array([AT_NOON // 1_000, None], pa.timestamp("us", "UTC")),
            "price": pa.array([1, 2], pa.int32()),
            "size": pa.array([1.5, None], pa.float32()),
            "conditions": pa.array([[37], None], pa.large_list(pa.int64())),
            "exchange": pa.array([4.0, float("nan")]),
            "trade_id": pa.array([17, 18], pa.uint64()),
            "sequence": pa.array(["one", "two"]),
        }
    )
    first, second = objects(WireEncoder().encode("tick", rows.slice(0)))

    assert first == {
        "ev": "T", "sym": "A", "x": 4, "i": "17", "z": 3, "p": 1.0, "s": 1, "ds": "1.5", "c": [37], "t": NOON_MS
    }  # fmt: skip
    assert second == {"ev": "T", "sym": "B", "i": "18", "z": 3, "p": 2.0}
    assert objects(WireEncoder().encode("tick", rows.slice(1))) == [second]

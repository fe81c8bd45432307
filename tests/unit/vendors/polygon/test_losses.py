"""What of a recording is lost on the wire."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.testing import new_york
from tickstock_cli.vendors.polygon.losses import FLAGS, INTERVALS, OLD_TIMES, SIZES, TICKERS, TIMES, WireLosses

AT_NOON = new_york("2026-09-25", "12:00:00")
TRADE: dict[str, Any] = {
    "ticker": "A",
    "timestamp": AT_NOON,
    "price": 1.5,
    "size": 0.25,
    "conditions": [37],
    "flags": 5,
}


def losses(record: str, *rows: dict[str, Any]) -> dict[str, int]:
    """Return what rows of a recording lose."""
    return dict(WireLosses().count(record, pa.RecordBatch.from_pylist(list(rows), schema=RECORDED[record])))


def test_a_recording_of_the_feed_loses_nothing() -> None:
    """What came over the wire can go over the wire: nothing is said where nothing is lost."""
    assert losses("tick", TRADE, {**TRADE, "conditions": None, "flags": None}) == {}


def test_what_is_lost_is_counted_by_row() -> None:
    """A user who compares a live run with a replay must know beforehand why they can differ."""
    odd: list[dict[str, Any]] = [
        {"timestamp": AT_NOON + 1},
        {"participant_timestamp": AT_NOON - 1},
        {"timestamp": 1_000_000},
        {"flags": 0},
        {"flags": 4, "conditions": []},
        {"participant_timestamp": AT_NOON - 11_000_000_000, "conditions": [], "flags": 0},
        {"size": 1 / 3},
        {"ticker": None},
    ]

    assert losses("tick", TRADE, *({**TRADE, **fields} for fields in odd)) == {
        TIMES: 2,
        OLD_TIMES: 1,
        FLAGS: 3,
        SIZES: 1,
        TICKERS: 1,
    }


def test_bars_of_other_lengths_and_columns_of_other_vendors_are_lost() -> None:
    """A fair value is compared with its own market price in a replay, and with the last trade in a live run."""
    bars = pa.record_batch({"ticker": ["A", "A"], "interval": [60, 300], "percent_change": [1.0, None]})
    values = pa.record_batch({"ticker": ["A"], "fmv": [1.5], "market_price": [1.6], "confidence": pa.array([None])})

    assert WireLosses().count("ohlcv", bars) == {INTERVALS: 1, "values of percent_change": 1}
    assert WireLosses(interval_seconds=300).count("ohlcv", bars.select(["ticker"])) == {INTERVALS: 2}
    assert WireLosses().count("fmv", values) == {"values of market_price": 1}

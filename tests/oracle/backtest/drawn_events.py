"""Events at awkward times: decisions exactly at prints, openings, day ends, in silence, and outside."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tests.oracle.backtest.inputs import MILLISECOND, Event
from tests.oracle.coordination import _output_order
from tests.oracle.records import KINDS, SECOND
from tests.oracle.sessions import calendar_of, segment_of
from tickstock_cli.testing import Bar, Record

SOURCES = ("tick", "ohlcv", "fmv")


def draw_events(rng: Random, rows: Sequence[Record], settings: dict[str, Any], count: int) -> list[Event]:
    """Return events in output order; several often follow each other in one ticker."""
    kinds = rng.sample(KINDS, rng.choice((1, 2, 5)))
    sources = rng.sample(SOURCES, rng.choice((1, 2)))
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for _ in range(count):
        row = rng.choice(rows)
        moment = _moment(rng, row)
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            ticker = row.ticker if rng.random() < 0.95 else "NONE"
            event = _event(rng, ticker, rng.choice(kinds), rng.choice(sources), moment, settings)
            found[event["ticker"], event["kind"], event["source"], event["emitted_at"]] = event
            moment += rng.choice((0, 100, 500, 20_000, 120_000)) * MILLISECOND
    events: list[Event] = []
    for number, event in enumerate(sorted(found.values(), key=_output_order)):
        events.append(event | {"event_id": 1000 + number})
    return events


def _moment(rng: Random, row: Record) -> int:
    """Return a time that, with a usual latency, decides at a row, just before or behind it, or anywhere."""
    assert row.timestamp is not None
    base = row.timestamp
    if row.received_at is not None and rng.random() < 0.5:
        base = row.received_at
    elif isinstance(row, Bar) and row.interval is not None and rng.random() < 0.5:
        base += int(row.interval) * SECOND
    return base + rng.choice((-100, -100, 0, -101, -99, -1100, 900, 901, 400, -60_100, -300_100)) * MILLISECOND


def _event(
    rng: Random, ticker: str | None, kind: str, source: str, moment: int, settings: dict[str, Any]
) -> dict[str, Any]:
    score = rng.choice((None, -0.4, 0.1, 30.0, 50.0, 50.0 * (1 - 1e-12), 80.0))
    return {
        "event_id": 0,
        "emitted_at": moment,
        "timestamp": moment,
        "available_at": moment,
        "ticker": ticker,
        "kind": kind,
        "direction": rng.choice((-1, -1, -1, 0, 1, 1, 1, 1)),
        "price": 100.0,
        "source": source,
        "phase": segment_of(moment, calendar_of(settings)).phase,
        "priority": 1,
        "confidence": 1.0,
        "percent_change": rng.choice((None, -0.5, 0.5, 1.0)),
        "previous": None,
        "volume": None,
        "rel_volume": rng.choice((None, 1.0, 3.0)),
        "score": score,
        "strength": rng.choice((None, 1, 2, 3)),
        "trigger": None,
        "merged": 1,
    }

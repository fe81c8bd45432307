"""Real events for the tests of what becomes of them: those of a morning of three tickers."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa

from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.testing import MINUTE, SECOND, Bar, FairValue, Record, Tick, new_york, run_records

TEN = new_york("2024-06-12", "10:00:00")


def busy_morning() -> list[Record]:
    """Return 25 minutes of ticks, bars and fair values that cause events of every kind."""
    rows: list[Record] = []
    for place, ticker in enumerate(("IBM", "AAPL", "MSFT")):
        for second in range(1, 1500):
            price = 100 + 10 * place + 0.02 * second * (-1) ** place + (second % 7) * 0.05
            size = 5_000 if 600 <= second < 620 else 100
            rows.append(Tick(ticker, TEN + second * SECOND, round(price, 2), size))
        for minute in range(25):
            step = 3.0 * (minute in (12, 20))
            rows.append(
                Bar(ticker, TEN + minute * MINUTE, 100, 100.5 + step, 99.5, 100 + step, 1_000 + 9_000 * (step > 0))
            )
        rows += [FairValue(ticker, TEN + second * SECOND, 115.0, 112.5) for second in range(30, 1500, 90)]
    return rows


@cache
def morning_events() -> pa.RecordBatch:
    """Return what a run tells of that morning, encoded."""
    events: list[dict[str, Any]] = run_records(busy_morning()).events
    return pa.RecordBatch.from_pylist(events, schema=EVENT_SCHEMA)

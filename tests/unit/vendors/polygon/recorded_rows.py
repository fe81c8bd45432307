"""Recorded rows for the vendor to play."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from tickstock_cli.core.recording_schema import RECORDED

OPEN = 1_780_407_000_000_000_000
"""2026-06-02 09:30 in New York, ns UTC."""
SECOND = 1_000_000_000


def recorded(record: str, *rows: dict[str, Any]) -> pa.RecordBatch:
    """Return rows in the columns of recorded ones; columns that are not given are null."""
    return pa.RecordBatch.from_pylist(list(rows), schema=RECORDED[record])


def trades(*tickers: str, first: int = 1, every_ns: int = SECOND) -> pa.RecordBatch:
    """Return one trade per ticker, one after the other; prices are 100.01, 100.02 and so on."""
    rows = []
    for number, ticker in enumerate(tickers, first):
        time = OPEN + number * every_ns
        rows.append(
            {
                "ticker": ticker,
                "timestamp": time,
                "price": round(100 + number / 100, 2),
                "size": 10.0 * number,
                "flags": 0,
                "conditions": [],
                "exchange": 12,
                "sequence": number,
                "trade_id": str(number),
                "tape": 3,
                "received_at": time,
            }
        )
    return recorded("tick", *rows)


def bars(*tickers: str, interval: float = 60.0) -> pa.RecordBatch:
    """Return one bar per ticker, one interval after the other."""
    rows = []
    for number, ticker in enumerate(tickers):
        start = OPEN + number * round(interval * SECOND)
        rows.append(
            {
                "ticker": ticker,
                "timestamp": start,
                "open": 100.0,
                "high": 101.0,
                "low": 99.5,
                "close": 100.5,
                "volume": 1_234.5,
                "vwap": 100.25,
                "interval": interval,
                "received_at": start + round(interval * SECOND),
            }
        )
    return recorded("ohlcv", *rows)


def fair_values(*tickers: str) -> pa.RecordBatch:
    """Return one fair value per ticker, one second after the other."""
    rows = [
        {"ticker": ticker, "timestamp": OPEN + number * SECOND, "fmv": 50.5, "received_at": OPEN + number * SECOND}
        for number, ticker in enumerate(tickers)
    ]
    return recorded("fmv", *rows)

"""Rows as events, row by row."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec
import pyarrow as pa

MS = 1_000_000


def encode(batch: pa.RecordBatch) -> list[tuple[int, str, bytes]]:
    """Return row number, item and JSON of every row that the wire has events for."""
    build = _trade if "price" in batch.schema.names else _bar if "open" in batch.schema.names else _fair_value
    found = []
    for row, values in enumerate(batch.to_pylist()):
        event = build(values)
        if event is not None and values["ticker"]:
            kept = {name: value for name, value in event.items() if value is not None}
            found.append((row, f"{event['ev']}.{values['ticker']}", msgspec.json.encode(kept)))
    return found


def _trade(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "ev": "T",
        "sym": row["ticker"],
        "x": row["exchange"],
        "i": row["trade_id"],
        "z": row["tape"],
        "p": row["price"],
        "s": None if row["size"] is None else math.floor(row["size"]),
        "ds": None if row["size"] is None else repr(row["size"]),
        "c": row["conditions"] or None,
        "t": _ms(row["timestamp"]),
        "pt": _ms(row["participant_timestamp"]),
        "q": row["sequence"],
        "trfi": row["trf_id"],
    }


def _bar(row: Mapping[str, Any]) -> dict[str, Any] | None:
    prefix = {60.0: "AM", 1.0: "A"}.get(row["interval"])
    start = _ms(row["timestamp"])
    if prefix is None or start is None:
        return None
    volume = row["volume"]
    return {
        "ev": prefix,
        "sym": row["ticker"],
        "v": None if volume is None else math.floor(volume),
        "dv": None if volume is None else repr(volume),
        "vw": row["vwap"],
        "o": row["open"],
        "c": row["close"],
        "h": row["high"],
        "l": row["low"],
        "s": start,
        "e": start + round(row["interval"] * 1_000),
    }


def _fair_value(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"ev": "FMV", "sym": row["ticker"], "fmv": row["fmv"], "t": _ms(row["timestamp"])}


def _ms(time: int | None) -> int | None:
    return None if time is None else time // MS

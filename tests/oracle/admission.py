"""Sections 1 and 2: the order in which rows arrive, and which of them are rejected."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracle.records import SECOND, SOURCES, Record, Row, nanoseconds
from tests.oracle.settings import Settings

LONG_AGO = -(2**63)


@dataclass(frozen=True)
class Arrival:
    """A row and the time the system can know it, ns."""

    row: Row
    available_at: int


def merge(rows_by_file: Sequence[Sequence[Row]], settings: Settings, late_reject: bool = False) -> list[Arrival]:
    """Put all rows into merge order: available time, source, order in the recording.

    A row without any usable time stands where its predecessor in its file stands; so does, if ``late_reject``, one
    that was available before it.

    Raises
    ------
    ValueError
        A file is not sorted by available time.
    """
    arrivals = []
    for rows in rows_by_file:
        before = LONG_AGO
        for row in rows:
            available_at = available_time(row, settings)
            if available_at is None:
                available_at = before
            if available_at < before and late_reject:
                available_at = before
            if available_at < before:
                raise ValueError(f"file {row.file}, row {row.row}: available before the row before it")
            arrivals.append(Arrival(row, available_at))
            before = available_at
    return sorted(arrivals, key=_merge_key)


def _merge_key(arrival: Arrival) -> tuple[int, int, int, int]:
    row = arrival.row
    return arrival.available_at, SOURCES.index(row.record), row.file, row.row


def available_time(row: Row, settings: Settings) -> int | None:
    """Return the time a row can be known, ns; None if its times are of no use."""
    received_at = row.values.get("received_at")
    if received_at is not None:
        return int(received_at)
    timestamp = row.values.get("timestamp")
    if timestamp is None or timestamp <= 0:
        return None
    return int(timestamp) + (interval_of(row, settings) if row.record == "ohlcv" else 0)


def interval_of(row: Row, settings: Settings) -> int:
    """Return the length of a bar in ns."""
    seconds = row.values.get("interval")
    if seconds is None:
        seconds = settings["recordings.interval_seconds"]
    return nanoseconds(seconds)


class Admission:
    """Knows the last accepted row of every ticker and record type."""

    def __init__(self) -> None:
        self._last: dict[tuple[Record, str], int] = {}

    def judge(self, row: Row) -> str | None:
        """Return the reason for which ``row`` is rejected, or None and remember it as accepted."""
        reason = _fault(row.values) or _FAULTS[row.record](row.values) or self._fault_of_order(row)
        if reason is None:
            self._last[row.record, row.values["ticker"]] = row.values["timestamp"]
        return reason

    def _fault_of_order(self, row: Row) -> str | None:
        last = self._last.get((row.record, row.values["ticker"]))
        if last is not None and row.values["timestamp"] < last:
            return "late"
        if last is not None and row.values["timestamp"] == last and row.record == "ohlcv":
            return "duplicate"
        return None


def _fault(values: dict[str, Any]) -> str | None:
    if not values["ticker"]:
        return "ticker"
    if values["timestamp"] is None or values["timestamp"] <= 0:
        return "timestamp"
    received_at = values.get("received_at")
    if received_at is not None and values["timestamp"] - received_at > 60 * SECOND:
        return "future"
    return None


def _fault_of_tick(values: dict[str, Any]) -> str | None:
    if _bad_price(values["price"]):
        return "price"
    if _bad_size(values["size"]):
        return "size"
    return None


def _fault_of_bar(values: dict[str, Any]) -> str | None:
    if any(_bad_price(values[name]) for name in ("open", "high", "low", "close")):
        return "price"
    if _bad_size(values["volume"]):
        return "volume"
    least, most = values["low"] - values["low"] * 1e-9, values["high"] + values["high"] * 1e-9
    if values["high"] < least or any(not least <= values[name] <= most for name in ("open", "close")):
        return "range"
    return None


def _fault_of_fmv(values: dict[str, Any]) -> str | None:
    if _bad_price(values["fmv"]):
        return "fmv"
    market_price = values.get("market_price")
    if market_price is not None and _bad_price(market_price):
        return "market_price"
    confidence = values.get("confidence")
    if confidence is not None and not 0 <= confidence <= 1:
        return "confidence"
    return None


_FAULTS = {"tick": _fault_of_tick, "ohlcv": _fault_of_bar, "fmv": _fault_of_fmv}


def _bad_price(price: float | None) -> bool:
    return price is None or not math.isfinite(price) or price <= 0


def _bad_size(size: float | None) -> bool:
    return size is None or math.isnan(size) or size < 0 or size > 1e11

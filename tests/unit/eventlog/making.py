"""Events whose values follow from their sequence numbers, so that a test computes what a reader must get."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.slices import LogSlice
from tickstock_cli.eventlog.view import LogView

RUN = RunInfo("run-1", 1_770_000_000_000_000_000, "sample_data at 20x", "5eed", "0.1")
KINDS = ("high", "low", "surge", "trend", "fmv")
TICKERS = tuple(f"T{number:02d}" for number in range(97))
SOURCES = ("tick", "ohlcv", "fmv")
TRIGGERS = ("price", "volume", None, None)
START_NS = 1_718_200_000_000_000_000
STEP_NS = 1_000_000
"""One event a millisecond."""

SMALL = LogLimits(memory_bytes=65_536)
"""Blocks of about 60 events, three of them in memory."""


def events(first: int, count: int, schema: pa.Schema = EVENT_SCHEMA) -> pa.RecordBatch:
    """Return the events with the sequence numbers from ``first`` on; columns beyond every event's hold the numbers."""
    places = np.arange(first, first + count)
    times = START_NS + places * STEP_NS
    columns: dict[str, Any] = {
        "event_id": places,
        "emitted_at": times,
        "timestamp": times - STEP_NS,
        "available_at": times,
        "ticker": _cycled(TICKERS, places),
        "kind": _cycled(KINDS, places),
        "direction": np.where(places % 2, 1, -1),
        "price": 100 + places / 100,
        "source": _cycled(SOURCES, places),
        "phase": _cycled(("regular",), places),
        "priority": places % 8 + 1,
        "confidence": np.ones(count),
        "volume": pa.array(places * 100.0, mask=places % 3 == 0),
        "trigger": _cycled(TRIGGERS, places),
        "merged": np.ones(count),
    }
    arrays = []
    for field in schema:
        values = columns.get(field.name, pa.nulls(count) if field.nullable else places)
        arrays.append(pa.array(values, field.type) if isinstance(values, np.ndarray) else values.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cycled(names: Iterable[str | None], numbers: Any) -> Any:
    choices = pa.array(list(names), pa.string())
    return choices.take(pa.array(numbers % len(choices)))


def numbers(part: LogSlice) -> list[int]:
    """Return the sequence numbers of a slice."""
    return list(range(part.first, part.next_sequence))


def read_on(log: LogView, sequence: int, limit: int = 500) -> list[int]:
    """Read from ``sequence`` to the end, compare every event with the generated one, and return the numbers."""
    found: list[int] = []
    while sequence < log.next_sequence:
        part = log.read(sequence, limit)
        assert part.first == sequence < part.next_sequence <= sequence + limit
        assert part.events.equals(events(sequence, part.next_sequence - sequence, log.schema))
        found += numbers(part)
        sequence = part.next_sequence
    return found


def digest_of(count: int) -> str:
    """Return the digest of the events 1 to ``count``."""
    digest = EventDigest()
    digest.update(events(1, count))
    return digest.hexdigest()

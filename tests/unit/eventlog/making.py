"""Events whose every value follows from their sequence number, so that a reader can tell what it must have read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.eventlog.filters import Filter
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo
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
    numbers = np.arange(first, first + count)
    times = START_NS + numbers * STEP_NS
    columns: dict[str, Any] = {
        "event_id": numbers,
        "emitted_at": times,
        "timestamp": times - STEP_NS,
        "available_at": times,
        "ticker": _cycled(TICKERS, numbers),
        "kind": _cycled(KINDS, numbers),
        "direction": np.where(numbers % 2, 1, -1),
        "price": 100 + numbers / 100,
        "source": _cycled(SOURCES, numbers),
        "phase": _cycled(("regular",), numbers),
        "priority": numbers % 8 + 1,
        "confidence": np.ones(count),
        "volume": pa.array(numbers * 100.0, mask=numbers % 3 == 0),
        "trigger": _cycled(TRIGGERS, numbers),
        "merged": np.ones(count),
    }
    arrays = []
    for field in schema:
        values = columns.get(field.name, pa.nulls(count) if field.nullable else numbers)
        arrays.append(pa.array(values, field.type) if isinstance(values, np.ndarray) else values.cast(field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _cycled(names: Iterable[str | None], numbers: Any) -> Any:
    choices = pa.array(list(names), pa.string())
    return choices.take(pa.array(numbers % len(choices)))


def passes(number: int, where: Filter) -> bool:
    """Tell by the plain rule whether the event with this number passes."""
    return (
        (where.kinds is None or KINDS[number % len(KINDS)] in where.kinds)
        and (where.tickers is None or TICKERS[number % len(TICKERS)] in where.tickers)
        and (where.sources is None or SOURCES[number % len(SOURCES)] in where.sources)
        and (where.max_priority is None or number % 8 + 1 <= where.max_priority)
    )


def read_on(log: LogView, sequence: int, limit: int = 500, where: Filter | None = None) -> list[int]:
    """Read from ``sequence`` to the end, check that every event is the one its number says, and return the numbers."""
    numbers: list[int] = []
    while sequence < log.next_sequence:
        part = log.read(sequence, limit, where)
        assert part.events.num_rows == part.count == len(part.sequences) <= limit
        assert part.first == sequence < part.next_sequence
        expected = events(sequence, part.next_sequence - sequence, log.schema)
        assert part.events.equals(expected.take(part.sequences - sequence))
        numbers += part.sequences.tolist()
        sequence = part.next_sequence
    return numbers


def digest_of(count: int) -> str:
    """Return the digest of the events 1 to ``count``."""
    digest = EventDigest()
    digest.update(events(1, count))
    return digest.hexdigest()

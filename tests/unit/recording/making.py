"""Rows as a live feed hands them over, and folders of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.build import build_event_schema, settings_model
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.recording.folder import RecordedFolder, Start
from tickstock_cli.recording.recorder import Recorder

SECOND = 1_000_000_000
NEW_YORK = ZoneInfo("America/New_York")
SCHEMA = build_event_schema(settings_model()())


def at(text: str) -> int:
    """Return a time of New York, such as ``2026-01-05 10:00:00``, in ns UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).timestamp()) * SECOND


def ticks(times: Sequence[int], price: float = 10.0) -> pa.RecordBatch:
    """Return one tick of AAA for each time of arrival."""
    columns: dict[str, Any] = {
        "ticker": ["AAA"] * len(times),
        "timestamp": [time - 1_000_000 for time in times],
        "price": [price + number % 7 / 10 for number in range(len(times))],
        "size": [100.0] * len(times),
        "flags": [0] * len(times),
        "conditions": [[12, 37]] * len(times),
        "received_at": list(times),
    }
    return _batch("tick", columns, len(times))


def bars(times: Sequence[int]) -> pa.RecordBatch:
    """Return one minute bar of AAA for each time of arrival."""
    prices = {name: [10.0] * len(times) for name in ("open", "high", "low", "close")}
    columns: dict[str, Any] = {
        "ticker": ["AAA"] * len(times),
        "timestamp": [time - 62 * SECOND for time in times],
        **prices,
        "volume": [1_000.0] * len(times),
        "interval": [60.0] * len(times),
        "received_at": list(times),
    }
    return _batch("ohlcv", columns, len(times))


def _batch(record: str, columns: dict[str, Any], rows: int) -> pa.RecordBatch:
    schema = RECORDED[record]
    arrays = [pa.array(columns.get(field.name, [None] * rows), field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


@contextmanager
def recorded_folder(path: Path) -> Iterator[RecordedFolder]:
    """Keep a locked folder with one start."""
    with RecordedFolder(path).locked(create=True) as folder:
        folder.add_start(Start(0, 0, 0, (), {}))
        yield folder


def recorder(folder: RecordedFolder, **options: Any) -> Recorder:
    """Return a recorder whose thread does not run: a test calls ``flush``."""
    options.setdefault("wall", lambda: 0)
    return Recorder(folder, Calendar("XNYS"), SCHEMA, **options)


def received(path: Path) -> list[int]:
    """Return the times of arrival in a finished file."""
    times: list[Any] = pq.read_table(path, columns=["received_at"])["received_at"].to_pylist()
    return times

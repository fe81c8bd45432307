"""Writes drawn recordings and events as Parquet files, for comparisons that go through the command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle.backtest.inputs import Event, Judged
from tests.oracle.backtest.judging import JudgedTap
from tests.oracle.records import SECOND
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.replaying import Request, replay
from tickstock_cli.testing import Bar, Record, Tick, settings_of

_ROW: list[tuple[str, pa.DataType]] = [("ticker", pa.string()), ("timestamp", pa.int64()), ("received_at", pa.int64())]
_TICK: list[tuple[str, pa.DataType]] = [("price", pa.float64()), ("size", pa.float64()), ("flags", pa.uint8())]
_BAR: list[tuple[str, pa.DataType]] = [(name, pa.float64()) for name in ("open", "high", "low", "close", "volume")]
TICK_SCHEMA = pa.schema([*_ROW, *_TICK])
BAR_SCHEMA = pa.schema([*_ROW, *_BAR, ("interval", pa.int64())])
UNIT = {"recordings.timestamp_unit": "ns"}
"""Settings that replays of these files need besides."""


def write_recording(rows: Sequence[Record], folder: Path) -> list[Path]:
    """Write ticks and bars, one file each, if there are any; return the files."""
    parts: tuple[tuple[str, type[Record], pa.Schema], ...] = (("ticks", Tick, TICK_SCHEMA), ("bars", Bar, BAR_SCHEMA))
    written = []
    for name, kind, schema in parts:
        chosen = sorted((row for row in rows if isinstance(row, kind)), key=_available_at)
        if chosen:
            path = folder / f"{name}.parquet"
            values = [{column: asdict(row)[column] for column in schema.names} for row in chosen]
            pq.write_table(pa.Table.from_pylist(values, schema), path)
            written.append(path)
    return written


def write_events(events: Sequence[Event], path: Path) -> Path:
    """Write events as a run does."""
    pq.write_table(pa.Table.from_pylist([dict(event) for event in events], EVENT_SCHEMA), path)
    return path


def judge_files(paths: Sequence[Path | str], settings: Mapping[str, Any]) -> tuple[Judged, list[dict[str, Any]]]:
    """Return the judged rows of a recording on disk and the events that its replay releases.

    A tick file without rows does not count as one.
    """
    tap = JudgedTap()
    replay(Request(paths=list(paths), settings=settings_of({**UNIT, **settings})), taps={"judged": tap})
    return tap.judged, tap.events


def _available_at(row: Record) -> int:
    if row.received_at is not None:
        return row.received_at
    assert row.timestamp is not None
    if isinstance(row, Bar):
        assert row.interval is not None
        return row.timestamp + int(row.interval) * SECOND
    return row.timestamp

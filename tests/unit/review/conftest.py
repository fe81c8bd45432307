"""Recordings written from records, and replayed into event files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tickstock_cli.replaying import Request, replay
from tickstock_cli.sources.event_files import read_events
from tickstock_cli.testing import RECORDS, Record, Tick, new_york, settings_of

Write = Callable[..., Path]
"""Records, and the name of the folder if there are several -> the folder."""
Events = Callable[..., pl.DataFrame]
"""A recording, and settings as ``section__name`` -> its events."""

DAY = "2024-06-12"
SECOND = 1_000_000_000


def at(clock: str) -> int:
    """Return a New York time of a plain Wednesday, ns."""
    return new_york(DAY, clock)


def climb(start: int, prices: Sequence[float], ticker: str = "ABC", step: int = 2 * SECOND) -> list[Record]:
    """Return ticks, one a step."""
    return [Tick(ticker, start + place * step, price) for place, price in enumerate(prices)]


def dotted(settings: Mapping[str, Any]) -> Any:
    """Return settings from ``section__name``."""
    return settings_of({key.replace("__", "."): value for key, value in settings.items()})


def write_records(rows: Sequence[Record], folder: Path) -> Path:
    """Write records as a folder of Parquet files, one a type, and return the folder."""
    folder.mkdir()
    for record in RECORDS:
        mine = [asdict(row) for row in rows if row.record == record]
        if mine:
            columns = {key: [row[key] for row in mine] for key in mine[0]}
            filled = {key: values for key, values in columns.items() if any(value is not None for value in values)}
            pq.write_table(pa.table(filled), folder / f"{record}.parquet")
    return folder


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write records into a folder of the test's own."""

    def write_named(rows: Sequence[Record], name: str = "recording") -> Path:
        return write_records(rows, tmp_path / name)

    return write_named


@pytest.fixture
def events(tmp_path: Path) -> Events:
    """Replay a recording under some settings and give its events."""

    def replay_events(recording: Path, **settings: Any) -> pl.DataFrame:
        target = tmp_path / "events.parquet"
        replay(Request(paths=[recording], settings=dotted(settings), outs=[str(target)]))
        return read_events(target)

    return replay_events

"""Writes drawn recordings and events as Parquet files, for comparisons that go through the command line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
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
Cut = Callable[[Sequence[Record]], Mapping[str, Sequence[Record]]]
TICK_SCHEMA = pa.schema([*_ROW, *_TICK])
BAR_SCHEMA = pa.schema([*_ROW, *_BAR, ("interval", pa.int64())])
UNIT = {"recordings.timestamp_unit": "ns", "recordings.interval_unit": "s", "recordings.copies": "all"}
"""Settings that replays of these files need besides."""


def write_recording(rows: Sequence[Record], folder: Path, cut: Cut = lambda rows: {"": rows}) -> list[Path]:
    """Write ticks and bars; return the files.

    Parameters
    ----------
    cut
        Returns the files of one type of rows, given by available time, by the end of their names; by default one.
    """
    parts: tuple[tuple[str, type[Record], pa.Schema], ...] = (("ticks", Tick, TICK_SCHEMA), ("bars", Bar, BAR_SCHEMA))
    written = []
    for name, kind, schema in parts:
        chosen = sorted((row for row in rows if isinstance(row, kind)), key=_available_at)
        for end, part in cut(chosen).items() if chosen else ():
            path = folder / f"{name}{end}.parquet"
            values = [{column: getattr(row, column) for column in schema.names} for row in part]
            pq.write_table(pa.Table.from_pylist(values, schema), path, row_group_size=97)
            written.append(path)
    return written


def drawn_cut(rng: Random) -> Cut:
    """Return a drawn way to cut rows into files: one, stretches of time, a file a ticker, or files side by side."""
    name, count = rng.choice(("one", "stretches", "tickers", "beside")), rng.choice((2, 5, 40))

    def cut(rows: Sequence[Record]) -> Mapping[str, Sequence[Record]]:
        files: dict[str, list[Record]] = {}
        for place, row in enumerate(rows):
            stretch = place * count // len(rows)
            which = {"one": "", "stretches": stretch, "tickers": row.ticker, "beside": rng.randrange(count)}[name]
            files.setdefault(f"{which:03d}" if isinstance(which, int) else f"{which}", []).append(row)
        return files

    return cut


def write_events(events: Sequence[Event], path: Path) -> Path:
    """Write events as a run does."""
    pq.write_table(pa.Table.from_pylist([dict(event) for event in events], EVENT_SCHEMA), path)
    return path


def judge_files(
    paths: Sequence[Path | str], settings: Mapping[str, Any], start: int | None = None, end: int | None = None
) -> tuple[Judged, list[dict[str, Any]]]:
    """Return the judged rows of a recording on disk and the events that its replay releases.

    A tick file without rows does not count as one.
    """
    tap = JudgedTap()
    replay(Request(list(paths), settings_of({**UNIT, **settings}), start, end), taps={"judged": tap})
    return tap.judged, tap.events


def _available_at(row: Record) -> int:
    if row.received_at is not None:
        return row.received_at
    assert row.timestamp is not None
    if isinstance(row, Bar):
        assert row.interval is not None
        return row.timestamp + int(row.interval) * SECOND
    return row.timestamp

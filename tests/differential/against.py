"""Runs a recording of the oracle through the real thing, from Parquet files to event file, and compares."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle import Result, Row
from tickstock_cli.build import settings_model
from tickstock_cli.engine.run import RunResult
from tickstock_cli.replay import Request, replay

TEXT = ("ticker", "conditions")
INTEGER = ("timestamp", "received_at", "sequence", "exchange", "transactions")
CLOSE = 1e-12
"""Relative distance that two orders of the same float operations may leave."""


def settings_of(flat: dict[str, Any]) -> Any:
    """Give settings from dotted keys."""
    nested: dict[str, Any] = {"recordings": {"timestamp_unit": "ns"}}
    for key, value in flat.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return settings_model().model_validate(nested)


def write_recording(rows_by_file: Sequence[Sequence[Row]], folder: Path) -> list[Path]:
    """Write each file of a recording as Parquet, in small row groups; empty files are left out."""
    paths = []
    for number, rows in enumerate(rows_by_file):
        if rows:
            path = folder / f"{number:02d}-{rows[0].record}.parquet"
            names = list(rows[0].values)
            columns = {name: _column(name, [row.values[name] for row in rows]) for name in names}
            pq.write_table(pa.table(columns), path, row_group_size=97)
            paths.append(path)
    return paths


def replay_recording(
    paths: Sequence[Path], settings: Any, folder: Path, **how: Any
) -> tuple[RunResult, list[Any], list[Any]]:
    """Replay and give the result, the events and the rejected rows as dictionaries."""
    events, rejects = folder / "events.parquet", folder / "rejects.parquet"
    request = Request(paths=paths, settings=settings, outs=[str(events)], rejects=str(rejects), **how)
    result = replay(request)
    return result, pq.read_table(events).to_pylist(), pq.read_table(rejects).to_pylist()


def differences(
    expected: Result, result: RunResult, events: list[Any], rejects: list[Any], paths: Sequence[Path]
) -> list[str]:
    """Tell in words where the real thing and the oracle differ; empty if nowhere."""
    found = []
    if result.ledger.as_dict() != expected.ledger:
        ours, theirs = result.ledger.as_dict(), expected.ledger
        for name in sorted(set(ours) | set(theirs)):
            if ours.get(name, 0) != theirs.get(name, 0):
                found.append(f"ledger {name}: {ours.get(name, 0)}, oracle {theirs.get(name, 0)}")
    for place, (mine, other) in enumerate(zip(events, expected.events, strict=False)):
        unequal = [name for name in other if not _equal(mine[name], other[name])]
        if unequal:
            shown = ", ".join(f"{name} {mine[name]!r}, oracle {other[name]!r}" for name in unequal)
            found.append(f"event {place} ({other['ticker']} {other['kind']} {other['timestamp']}): {shown}")
            break
    if len(events) != len(expected.events):
        found.append(f"{len(events)} events, oracle {len(expected.events)}")
    by_number = {int(path.name[:2]): str(path) for path in paths}
    wanted = sorted((by_number[file], row, reason) for file, row, reason in expected.rejects)
    if sorted((row["file"], row["row"], row["reason"]) for row in rejects) != wanted:
        found.append(f"rejected rows differ: {len(rejects)}, oracle {len(wanted)}")
    return found


def _column(name: str, values: list[Any]) -> pa.Array:
    if name in TEXT:
        return pa.array(values, pa.string())
    if name in INTEGER:
        return pa.array(values, pa.int64())
    if name == "flags":
        return pa.array(values, pa.uint8())
    whole = all(value is None or isinstance(value, int) for value in values)
    return pa.array(values, pa.int64()) if whole else pa.array(values, pa.float64())


def _equal(mine: Any, other: Any) -> bool:
    if isinstance(mine, float) and isinstance(other, (int, float)):
        return math.isclose(mine, other, rel_tol=CLOSE, abs_tol=1e-300)
    return bool(mine == other)

"""Benchmarks of recordings of many files, beside one file of the same rows; run like those of ``benchmarks.py``.

The files are written before the first turn. A ratio is that of one turn: both sides are replayed in one process, one
after the other. Memory is that of a process of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND
from tickstock_cli.perf.benchmarks import Sample, Turns, timed
from tickstock_cli.replaying import Request
from tickstock_cli.replaying import replay as run_replay

FIRST_MONDAY = date(2015, 1, 5)
DAY_ROWS = 50_000
FEW_DAYS = 60


def files_by_ticker(job: Sample) -> Turns:
    """Replay the ticks from one file, and from a file a ticker."""
    ticks = pq.read_table(Path(job["recording"], "ticks.parquet"))
    return _beside_one(job, ticks, _by_ticker(ticks))


def files_by_day(job: Sample) -> Turns:
    """Replay ticks of many days from one file, and from a file a day."""
    days = list(_days(job, job["daily_files"]))
    return _beside_one(job, pa.concat_tables(days), iter(days))


def files_few_days(job: Sample) -> Turns:
    """Replay 60 daily files, for the memory."""
    return _replayed(job, FEW_DAYS)


def files_many_days(job: Sample) -> Turns:
    """Replay many daily files, for the memory."""
    return _replayed(job, job["memory_files"])


def _beside_one(job: Sample, rows: pa.Table, parts: Iterator[pa.Table]) -> Turns:
    one, many = Path(job["folder"], "one.parquet"), Path(job["folder"], "many")
    pq.write_table(rows, one, row_group_size=1 << 18)
    _write(parts, many)
    del rows, parts
    for path in (one, many):
        run_replay(Request(paths=[str(path)]))
    yield {}
    while True:
        (alone, alone_cpu, digest), (wall, cpu, other) = _timed(one), _timed(many)
        yield {"rate_over_one": alone / wall, "cpu_over_one": alone_cpu / cpu, "other_digests": int(digest != other)}


def _replayed(job: Sample, files: int) -> Turns:
    folder = Path(job["folder"], "many")
    _write(_days(job, files), folder)
    yield {}
    yield from timed(lambda: run_replay(Request(paths=[str(folder)])))


def _timed(path: Path) -> tuple[float, float, str]:
    """Return wall and CPU seconds of a replay, and the digest of its events."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = run_replay(Request(paths=[str(path)]))
    return time.perf_counter() - wall, time.process_time() - cpu, result.digest


def _by_ticker(ticks: pa.Table) -> Iterator[pa.Table]:
    tickers: Any = ticks["ticker"].combine_chunks()
    codes: Int64s = tickers.dictionary_encode().indices.to_numpy().astype(np.int64)
    ordered = ticks.take(np.argsort(codes, kind="stable"))
    ends = np.cumsum(np.bincount(codes)).tolist()
    for first, behind in zip([0, *ends[:-1]], ends, strict=True):
        yield ordered.slice(first, behind - first)


def _days(job: Sample, files: int) -> Iterator[pa.Table]:
    """Yield trading days, each with a stretch of the ticks as its rows."""
    ticks = pq.read_table(Path(job["recording"], "ticks.parquet"))
    place = ticks.schema.get_field_index("timestamp")
    day_rows = min(DAY_ROWS, ticks.num_rows)
    stretches = ticks.num_rows // day_rows
    all_times = ticks["timestamp"].cast(pa.int64()).to_numpy()
    midnight = all_times[0] // NS_PER_DAY * NS_PER_DAY
    for number in range(files):
        first = number % stretches * day_rows
        day = datetime.combine(FIRST_MONDAY + timedelta(days=number // 5 * 7 + number % 5), datetime.min.time(), UTC)
        times = all_times[first : first + day_rows] - midnight + int(day.timestamp()) * NS_PER_SECOND
        field = ticks.schema.field(place)
        yield ticks.slice(first, day_rows).set_column(place, field, pa.array(times).cast(field.type))


def _write(parts: Iterator[pa.Table], folder: Path) -> None:
    folder.mkdir()
    for number, rows in enumerate(parts):
        pq.write_table(rows, folder / f"{number:05}.parquet")

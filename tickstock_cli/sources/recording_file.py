"""One file of a recording: what its footer and its first rows tell before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from tickstock_cli.core.times import NS_PER_SECOND, NS_PER_UNIT, epoch_unit
from tickstock_cli.errors import UsageError
from tickstock_cli.kernels.normalise import LARGEST_TIME
from tickstock_cli.sources.columns import ColumnReader, type_step, whole
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.footer import GroupFooter, group_footers, open_parquet, reading
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recognise import Layout, recognise

HEAD_ROWS = 1_000
"""Rows that guesses are made from."""

TIME_COLUMNS = ("timestamp", "received_at")


@dataclass(frozen=True, slots=True)
class Guess:
    """Something the recording does not say. ``why`` completes "… because"."""

    what: str
    value: str
    why: str


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group, and bounds of the available times (int64 ns) in it where the footer tells them.

    ``earliest`` is a lower bound; ``latest`` is exact.
    """

    first: int
    rows: int
    earliest: int | None
    latest: int | None
    tickers: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class RecordingFile:
    """One Parquet file, recognised.

    Parameters
    ----------
    index
        Its place in the recording, and in ``origin`` values.
    record
        tick, ohlcv or fmv.
    lead
        Available time of the first of the first rows that has one, int64 ns; 0 if none has. Rows before it take it.
    steps
        Nanoseconds in a step of each time column, by our name.
    open_bytes
        Roughly what a reader of this file holds in memory while it is open.
    """

    index: int
    path: Path
    record: str
    rows: int
    groups: tuple[RowGroup, ...]
    layout: Layout
    schema: pa.Schema
    partitions: Mapping[str, str | None]
    steps: Mapping[str, int]
    interval_ns: int
    lead: int
    guesses: tuple[Guess, ...]
    open_bytes: int
    reader: ColumnReader = field(repr=False, compare=False)

    @property
    def earliest(self) -> int | None:
        """A lower bound of all available times of the file, int64 ns, or None if the footer tells none."""
        bounds = [group.earliest for group in self.groups]
        known = [bound for bound in bounds if bound is not None]
        return min(self.lead, *known) if known and len(known) == len(bounds) else None

    @property
    def latest(self) -> int | None:
        """The exact last available time of the file, int64 ns, or None if the footer does not tell it."""
        bounds = [group.latest for group in self.groups]
        known = [bound for bound in bounds if bound is not None]
        return max(known) if known and len(known) == len(bounds) else None

    @property
    def group_starts(self) -> list[int]:
        """First row of each row group, and the number of rows."""
        return [*(group.first for group in self.groups), self.rows]

    @property
    def columns(self) -> list[str]:
        """The file's columns that are read."""
        return list(self.layout.columns.values())

    @property
    def time_columns(self) -> list[str]:
        """The file's columns that available times follow from."""
        return self.layout.theirs(*TIME_COLUMNS, "interval")

    @property
    def text_columns(self) -> list[str]:
        """The file's columns that are decoded as dictionaries."""
        return self.layout.theirs("ticker")


def open_recording(found: FoundFile, options: ReadOptions) -> RecordingFile:
    """Read a file's footer and first rows and recognise it; its ``index`` is yet to be given.

    Raises
    ------
    DataError
        The file is missing, damaged, or not Parquet.
    SchemaError
        Its columns or their types do not fit a record type.
    """
    file = open_parquet(found.path)
    with file, reading(found.path):
        schema = file.schema_arrow
        layout = recognise(found, schema, options.columns)
        head = _head(file, layout.theirs(*TIME_COLUMNS, "interval"))
        footers = group_footers(file, layout.theirs("ticker", *TIME_COLUMNS))
        steps, guesses = _time_steps(layout, head, options.timestamp_unit)
        interval_ns = options.interval_seconds * NS_PER_SECOND
        if layout.record.name == "ohlcv" and "interval" not in (*layout.columns, *layout.constants):
            guesses.append(Guess("interval", f"{options.interval_seconds} s", "there is no column interval"))
        reader = ColumnReader(found.path, layout, steps, interval_ns)
        return RecordingFile(
            index=-1,
            path=Path(found.path),
            record=layout.record.name,
            rows=file.metadata.num_rows,
            groups=tuple(_row_group(footer, layout, schema, steps, interval_ns) for footer in footers),
            layout=layout,
            schema=schema,
            partitions=found.partitions,
            steps=steps,
            interval_ns=interval_ns,
            lead=_lead(reader, head),
            guesses=tuple(guesses),
            open_bytes=_open_bytes(file.metadata, set(layout.columns.values())),
            reader=reader,
        )


def _head(file: pq.ParquetFile, columns: list[str]) -> pa.RecordBatch:
    for batch in file.iter_batches(batch_size=HEAD_ROWS, columns=columns):
        if batch.num_rows:
            return batch
    return pa.RecordBatch.from_pylist([], schema=pa.schema([file.schema_arrow.field(name) for name in columns]))


def _time_steps(layout: Layout, head: pa.RecordBatch, unit: str) -> tuple[dict[str, int], list[Guess]]:
    """Give the nanoseconds in a step of each time column, and what was guessed to tell them."""
    if unit != "auto" and unit not in NS_PER_UNIT:
        raise UsageError(f"timestamp unit is {unit!r}, but auto, {', '.join(NS_PER_UNIT)} are allowed")
    steps: dict[str, int] = {}
    guesses: list[Guess] = []
    for name in TIME_COLUMNS:
        if name not in layout.columns:
            continue
        column = head.column(head.schema.get_field_index(layout.columns[name]))
        step = type_step(column.type)
        if step is not None:
            steps[name] = step
            if isinstance(column.type, pa.TimestampType) and column.type.tz is None:
                guesses.append(Guess(f"time zone of {name}", "UTC", f"type {column.type} has none"))
        elif unit != "auto":
            steps[name] = NS_PER_UNIT[unit]
        else:
            guessed, why = _guess_unit(column)
            steps[name] = NS_PER_UNIT[guessed]
            guesses.append(Guess(f"unit of {name}", guessed, why))
    return steps, guesses


def _guess_unit(column: pa.Array[Any]) -> tuple[str, str]:
    """Guess the unit of integer times from the median of the positive ones among the first rows."""
    if not pt.is_integer(column.type):
        return "ns", "it holds nulls only"
    numbers = whole(column, 0)
    positive = np.sort(numbers[numbers > 0])
    if not len(positive):
        return "ns", f"none of the first {len(column)} rows is above 0"
    median = int(positive[(len(positive) - 1) // 2])
    return epoch_unit(median), f"the median of the first {len(column)} rows is {median}"


def _lead(reader: ColumnReader, head: pa.RecordBatch) -> int:
    times = reader.times(head, 0)
    if times.known is None:
        return int(times.available[0]) if len(times.available) else 0
    return int(times.available[times.known.argmax()]) if times.known.any() else 0


def _row_group(
    footer: GroupFooter, layout: Layout, schema: pa.Schema, steps: Mapping[str, int], interval_ns: int
) -> RowGroup:
    earliest, latest = _available_bounds(footer, layout, schema, steps, interval_ns)
    tickers = footer.bounds.get(layout.columns.get("ticker", ""))
    bounds = (str(tickers.low), str(tickers.high)) if tickers is not None else None
    return RowGroup(footer.first, footer.rows, earliest, latest, bounds)


def _available_bounds(
    footer: GroupFooter, layout: Layout, schema: pa.Schema, steps: Mapping[str, int], interval_ns: int
) -> tuple[int | None, int | None]:
    """Give a lower bound of the available times of a row group, and their exact maximum, where known.

    With `received_at`, they are its own unless it has nulls. Otherwise those of ticks and fair values are their
    timestamps, those of bars a constant later, unless each bar has its own interval.
    """
    spans = {name: _span(name, footer, layout, schema, steps) for name in TIME_COLUMNS if name in layout.columns}
    event = spans["timestamp"]
    if "received_at" in spans:
        received = spans["received_at"]
        if received is None:
            return None, None
        low, high, nulls = received
        if not nulls:
            return low, high
        return (min(low, event[0]) if event is not None else None), None
    if event is None:
        return None, None
    low, high, _ = event
    if layout.record.name != "ohlcv":
        return low, high
    if "interval" in layout.columns or "interval" in layout.constants:
        return low, None
    return low + interval_ns, min(high + interval_ns, LARGEST_TIME)


def _span(
    name: str, footer: GroupFooter, layout: Layout, schema: pa.Schema, steps: Mapping[str, int]
) -> tuple[int, int, bool] | None:
    bounds = footer.bounds.get(layout.columns[name])
    type_ = schema.field(layout.columns[name]).type
    if bounds is None or not (pt.is_timestamp(type_) or pt.is_signed_integer(type_)):
        return None
    low, high = int(bounds.low) * steps[name], int(bounds.high) * steps[name]
    if low <= 0 or high > LARGEST_TIME:  # rows that cannot be used, or cannot be represented, hide behind such bounds
        return None
    return low, high, bounds.nulls


def _open_bytes(metadata: pq.FileMetaData, columns: set[str]) -> int:
    """Estimate a reader's memory: a dictionary page and a data page per column, of a MiB if the chunk is that long."""
    total = 0
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        for place in range(metadata.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema in columns:
                total += min(2 * chunk.total_uncompressed_size, 2 << 20)
    return total

"""One file of a recording: facts from its footer and its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from tickstock_cli.core.marks import mark_of
from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.errors import OwnOutputError
from tickstock_cli.kernels.normalise import LARGEST_TIME
from tickstock_cli.sources.checks.facts import Extremes, Facts
from tickstock_cli.sources.checks.running import Checked, checked
from tickstock_cli.sources.columns import ColumnReader
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.footer import (
    GroupFooter,
    check_decrypted,
    column_extremes,
    group_footers,
    open_parquet,
    plain_dictionaries,
    reading,
)
from tickstock_cli.sources.interpretation import HEAD_ROWS, TIME_COLUMNS, Guess, Interpretation, TimeEncoding, interpret
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.recognise import Layout, recognise
from tickstock_cli.sources.selection import theirs_of
from tickstock_cli.sources.zones import in_utc


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group, and bounds of its available times (int64 ns) if the footer has statistics.

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
        Index of the file in the recording and in ``origin`` values.
    record
        tick, ohlcv or fmv.
    first_available
        Available time of the first of the first rows that has one, int64 ns; 0 if none has. Earlier rows get this time.
    open_bytes
        Approximate memory of a reader of this file while it is open.
    schema
        Names and types of the columns as they are read: ``plain_schema`` of the file's.
    """

    index: int
    path: Path
    record: str
    rows: int
    groups: tuple[RowGroup, ...]
    layout: Layout
    schema: pa.Schema
    partitions: Mapping[str, str | None]
    interval_ns: int
    first_available: int
    guesses: tuple[Guess, ...]
    open_bytes: int
    reader: ColumnReader = field(repr=False, compare=False)
    read_from: Path
    """The Parquet file with the rows: another one than ``path`` for a journal."""
    text_columns: tuple[str, ...]
    """The file's columns that are decoded as dictionaries."""
    checked: Checked = field(default=Checked(), repr=False, compare=False)
    """The outcome of the checks of the file."""
    where_columns: tuple[str, ...] = ()
    """The file's columns that select rows."""

    @property
    def earliest(self) -> int | None:
        """A lower bound of all available times of the file, int64 ns; None without statistics."""
        bounds = [group.earliest for group in self.groups]
        known = [bound for bound in bounds if bound is not None]
        return min(self.first_available, *known) if known and len(known) == len(bounds) else None

    @property
    def latest(self) -> int | None:
        """The exact last available time of the file, int64 ns; None without statistics."""
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
        return list(dict.fromkeys([*self.layout.columns.values(), *self.where_columns]))

    @property
    def time_columns(self) -> list[str]:
        """The file's columns that determine available times."""
        return list(dict.fromkeys([*self.layout.theirs(*TIME_COLUMNS, "time_of_day", "interval"), *self.where_columns]))


def open_recording(found: FoundFile, options: ReadOptions) -> RecordingFile:
    """Read a file's footer and first rows, and recognise it; its ``index`` is -1.

    Raises
    ------
    DataError
        The file is missing, damaged, or not Parquet.
    OwnOutputError
        The file is an output of an earlier run.
    SchemaError
        The columns or their types do not fit a record type.
    """
    file = open_parquet(found.read_from)
    with file, reading(found.path):
        check_decrypted(found.read_from, file)
        schema = file.schema_arrow
        if (mark := mark_of(schema)) is not None:
            raise OwnOutputError(
                f"{found.path} holds {mark} that tickstock wrote, not a recording: name recordings only"
            )
        if is_recorded(schema):
            options = replace(options, timestamp_unit="ns")  # however odd its first rows are
        layout = recognise(
            found,
            schema,
            options.columns,
            None if is_recorded(schema) else partial(_values, file),
            ticker_from_name=options.ticker_from == "filename",
        ).told(options)
        options = layout.options(options)
        where = tuple(theirs_of(options.where, layout.columns, schema.names))
        needed = layout.theirs(*TIME_COLUMNS, "time_of_day", "interval", "ticker")
        head = _head(file, list(dict.fromkeys([*needed, *where])))
        footers = group_footers(file, layout.theirs("ticker", *TIME_COLUMNS))
        how = interpret(found.path, layout, head, options)
        texts = [*layout.theirs("ticker"), *(name for name in where if pt.is_string(schema.field(name).type))]
        facts = Facts(
            path=found.path,
            layout=layout,
            schema=schema,
            partitions=found.partitions,
            options=options,
            reader=how.reader,
            head=head,
            first_rows=partial(_head, file),
            extremes=cache(partial(_extremes, file.metadata)),
            scan=lambda column: file.iter_batches(columns=[column]),
            time_bounds=partial(_time_bounds, footers, layout, schema, how),
        )
        path = Path(found.path)
        return RecordingFile(
            index=-1,
            path=path,
            record=layout.record.name,
            rows=file.metadata.num_rows,
            groups=tuple(_row_group(footer, layout, schema, how) for footer in footers),
            layout=layout,
            schema=plain_schema(schema),
            partitions={**found.partitions, **{name: layout.constants[name] for name in layout.in_name}},
            interval_ns=how.interval_ns,
            first_available=how.first_available,
            guesses=how.guesses,
            open_bytes=_open_bytes(file.metadata, set(layout.columns.values())),
            reader=how.reader,
            read_from=path if found.copy is None else Path(found.copy),
            checked=Checked() if is_recorded(schema) else checked(facts),
            where_columns=where,
            text_columns=plain_dictionaries(file, texts),
        )


def _time_bounds(
    footers: Sequence[GroupFooter], layout: Layout, schema: pa.Schema, how: Interpretation
) -> tuple[int, int] | None:
    spans = [_span("timestamp", footer, layout, schema, how.encodings["timestamp"]) for footer in footers]
    known = [span for span in spans if span is not None]
    if not known or len(known) < len(spans):
        return None
    return min(low for low, _, _ in known), max(high for _, high, _ in known)


def _extremes(metadata: pq.FileMetaData, column: str) -> Extremes | None:
    """Return the extremes of a column over all row groups that have values; None if one does not state them."""
    bounds = column_extremes(metadata, column)
    return None if bounds is None else Extremes(*bounds)


def _head(file: pq.ParquetFile, columns: list[str], rows: int = HEAD_ROWS) -> pa.RecordBatch:
    for batch in file.iter_batches(batch_size=rows, columns=columns, use_threads=False):
        if batch.num_rows:
            return plain_rows(batch, plain_schema(batch.schema))
    return pa.RecordBatch.from_pylist([], schema=pa.schema([file.schema_arrow.field(name) for name in columns]))


def _values(file: pq.ParquetFile, column: str) -> list[Any]:
    """Return the first values of a column that are not null, times as text."""
    return known_values(_head(file, [column]).column(0))


def _row_group(footer: GroupFooter, layout: Layout, schema: pa.Schema, how: Interpretation) -> RowGroup:
    earliest, latest = _available_bounds(footer, layout, schema, how)
    tickers = footer.bounds.get(layout.columns.get("ticker", ""))
    bounds = (str(tickers.low), str(tickers.high)) if tickers is not None else None
    if how.selects_rows:  # the last time can be that of a row that is not selected
        latest = None
    return RowGroup(footer.first, footer.rows, earliest, latest, bounds)


def _available_bounds(
    footer: GroupFooter, layout: Layout, schema: pa.Schema, how: Interpretation
) -> tuple[int | None, int | None]:
    """Return a lower bound of the available times of a row group, and their exact maximum, where known.

    With `received_at`, the bounds are those of that column, unless it has nulls. Otherwise available times are the
    timestamps of ticks and fair values, and the timestamps of bars plus a constant, unless each bar has an interval.
    """
    spans = {
        name: _span(name, footer, layout, schema, how.encodings[name])
        for name in TIME_COLUMNS
        if name in layout.columns
    }
    event = None if "time_of_day" in layout.columns else spans["timestamp"]
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
    if layout.record.name != "ohlcv" or how.bars_at_end:
        return low, high
    if "interval" in layout.columns or "interval" in layout.constants:
        return low, None
    return low + how.interval_ns, min(high + how.interval_ns, LARGEST_TIME)


def _span(
    name: str, footer: GroupFooter, layout: Layout, schema: pa.Schema, encoding: TimeEncoding
) -> tuple[int, int, bool] | None:
    bounds = footer.bounds.get(layout.columns[name])
    type_ = schema.field(layout.columns[name]).type
    if bounds is None or not (pt.is_timestamp(type_) or pt.is_date(type_) or pt.is_signed_integer(type_)):
        return None
    low, high = int(bounds.low) * encoding.step, int(bounds.high) * encoding.step
    if encoding.zone is not None and 0 < low <= high <= LARGEST_TIME:
        low, high = in_utc(np.array([low, high]), encoding.zone).tolist()
    if low <= 0 or high > LARGEST_TIME:  # such bounds include unusable times
        return None
    return low, high, bounds.nulls


def _open_bytes(metadata: pq.FileMetaData, columns: set[str]) -> int:
    """Estimate a reader's memory: a dictionary page and a data page per column, at most 1 MiB each."""
    total = 0
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        for place in range(metadata.num_columns):
            chunk = group.column(place)
            if chunk.path_in_schema in columns:
                total += min(2 * chunk.total_uncompressed_size, 2 << 20)
    return total

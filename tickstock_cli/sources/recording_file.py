"""One file of a recording: facts from its footer and its first rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as pt

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import NoRowsError, OwnOutputError, SchemaError
from tickstock_cli.kernels.normalise import LARGEST_TIME
from tickstock_cli.sources.checks.facts import Extremes, Facts, Oddity
from tickstock_cli.sources.checks.running import Checked, checked
from tickstock_cli.sources.columns import ColumnReader
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.footer import Footer, GroupFooter, check_decrypted, open_parquet, reading
from tickstock_cli.sources.interpretation import (
    HEAD_ROWS,
    TIME_COLUMNS,
    Guess,
    Interpretation,
    first_available,
    interpret,
)
from tickstock_cli.sources.intervals import whole_ends
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.recognise import Layout, check_once
from tickstock_cli.sources.selection import theirs_of
from tickstock_cli.sources.shared_layouts import SharedLayouts, SharedSchema
from tickstock_cli.sources.time_columns import TimeEncoding
from tickstock_cli.sources.zones import in_utc
from tickstock_cli.storage.names import is_object, shown_as_path

_END_OF_A_BAR = 5 * NS_PER_SECOND
"""A multiple of this is the end of a bar itself, and not its last moment."""


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
        Earliest available time of all rows (int64 ns), if the footer tells it for every row. Otherwise that of the
        first of the first rows that has one, 0 if none has; earlier rows get this time.
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
    """The Parquet file with the rows: another one than ``path`` for a journal and an object."""
    text_columns: tuple[str, ...]
    """The file's columns that are decoded as dictionaries."""
    checked: Checked = field(default=Checked(), repr=False, compare=False)
    """The outcome of the checks of the file."""
    where_columns: tuple[str, ...] = ()
    """The file's columns that select rows."""

    @property
    def on_disk(self) -> Path:
        """The file itself; of an object its local copy."""
        return self.read_from if is_object(self.path) else self.path

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


class RecordingOpener:
    """Opens files under the same options. What depends only on their columns is found once for all that share them.

    Parameters
    ----------
    options
        Those of the user.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self._as_recorded = replace(options, timestamp_unit="ns")  # however odd the first rows of a live run are
        self._layouts = SharedLayouts(options)

    def open(self, found: FoundFile, index: int = -1) -> RecordingFile:
        """Read a file's footer, and its first rows where that does not suffice, and recognise it.

        Parameters
        ----------
        index
            That of the file, as far as it is known.

        Raises
        ------
        DataError
            The file is missing, damaged, or not Parquet.
        OwnOutputError
            The file is an output of an earlier run.
        NoRowsError
            The columns fit no record type, and there is no row.
        SchemaError
            The columns or their types do not fit a record type.
        """
        file = open_parquet(found.read_from)
        with file, reading(found.path):
            check_decrypted(found.read_from, file)
            shared = self._layouts.of(file)
            schema = shared.schema
            if shared.mark is not None:
                raise OwnOutputError(
                    f"{found.path} holds {shared.mark} that tickstock wrote, not a recording: name recordings only"
                )
            options = self._as_recorded if shared.is_recorded else self._options
            layout = self._layout(shared, found, file)
            options = layout.options(options)
            where = tuple(theirs_of(options.where, layout.columns, schema.names)) if options.where else ()
            for name in where:
                check_once(found.path, schema, name)
            needed = dict.fromkeys([*layout.theirs(*TIME_COLUMNS, "time_of_day", "interval", "ticker"), *where])
            footer, rows = Footer(file.metadata, shared.places), file.metadata.num_rows
            first = FirstRows(shared.plain, not rows, partial(_head, file, list(needed)), footer.extremes)
            groups = footer.groups(layout.theirs("ticker", *TIME_COLUMNS))
            how = interpret(found.path, layout, first, options)
            texts = [*layout.theirs("ticker"), *(name for name in where if pt.is_string(schema.field(name).type))]
            path = shown_as_path(found.path)
            row_groups = tuple(_row_group(group, layout, schema, how) for group in groups)
            return RecordingFile(
                index=index,
                path=path,
                record=layout.record.name,
                rows=rows,
                groups=row_groups,
                layout=layout,
                schema=shared.plain,
                partitions={**found.partitions, **{name: layout.constants[name] for name in layout.in_name}},
                interval_ns=how.interval_ns,
                first_available=_first_available(groups, row_groups, how, first),
                guesses=how.guesses,
                open_bytes=footer.page_bytes(set(layout.columns.values())),
                reader=how.reader,
                read_from=path if found.copy is None else Path(found.copy),
                checked=Checked()
                if shared.is_recorded
                else _checked(found, _facts(found, schema, options, how, first, file, groups)),
                where_columns=where,
                text_columns=footer.plain_dictionaries(texts),
            )

    def _layout(self, shared: SharedSchema, found: FoundFile, file: pq.ParquetFile) -> Layout:
        try:
            return self._layouts.layout(shared, found, partial(_values, file))
        except SchemaError as error:
            if file.metadata.num_rows:
                raise
            raise NoRowsError(str(error)) from error


def _checked(found: FoundFile, facts: Facts) -> Checked:
    """Run the checks of a file, and tell the links to it."""
    text = "a link to it is left out" if len(found.links) == 1 else "{} links to it are left out"
    links = [Oddity(text, (len(found.links),)[: text.count("{}")])] if found.links else []
    done = checked(facts)
    return replace(done, oddities=(*links, *done.oddities))


def _facts(
    found: FoundFile,
    schema: pa.Schema,
    options: ReadOptions,
    how: Interpretation,
    first: FirstRows,
    file: pq.ParquetFile,
    groups: Sequence[GroupFooter],
) -> Facts:
    return Facts(
        path=found.path,
        layout=how.layout,
        schema=schema,
        partitions=found.partitions,
        options=options,
        reader=how.reader,
        first=first,
        first_rows=partial(_head, file),
        extremes=partial(_extremes, first),
        scan=lambda column: file.iter_batches(columns=[column]),
        time_bounds=partial(_time_bounds, groups, how.layout, schema, how),
    )


def _first_available(
    footers: Sequence[GroupFooter], groups: Sequence[RowGroup], how: Interpretation, first: FirstRows
) -> int:
    """Return the earliest available time, if the footer tells it for every row; otherwise that of the first rows."""
    columns, recorded = how.layout.columns, "received_at" if "received_at" in how.layout.columns else "timestamp"
    bounds = [footer.bounds.get(columns.get(recorded, "")) for footer in footers]
    earliest = [group.earliest for group in groups if group.latest is not None and group.earliest is not None]
    is_exact = not how.selects_rows and how.encodings[recorded].zone is None and bool(groups)
    if is_exact and len(earliest) == len(groups) and all(bound is not None and not bound.nulls for bound in bounds):
        return min(earliest)
    return first_available(how.reader, first.decoded())


def _time_bounds(
    footers: Sequence[GroupFooter], layout: Layout, schema: pa.Schema, how: Interpretation
) -> tuple[int, int] | None:
    spans = [_span("timestamp", footer, layout, schema, how.encodings["timestamp"]) for footer in footers]
    known = [span for span in spans if span is not None]
    if not known or len(known) < len(spans):
        return None
    return min(low for low, _, _ in known), max(high for _, high, _ in known)


def _extremes(first: FirstRows, column: str) -> Extremes | None:
    """Return the extremes of a column over all row groups that have values; None if one does not state them."""
    bounds = first.extremes(column)
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
    if layout.record.name != "ohlcv":
        return low, high
    has_lengths = "interval" in layout.columns or "interval" in layout.constants
    if how.bars_at_end and has_lengths:
        return low, None if high % _END_OF_A_BAR else high
    if has_lengths:
        return low, None
    if how.bars_at_end:
        ends = whole_ends(np.array([low, high]), how.interval_ns).tolist()
        return ends[0], ends[1]
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

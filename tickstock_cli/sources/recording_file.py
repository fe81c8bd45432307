"""One file of a recording: facts from its footer and its first rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from tickstock_cli.sources.checks.running import Checked
from tickstock_cli.sources.columns import ColumnReader
from tickstock_cli.sources.interpretation import TIME_COLUMNS, Guess
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.storage.names import is_object


class RowGroup(NamedTuple):
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
    size: int
    """Bytes of that file."""
    text_columns: tuple[str, ...]
    """The file's columns that are decoded as dictionaries."""
    decodes_jointly: bool = False
    """Whether its rows can be decoded in one call with those of files that are alike (``joint_decoding``)."""
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

"""Original rows of a source that can be read only once, kept in a temporary file until the run ends."""

from __future__ import annotations

import tempfile
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.batch_file import TemporaryFolder, read_exactly, reading
from tickstock_cli.core.files import shown_path
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.sources.intervals import lengths
from tickstock_cli.sources.origins import PLACE_COLUMNS
from tickstock_cli.sources.plain_numbers import real, valid
from tickstock_cli.sources.plain_values import plain_values
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.records import BITS, LENGTH, NUMBER, RECORD_TYPES, UNUSED_COLUMNS, ColumnType, is_number

_TYPES: dict[ColumnType, pa.DataType] = {NUMBER: pa.float64(), LENGTH: pa.float64(), BITS: pa.int64()}
_COLUMNS: dict[str, pa.DataType] = {
    name: _TYPES.get(kind, pa.string()) for record in RECORD_TYPES for name, kind in record.columns.items()
} | dict.fromkeys(sorted(UNUSED_COLUMNS), pa.string())


_PLACES: tuple[pa.DataType, ...] = (pa.string(), pa.int64(), pa.string())


@dataclass(frozen=True, slots=True)
class _StoredRows:
    """Rows that arrived together: their position in the temporary file and the layout of their columns."""

    first: int
    start: int
    size: int
    layout: Layout


class KeptRows:
    """Looks up rows by ``origin`` values, which are row numbers. Another thread can add rows at the same time.

    Attributes
    ----------
    schema
        Columns of ``table``: those of all record types, under our names, then `file`, `row` (0-based) and `reason`.
        The columns of a stream are unknown before it arrives. Times and tickers are text.

    Parameters
    ----------
    name
        Name of the source, for `file`.
    """

    schema = pa.schema(
        [pa.field(name, type_) for name, type_ in (*_COLUMNS.items(), *zip(PLACE_COLUMNS, _PLACES, strict=True))]
    )

    def __init__(self, name: str, temporary: TemporaryFolder) -> None:
        self.name = name
        self._temporary = temporary
        self._file: BinaryIO | None = None
        self._stored: list[_StoredRows] = []
        self._firsts: list[int] = []
        self._rows = 0

    def keep(self, first: int, rows: pa.RecordBatch, layout: Layout) -> None:
        """Store rows, unless they are stored already; ``first`` is the number of the first row.

        Raises
        ------
        OutputError
            A write failed, for example because the disk is full.
        """
        if first < self._rows:
            return
        with pa.BufferOutputStream() as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
        stored = sink.getvalue()
        with self._temporary.writing():
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._temporary.parent)  # noqa: SIM115 - open until discarded
            start = self._file.tell()
            self._file.write(stored)
            self._file.flush()
        self._stored.append(_StoredRows(first, start, stored.size, layout))
        self._firsts.append(first)
        self._rows = first + rows.num_rows

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return the name of the source, the row number (0-based) and the original values of one row, times as text."""
        chunk = self._stored[bisect_right(self._firsts, origin) - 1]
        row = self._read(chunk).slice(origin - chunk.first, 1)
        values = {name: plain_values(column)[0] for name, column in zip(row.schema.names, row.columns, strict=True)}
        return Path(self.name), origin, values

    def names(self, origin: int) -> Mapping[str, str]:
        """Return our names of the columns that are read -> those of the rows that arrived together."""
        return self._stored[bisect_right(self._firsts, origin) - 1].layout.columns

    def table(self, origins: Int64s, reasons: Sequence[str]) -> pa.Table:
        """Return the original rows of ``origins``, in that order, each with its reason."""
        order = np.argsort(origins, kind="stable")
        chunks = np.searchsorted(np.array(self._firsts), origins[order], side="right") - 1
        pieces = []
        for number in np.unique(chunks).tolist():
            chunk = self._stored[number]
            pieces.append(_ours(self._read(chunk).take(origins[order][chunks == number] - chunk.first), chunk.layout))
        found = pa.concat_tables([pa.schema(list(_COLUMNS.items())).empty_table(), *pieces])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        names = [shown_path(self.name)] * len(origins)
        places: list[Any] = [pa.array(names, pa.string()), pa.array(origins), pa.array(list(reasons), pa.string())]
        return pa.Table.from_arrays([*found.take(back).columns, *places], schema=self.schema)

    def together_with(self, origin: int) -> tuple[int, pa.RecordBatch]:
        """Return the rows that arrived together with one row, and the number of the first of them."""
        stored = self._stored[bisect_right(self._firsts, origin) - 1]
        return stored.first, self._read(stored)

    def _read(self, stored: _StoredRows) -> pa.RecordBatch:
        assert self._file is not None, "stored rows are in the file"
        with reading(f"rows of {self.name} in a temporary file"):
            content = read_exactly(self._file, stored.start, stored.size)
        return pa.ipc.open_stream(content).read_next_batch()

    def close(self) -> None:
        """Do nothing: later rows can still be stored and looked up."""

    def discard(self) -> None:
        """Delete all rows. Idempotent."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None


def _ours(rows: pa.RecordBatch, layout: Layout) -> pa.Table:
    """Return rows under our names and types."""
    columns: list[Any] = []
    for name, type_ in _COLUMNS.items():
        place = rows.schema.get_field_index(layout.columns.get(name, name if name in UNUSED_COLUMNS else ""))
        columns.append(_cast(rows.column(place) if place >= 0 else pa.nulls(rows.num_rows), type_))
    return pa.Table.from_arrays(columns, names=list(_COLUMNS))


def _cast(column: Any, type_: pa.DataType) -> Any:
    if type_ == pa.string():
        return pa.array([None if value is None else str(value) for value in plain_values(column)], type_)
    if type_ == pa.float64() and not pt.is_null(column.type):
        if is_number(column.type):
            return pa.array(real(column, 0.0), mask=~valid(column))
        return pa.array(lengths(column, NS_PER_SECOND, 0) / NS_PER_SECOND, mask=~valid(column))
    return pc.cast(column, type_, safe=False)

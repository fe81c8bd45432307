"""Original rows of a source that may be read only once, kept in a temporary file until nobody can ask for them."""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.origins import PLACE_COLUMNS
from tickstock_cli.sources.plain_values import plain_values
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.records import BITS, NUMBER, RECORD_TYPES, UNUSED_COLUMNS, ColumnType
from tickstock_cli.sources.spool import TemporaryFolder

_TYPES: dict[ColumnType, pa.DataType] = {NUMBER: pa.float64(), BITS: pa.int64()}
_COLUMNS: dict[str, pa.DataType] = {
    name: _TYPES.get(kind, pa.string()) for record in RECORD_TYPES for name, kind in record.columns.items()
} | dict.fromkeys(sorted(UNUSED_COLUMNS), pa.string())


_PLACES: tuple[pa.DataType, ...] = (pa.string(), pa.int64(), pa.string())


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows that came together: where in the temporary file they stand, and where they keep our columns."""

    first: int
    start: int
    size: int
    layout: Layout


class KeptRows:
    """Looks up rows by ``origin`` values, which are their numbers; another thread may keep more of them meanwhile.

    Attributes
    ----------
    schema
        Columns of ``table``: all that any record type has, under our names, then `file`, `row` (0-based) and
        `reason`. Which ones a stream holds is not known before it has come; times and tickers are text.

    Parameters
    ----------
    name
        The source's, for `file`.
    """

    schema = pa.schema(
        [pa.field(name, type_) for name, type_ in (*_COLUMNS.items(), *zip(PLACE_COLUMNS, _PLACES, strict=True))]
    )

    def __init__(self, name: str, scratch: TemporaryFolder) -> None:
        self._name = name
        self._scratch = scratch
        self._file: IO[bytes] | None = None
        self._lots: list[_Lot] = []
        self._firsts: list[int] = []
        self._rows = 0

    def keep(self, first: int, rows: pa.RecordBatch, layout: Layout) -> None:
        """Keep rows, unless they are kept already; ``first`` is the number of the first.

        Raises
        ------
        OutputError
            The disk is full, say.
        """
        if first < self._rows:
            return
        with pa.BufferOutputStream() as sink, pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_batch(rows)
        stored = sink.getvalue()
        with self._scratch.guarded():
            if self._file is None:
                self._file = tempfile.TemporaryFile(dir=self._scratch.parent)  # noqa: SIM115 - open until discarded
            start = self._file.tell()
            self._file.write(stored)
            self._file.flush()
        self._lots.append(_Lot(first, start, stored.size, layout))
        self._firsts.append(first)
        self._rows = first + rows.num_rows

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return the name of the source, the row number (0-based) and the original values of one row, times as text."""
        lot = self._lots[bisect_right(self._firsts, origin) - 1]
        row = self._read(lot).slice(origin - lot.first, 1)
        values = {name: plain_values(column)[0] for name, column in zip(row.schema.names, row.columns, strict=True)}
        return Path(self._name), origin, values

    def table(self, origins: Int64s, reasons: Sequence[str]) -> pa.Table:
        """Return the original rows of many origins, in their order, with the reason given for each."""
        order = np.argsort(origins, kind="stable")
        lots = np.searchsorted(np.array(self._firsts), origins[order], side="right") - 1
        pieces = []
        for number in np.unique(lots).tolist():
            lot = self._lots[number]
            pieces.append(_ours(self._read(lot).take(origins[order][lots == number] - lot.first), lot.layout))
        found = pa.concat_tables([pa.schema(list(_COLUMNS.items())).empty_table(), *pieces])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        names = [self._name] * len(origins)
        places: list[Any] = [pa.array(names, pa.string()), pa.array(origins), pa.array(list(reasons), pa.string())]
        return pa.Table.from_arrays([*found.take(back).columns, *places], schema=self.schema)

    def _read(self, lot: _Lot) -> pa.RecordBatch:
        assert self._file is not None, "a lot is in the file"
        with self._scratch.guarded():
            stored = os.pread(self._file.fileno(), lot.size, lot.start)
        return pa.ipc.open_stream(stored).read_next_batch()

    def close(self) -> None:
        """Close nothing: more rows may come, and be asked for."""

    def discard(self) -> None:
        """Forget all rows. Idempotent."""
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
    return pc.cast(column, type_, safe=False)

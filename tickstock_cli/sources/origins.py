"""Finds the original rows behind ``origin`` values, for the file of rejected rows and for messages.

Rejected rows arrive mostly in the order of their files, so each file is read forward once; a row that lies behind
makes its file be read again from there. Only the lot that holds the row is kept in memory.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Int64s, unpack_origin
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.plain_values import plain_values
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

LOT_ROWS = 1 << 13
OPEN_FILES = 32
PLACE_COLUMNS = ("file", "row", "reason")


class Origins:
    """Looks up original rows. Not for use by two threads at once.

    Parameters
    ----------
    files
        The recording's files, by the index in ``origin`` values.

    Attributes
    ----------
    schema
        Columns of ``table``: every column of every file, and every partition's that its file lacks (text), in the
        order of the files; then `file`, `row` (0-based) and `reason`. A column whose type differs between
        files is text; dictionaries are decoded. Columns that bear the names of the last three get an underscore.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        self._files = files
        self._readers: OrderedDict[int, _Lots] = OrderedDict()
        self._original = _union(files)
        renamed = [(_free_name(field.name), field.type) for field in self._original]
        self.schema = pa.schema([*renamed, ("file", pa.string()), ("row", pa.int64()), ("reason", pa.string())])

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return the file, the row number (0-based) and the original values of one row, times as text.

        Raises
        ------
        DataError
            The file cannot be read any more.
        """
        index, row = unpack_origin(int(origin))
        with reading(self._files[index].path):  # text may turn out not to be text
            found = self._rows(index, np.array([row]))
            kept = [*self._files[index].schema.names, *self._files[index].partitions]
            values = {name: plain_values(found[name].combine_chunks())[0] for name in kept}
        return self._files[index].path, row, values

    def table(self, origins: Int64s, reasons: Sequence[str]) -> pa.Table:
        """Return the original rows of many origins, in their order, with the reason given for each.

        Parameters
        ----------
        origins
            ``origin`` values, int64, in any order.
        reasons
            As many reasons.
        """
        files, rows = origins >> ORIGIN_ROW_BITS, origins & ((1 << ORIGIN_ROW_BITS) - 1)
        order = np.argsort(origins, kind="stable")
        pieces = []
        for index in np.unique(files).tolist():
            mine = order[files[order] == index]
            pieces.append(self._rows(index, rows[mine]))
        found = pa.concat_tables([self._original.empty_table(), *pieces])
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        paths = [str(self._files[index].path) for index in files.tolist()]
        places: list[Any] = [pa.array(paths, pa.string()), pa.array(rows), pa.array(list(reasons), pa.string())]
        return pa.Table.from_arrays([*found.take(back).columns, *places], schema=self.schema)

    def _rows(self, index: int, rows: Int64s) -> pa.Table:
        """Return rows of one file (ascending, repeats allowed) under the union of all files' columns."""
        lots = self._lots(index)
        pieces = []
        done = 0
        while done < len(rows):
            lot = lots.holding(int(rows[done]))
            behind = int(np.searchsorted(rows, lots.first + lot.num_rows))
            pieces.append(lot.take(rows[done:behind] - lots.first))
            done = behind
        partitions = self._files[index].partitions
        return pa.concat_tables([_fit(pa.Table.from_batches([piece]), self._original, partitions) for piece in pieces])

    def _lots(self, index: int) -> _Lots:
        if index not in self._readers:
            self._readers[index] = _Lots(self._files[index])
            if len(self._readers) > OPEN_FILES:
                self._readers.popitem(last=False)[1].close()
        self._readers.move_to_end(index)
        return self._readers[index]

    def close(self) -> None:
        """Close all files. Idempotent."""
        while self._readers:
            self._readers.popitem()[1].close()


class _Lots:
    """Reads a file forward, a lot of rows at a time, all columns."""

    def __init__(self, file: RecordingFile) -> None:
        self._file = file
        self._reader = self._from(0)
        self._lot: pa.RecordBatch | None = None
        self.first = 0

    def _from(self, row: int) -> RowReader:
        first = max((group.first for group in self._file.groups if group.first <= row), default=0)
        return RowReader(self._file.path, self._file.group_starts, self._file.schema.names, (), LOT_ROWS, first)

    def holding(self, row: int) -> pa.RecordBatch:
        """Return the lot that holds a row, and note the number of its first row."""
        if row < self.first:
            self.close()
            self._reader = self._from(row)
            self.first, self._lot = self._reader.row, None
        while self._lot is None or row >= self.first + self._lot.num_rows:
            while (
                self._reader.group < len(self._file.groups) and row >= self._file.group_starts[self._reader.group + 1]
            ):
                self._reader.skip_group()
            self.first = self._reader.row
            self._lot = self._reader.read()
            assert self._lot is not None, "an origin lies within its file"
        return self._lot

    def close(self) -> None:
        self._reader.close()
        self._lot = None


def _union(files: Sequence[RecordingFile]) -> pa.Schema:
    """Return the columns of all files, each once."""
    types: dict[str, pa.DataType] = {}
    for file in files:
        own = {field.name: _plain(field.type) for field in file.schema}
        own |= {name: pa.string() for name in file.partitions if name not in own}
        for name, type_ in own.items():
            types[name] = type_ if types.get(name, type_) in (type_, pa.null()) else _joint(types[name], type_)
    return pa.schema(list(types.items()))


def _joint(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    return one if other == pa.null() else pa.string()


def _plain(type_: pa.DataType) -> pa.DataType:
    """Return the type of a column once dictionaries are decoded; all forms of text are one."""
    if isinstance(type_, pa.DictionaryType):
        type_ = type_.value_type
    return pa.string() if type_ in (pa.large_string(), pa.string_view()) else type_


def _free_name(name: str) -> str:
    return f"{name}_" if name in PLACE_COLUMNS else name


def _fit(rows: pa.Table, schema: pa.Schema, partitions: Mapping[str, str | None]) -> pa.Table:
    """Return rows of one file under the union of all files' columns."""
    columns = []
    for field in schema:
        if field.name in rows.column_names:
            columns.append(_cast(rows[field.name], field.type))
        else:
            columns.append(pa.repeat(pa.scalar(partitions.get(field.name), field.type), rows.num_rows))
    return pa.Table.from_arrays(columns, schema=schema)


def _cast(column: Any, type_: pa.DataType) -> Any:
    if column.type == type_:
        return column
    try:
        return pc.cast(column, type_)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):  # nested values have no cast to text
        values = plain_values(column.combine_chunks())
        return pa.array([None if value is None else str(value) for value in values], type_)

"""Finds the original rows of ``origin`` values, for the file of rejected rows and for messages.

Rejected rows arrive mostly in file order, so each file is read forward once; for an earlier row, reading starts again
there. Memory holds only the chunk with the row.
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
from tickstock_cli.core.files import shown_path
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.plain_values import plain_values
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

CHUNK_ROWS = 1 << 13
OPEN_FILES = 32
PLACE_COLUMNS = ("file", "row", "reason")


class Origins:
    """Looks up original rows. Not safe in two threads at once.

    Parameters
    ----------
    files
        The recording's files, by the index in ``origin`` values.

    Attributes
    ----------
    schema
        Columns of ``table``: all columns and partitions (text) of all files, in the order of the files; then `file`,
        `row` (0-based) and `reason`. A column whose type differs between files is text; dictionaries are decoded.
        Recorded columns with the names of the last three get an underscore.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        self._files = files
        self._readers: OrderedDict[int, _ChunkReader] = OrderedDict()
        self._original = _union(files)
        renamed = [(_free_name(field.name, self._original.names), field.type) for field in self._original]
        self.schema = pa.schema([*renamed, ("file", pa.string()), ("row", pa.int64()), ("reason", pa.string())])

    def fetch(self, origin: int) -> tuple[Path, int, dict[str, Any]]:
        """Return the file, the row number (0-based) and the original values of one row, times as text.

        Raises
        ------
        DataError
            The file can no longer be read.
        """
        index, row = unpack_origin(int(origin))
        with reading(self._files[index].path):  # text can be invalid UTF-8
            found = self._rows(index, np.array([row]))
            kept = [*self._files[index].schema.names, *self._files[index].partitions]
            values = {name: plain_values(found[name].combine_chunks())[0] for name in kept}
        return self._files[index].path, row, values

    def names(self, origin: int) -> Mapping[str, str]:
        """Return our names of the columns that are read -> the file's."""
        return self._files[unpack_origin(int(origin))[0]].layout.columns

    def table(self, origins: Int64s, reasons: Sequence[str]) -> pa.Table:
        """Return the original rows of ``origins``, in that order, each with its reason.

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
        paths = [shown_path(self._files[index].path) for index in files.tolist()]
        places: list[Any] = [pa.array(paths, pa.string()), pa.array(rows), pa.array(list(reasons), pa.string())]
        return pa.Table.from_arrays([*found.take(back).columns, *places], schema=self.schema)

    def _rows(self, index: int, rows: Int64s) -> pa.Table:
        """Return rows of one file (ascending, with repeats) in the columns of all files."""
        chunks = self._chunks(index)
        pieces = []
        done = 0
        while done < len(rows):
            chunk = chunks.holding(int(rows[done]))
            behind = int(np.searchsorted(rows, chunks.first + chunk.num_rows))
            pieces.append(chunk.take(rows[done:behind] - chunks.first))
            done = behind
        partitions = self._files[index].partitions
        return pa.concat_tables([_fit(pa.Table.from_batches([piece]), self._original, partitions) for piece in pieces])

    def _chunks(self, index: int) -> _ChunkReader:
        if index not in self._readers:
            self._readers[index] = _ChunkReader(self._files[index])
            if len(self._readers) > OPEN_FILES:
                self._readers.popitem(last=False)[1].close()
        self._readers.move_to_end(index)
        return self._readers[index]

    def close(self) -> None:
        """Close all files. Idempotent."""
        while self._readers:
            self._readers.popitem()[1].close()


class _ChunkReader:
    """Reads all columns of a file forward, one chunk of rows at a time."""

    def __init__(self, file: RecordingFile) -> None:
        self._file = file
        self._reader = self._from(0)
        self._chunk: pa.RecordBatch | None = None
        self.first = 0

    def _from(self, row: int) -> RowReader:
        first = max((group.first for group in self._file.groups if group.first <= row), default=0)
        return RowReader(self._file.read_from, self._file.group_starts, self._file.schema.names, (), CHUNK_ROWS, first)

    def holding(self, row: int) -> pa.RecordBatch:
        """Return the chunk that holds a row, and set ``first`` to its first row number."""
        if row < self.first:
            self.close()
            self._reader = self._from(row)
            self.first, self._chunk = self._reader.row, None
        while self._chunk is None or row >= self.first + self._chunk.num_rows:
            while (
                self._reader.group < len(self._file.groups) and row >= self._file.group_starts[self._reader.group + 1]
            ):
                self._reader.skip_group()
            self.first = self._reader.row
            self._chunk = self._reader.read()
            assert self._chunk is not None, "an origin is a row of its file"
        return self._chunk

    def close(self) -> None:
        self._reader.close()
        self._chunk = None


def _union(files: Sequence[RecordingFile]) -> pa.Schema:
    """Return the union of the columns of all files."""
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
    """Return the type of a column after decoding dictionaries; all string types become one."""
    if isinstance(type_, pa.DictionaryType):
        type_ = type_.value_type
    return pa.string() if type_ in (pa.large_string(), pa.string_view()) else type_


def _free_name(name: str, names: Sequence[str]) -> str:
    """Return the name of a recorded column beside those of places: its own, or the first free one with underscores."""
    free = name
    while free in PLACE_COLUMNS or (free != name and free in names):
        free += "_"
    return free


def _fit(rows: pa.Table, schema: pa.Schema, partitions: Mapping[str, str | None]) -> pa.Table:
    """Return rows of one file in the columns of all files."""
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

"""Recorded columns that batches do not carry, for rows in merge order.

The rows of a file mostly come in its order, so each file is read forward once, and only the wanted columns of it. Where
an earlier row is asked for (a file that is sorted), or where many files are read at once, the columns of the file are
copied to a temporary Arrow file first, in which any row is near. Memory does not grow with the recording.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Int64s
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.sources.footer import reading
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.wanted_columns import Wanted, converted, converting, null_columns

CHUNK_ROWS = 1 << 13
STORED_ROWS = 1 << 15
OPEN_FILES = 64
"""Most files that are read forward at the same time."""


class OriginalColumns(Protocol):
    """Looks up columns of rows. Not safe in two threads at once."""

    def read(self, origins: Int64s, wanted: Wanted) -> dict[str, pa.Array[Any]]:
        """Return those wanted columns that the recording has, for the rows of ``origins``, in that order.

        A column is null where a row's file lacks it. All rows are of one record type.

        Raises
        ------
        DataError
            A file can no longer be read, or a column holds values that are none of the wanted type.
        """

    def close(self) -> None:
        """Close the open files, and remove temporary ones."""


class ColumnsOfFiles:
    """Columns of the files of a recording.

    Parameters
    ----------
    files
        By the index in ``origin`` values.
    mapping
        Our names -> the names of the recording, where they differ.
    """

    def __init__(self, files: Sequence[RecordingFile], mapping: Mapping[str, str]) -> None:
        self._files = files
        self._mapping = mapping
        self._temporary = TemporaryFolder(None)
        self._open: dict[int, _ForwardColumns] = {}
        self._stored: dict[int, _StoredColumns] = {}

    def read(self, origins: Int64s, wanted: Wanted) -> dict[str, pa.Array[Any]]:
        if not len(origins):
            return {}
        numbers = origins >> ORIGIN_ROW_BITS
        wanted = self._known(self._files[int(numbers[0])].record, wanted)
        if (numbers == numbers[0]).all():
            return self._read_file(int(numbers[0]), origins, wanted)
        order = np.argsort(origins, kind="stable")
        files = np.unique(numbers).tolist()
        parts = [self._read_file(file, origins[order[numbers[order] == file]], wanted) for file in files]
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return {name: pa.concat_arrays([part[name] for part in parts]).take(back) for name in wanted}

    def _known(self, record: str, wanted: Wanted) -> Wanted:
        """Return the wanted columns that a file of a record type has."""
        names = {name for file in self._files if file.record == record for name in file.schema.names}
        return {name: type_ for name, type_ in wanted.items() if self._mapping.get(name, name) in names}

    def _read_file(self, number: int, origins: Int64s, wanted: Wanted) -> dict[str, pa.Array[Any]]:
        file = self._files[number]
        theirs = {name: self._mapping.get(name, name) for name in wanted}
        there = [name for name in wanted if theirs[name] in file.schema.names]
        found = null_columns(len(origins), wanted)
        if there:
            rows = origins & ((1 << ORIGIN_ROW_BITS) - 1)
            table = self._rows(number, rows, [theirs[name] for name in there])
            for place, name in enumerate(there):
                with converting(str(file.path), theirs[name]):
                    found[name] = converted(_joined(table.column(place)), wanted[name])
        return found

    def _rows(self, number: int, rows: Int64s, columns: list[str]) -> pa.Table:
        ascending = bool((np.diff(rows) > 0).all())
        if number not in self._stored and ascending and (reader := self._forward(number, columns)) is not None:
            table = reader.take(rows)
            if table is not None:
                return table
        if number not in self._stored:
            self._close(number)
            self._stored[number] = _StoredColumns(self._files[number], columns, self._temporary)
        if ascending:
            return self._stored[number].take(rows)
        order = np.argsort(rows, kind="stable")
        back = np.empty(len(order), dtype=np.int64)
        back[order] = np.arange(len(order))
        return self._stored[number].take(rows[order]).combine_chunks().take(back)

    def _forward(self, number: int, columns: list[str]) -> _ForwardColumns | None:
        """Return the forward reader of a file; None if it was closed to make room for others."""
        reader = self._open.get(number)
        if reader is None:
            reader = self._open[number] = _ForwardColumns(self._files[number], columns)
            if sum(not other.is_closed for other in self._open.values()) > OPEN_FILES:
                next(other for other in self._open.values() if not other.is_closed).close()
        return None if reader.is_closed else reader

    def _close(self, number: int) -> None:
        if (reader := self._open.get(number)) is not None:
            reader.close()

    def close(self) -> None:
        for reader in self._open.values():
            reader.close()
        self._open.clear()
        self._stored.clear()
        self._temporary.close()


class NoOriginalColumns:
    """Of a source that keeps no original rows: there is no column."""

    def read(self, origins: Int64s, wanted: Wanted) -> dict[str, pa.Array[Any]]:  # noqa: ARG002 - as the others
        return {}

    def close(self) -> None:
        """Do nothing."""


class _ForwardColumns:
    """Reads columns of a file forward, one chunk of rows at a time."""

    def __init__(self, file: RecordingFile, columns: Sequence[str]) -> None:
        self._file = file
        self._reader = RowReader(file.read_from, file.group_starts, columns, (), CHUNK_ROWS)
        self._chunk: pa.RecordBatch | None = None
        self._first = 0
        self.is_closed = False

    def take(self, rows: Int64s) -> pa.Table | None:
        """Return rows (ascending), or None if the first one was passed already."""
        if rows[0] < self._first:
            return None
        pieces = []
        done = 0
        while done < len(rows):
            chunk = self._holding(int(rows[done]))
            behind = int(np.searchsorted(rows, self._first + chunk.num_rows))
            pieces.append(_taken(chunk, rows[done:behind] - self._first))
            done = behind
        return pa.Table.from_batches(pieces)

    def _holding(self, row: int) -> pa.RecordBatch:
        while self._chunk is None or row >= self._first + self._chunk.num_rows:
            while row >= self._file.group_starts[self._reader.group + 1]:
                self._reader.skip_group()
            self._first = self._reader.row
            self._chunk = self._reader.read()
            assert self._chunk is not None, "an origin is a row of its file"
        return self._chunk

    def close(self) -> None:
        self._reader.close()
        self._chunk = None
        self.is_closed = True


class _StoredColumns:
    """Columns of a file in a temporary Arrow file, which is mapped into memory."""

    def __init__(self, file: RecordingFile, columns: Sequence[str], temporary: TemporaryFolder) -> None:
        with temporary.writing():
            path = temporary.new_path(".arrow")
            source = RowReader(file.read_from, file.group_starts, columns, (), STORED_ROWS)
            schema = pa.schema([file.schema.field(name) for name in columns])
            starts = [0]
            with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
                while (rows := source.read()) is not None:
                    writer.write_batch(rows)
                    starts.append(source.row)
            source.close()
        self._starts = np.array(starts)
        with reading(path):
            self._stored = pa.ipc.open_file(pa.memory_map(str(path)))

    def take(self, rows: Int64s) -> pa.Table:
        """Return rows (ascending)."""
        pieces = []
        numbers = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(numbers).tolist():
            batch = self._stored.get_batch(number)
            pieces.append(_taken(batch, rows[numbers == number] - self._starts[number]))
        return pa.Table.from_batches(pieces)


def _taken(rows: pa.RecordBatch, places: Int64s) -> pa.RecordBatch:
    first, last = int(places[0]), int(places[-1])
    if last - first == len(places) - 1:
        return rows.slice(first, len(places))
    return rows.take(places)


def _joined(column: pa.ChunkedArray[Any]) -> pa.Array[Any]:
    joined: Any = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    whole: pa.Array[Any] = joined
    return whole

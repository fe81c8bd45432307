"""Reads the rows of one Parquet file forward from any row, in record batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.errors import DataError
from tickstock_cli.sources.footer import open_parquet, reading
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema, unique_names

FEW_ROWS = 1 << 14
"""A row group of at most so many rows is decoded in one thread: others cost more than they save."""


class RowReader:
    """Reads a file's rows in order, as ``plain_schema`` has them; a batch never crosses the end of a row group.

    Parameters
    ----------
    groups
        First row of each row group, and the number of rows of the file.
    columns
        Columns to decode, under their unique names.
    text
        Columns to decode as dictionaries.
    batch_rows
        Most rows in a batch.
    row
        First row to read.
    """

    def __init__(
        self,
        path: Path,
        groups: Sequence[int],
        columns: Sequence[str],
        text: Sequence[str],
        batch_rows: int,
        row: int = 0,
    ) -> None:
        self._path = path
        self._groups = groups
        self._columns = list(columns)
        self._text = text
        self._batch_rows = batch_rows
        self._file: pq.ParquetFile | None = None
        self._batches: Iterator[pa.RecordBatch] | None = None
        self._group = 0
        self._repeated: list[str] = []
        self.row = row

    @property
    def group(self) -> int:
        """Number of the row group that holds ``row``; the number of row groups at the end of the file."""
        while self._group < len(self._groups) - 1 and self.row >= self._groups[self._group + 1]:
            self._group += 1
            self._batches = None
        return self._group

    @property
    def at_group_start(self) -> bool:
        """Whether the next row is the first of its row group, or the file has ended."""
        return self.row == self._groups[self.group]

    def skip_group(self) -> None:
        """Go to the first row of the next row group without reading."""
        self.row = self._groups[self.group + 1]

    def read(self) -> pa.RecordBatch | None:
        """Return the next rows, at least one; None at the end of the file.

        Raises
        ------
        DataError
            The file is missing or damaged.
        """
        if self.group == len(self._groups) - 1:
            return None
        with reading(self._path):
            if self._batches is None:
                self._batches = self._open_group()
            batch = next((batch for batch in self._batches if batch.num_rows), None)
            batch = None if batch is None else self._plain(batch)
        if batch is None:
            raise DataError(f"cannot read {self._path}: row group {self._group} has fewer rows than its footer says")
        self.row += batch.num_rows
        return batch

    def _open_group(self) -> Iterator[pa.RecordBatch]:
        """Start decoding the row group of ``row``, without the rows before it."""
        if self._file is None:
            self._file = self._opened()
        behind = self.row - self._groups[self._group]
        names = self._file.schema_arrow.names
        columns = self._columns
        if len(set(names)) < len(names):
            unique = unique_names(names)
            pairs = list(zip(names, unique, strict=True))
            columns = list(dict.fromkeys(name for name, own in pairs if own in self._columns))
            self._repeated = [own for wanted in columns for name, own in pairs if name == wanted]
        rows = self._groups[self._group + 1] - self._groups[self._group]
        batches = self._file.iter_batches(
            self._batch_rows, row_groups=[self._group], columns=columns, use_threads=rows > FEW_ROWS
        )
        return _drop(batches, behind) if behind else batches

    def _opened(self) -> pq.ParquetFile:
        """Return the file, open; raises DataError if it is not the one whose row groups are known."""
        file = open_parquet(self._path, text=self._text)
        footer = file.metadata
        if (footer.num_row_groups, footer.num_rows) != (len(self._groups) - 1, self._groups[-1]):
            file.close()
            raise DataError(f"{self._path} was replaced while it was read: run the command again")
        return file

    def _plain(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        """Return decoded rows with unique names and plain types."""
        if self._repeated:
            rows = rows.rename_columns(self._repeated).select(self._columns)
        return plain_rows(rows, plain_schema(rows.schema))

    def close(self) -> None:
        """Close the file; a later ``read`` opens it again at the same row."""
        self._batches = None
        if self._file is not None:
            self._file.close()
            self._file = None


def _drop(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if rows < batch.num_rows:
            yield batch.slice(rows) if rows else batch
        rows = max(0, rows - batch.num_rows)

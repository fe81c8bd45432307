"""A file while it is opened: its footer, and its rows for those who ask for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

from tickstock_cli.sources.footer import TINY_BYTES, OpenParquet, open_parquet, read_tail
from tickstock_cli.sources.interpretation import HEAD_ROWS
from tickstock_cli.sources.known_footers import footer_of
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_values import known_values
from tickstock_cli.sources.row_groups import ArrowFooter


class OpenedFile:
    """A file that Arrow opens if somebody asks for more than its footer, and whoever opens it closes.

    Parameters
    ----------
    path
        The Parquet file with the rows.
    room
        Is used to read its last bytes.

    Raises
    ------
    OSError
        It cannot be read.
    """

    def __init__(self, path: str, room: bytearray) -> None:
        self.path = path
        tail, self.size = read_tail(path, room)
        self.footer_bytes = footer_of(tail)
        """The footer; nothing if there is none, or it is long."""
        self._parquet: OpenParquet | None = None

    @property
    def parquet(self) -> OpenParquet:
        """The open file; raises DataError if it is damaged."""
        if self._parquet is None:
            self._parquet = open_parquet(self.path, at_once=TINY_BYTES)
        return self._parquet

    def arrow_footer(self) -> ArrowFooter:
        """Return the footer as Arrow reads it."""
        return ArrowFooter(self.parquet.metadata)

    def head(self, columns: Sequence[str], rows: int = HEAD_ROWS) -> pa.RecordBatch:
        """Return the first rows of some columns, in plain types."""
        for batch in self.parquet.iter_batches(batch_size=rows, columns=list(columns), use_threads=False):
            if batch.num_rows:
                return plain_rows(batch, plain_schema(batch.schema))
        schema = self.parquet.schema_arrow
        return pa.RecordBatch.from_pylist([], schema=pa.schema([schema.field(name) for name in columns]))

    def first_values(self, column: str) -> list[Any]:
        """Return the first values of a column that are not null, times as text."""
        return known_values(self.head([column]).column(0))

    def scan(self, column: str) -> Iterator[pa.RecordBatch]:
        """Yield all rows of a column."""
        return self.parquet.iter_batches(columns=[column])

    def close(self) -> None:
        """Close it if Arrow has opened it. Idempotent."""
        if self._parquet is not None:
            self._parquet.close()

"""CSV: a header, then one line per row; an empty field is a null."""

from __future__ import annotations

import polars as pl
import pyarrow as pa

from tickstock_cli.sinks.outputs import open_file, writing

PIECE_ROWS = 8_192
"""Rows that are encoded at once, as for JSON lines."""


class CsvSink:
    """Rows of ``schema`` in one CSV file: text in double quotes, numbers in the shortest form that reads back equal.

    Floats always have a decimal point, because readers guess types from the first lines.
    """

    def __init__(self, target: str, schema: pa.Schema) -> None:
        self._target = target
        self._output = open_file(target)
        try:
            self._write(pl.DataFrame(schema.empty_table()), header=True)
        except BaseException:
            self._output.abort()
            raise

    def write(self, events: pa.RecordBatch) -> None:
        for start in range(0, events.num_rows, PIECE_ROWS):
            self._write(pl.DataFrame(events.slice(start, PIECE_ROWS)), header=False)

    def _write(self, rows: pl.DataFrame, header: bool) -> None:
        lines = rows.write_csv(include_header=header, quote_style="non_numeric")
        with writing(self._target):
            self._output.stream.write(lines.encode())

    def finish(self) -> None:
        self._output.finish()

    def commit(self) -> None:
        self._output.commit()

    def commit_partial(self) -> str:
        return self._output.commit_partial()

    def abort(self) -> None:
        self._output.abort()

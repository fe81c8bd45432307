"""Rejected rows: their original columns, place and reason, in one Parquet file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from tickstock_cli.core.marks import OutputMark
from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.sinks.parquet import ParquetSink


class RejectsSink:
    """Sink of the rejected rows of one run.

    ``schema`` is the union of the recordings' columns, with the columns of place and reason. Columns of other
    recordings are null.
    """

    def __init__(self, target: str, schema: pa.Schema) -> None:
        if Path(target).suffix.lower() != ".parquet":
            raise UsageError(f"rejected rows are written as Parquet: name a file that ends in .parquet, not {target}")
        self._target = target
        self._schema = schema.remove_metadata()
        self._sink = ParquetSink(target, schema, OutputMark.REJECTS)

    def write(self, rows: pa.Table) -> None:
        """Write rows whose columns are a subset of the schema's, by name.

        Raises
        ------
        OutputError
            The rows could not be written, or do not fit the schema; the sink can only be aborted.
        """
        unknown = set(rows.column_names) - set(self._schema.names)
        if unknown:
            raise OutputError(f"cannot write {self._target}: its schema has no column {', '.join(sorted(unknown))}")
        try:
            table = pa.Table.from_arrays([_column(rows, field) for field in self._schema], schema=self._schema)
        except pa.ArrowInvalid as error:
            raise OutputError(f"cannot write {self._target}: rejected rows do not fit its columns: {error}") from error
        for batch in table.to_batches():
            self._sink.write(batch)

    def finish(self) -> None:
        self._sink.finish()

    def commit(self) -> None:
        self._sink.commit()

    def commit_partial(self) -> str:
        return self._sink.commit_partial()

    def abort(self) -> None:
        self._sink.abort()


def _column(rows: pa.Table, field: pa.Field[Any]) -> Any:
    if field.name in rows.column_names:
        return rows[field.name].cast(field.type)
    return pa.nulls(rows.num_rows, field.type)

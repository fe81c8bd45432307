"""Arrow tables and columns in the forms that formats need."""

from __future__ import annotations

from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc


def one_batch(table: pa.Table) -> pa.RecordBatch:
    """Return the rows of a table in one batch, each text column with one dictionary."""
    batches = table.unify_dictionaries().combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)


def filled(column: Any, null: float) -> Any:
    """Return a column of numbers as a numpy array, with ``null`` where it is null."""
    return pc.fill_null(column, null).to_numpy(zero_copy_only=False)


def columns_of(batch: pa.RecordBatch) -> dict[str, Any]:
    """Return the columns of a batch by name."""
    return dict(zip(batch.schema.names, batch.columns, strict=True))


def above_zero(column: pa.Array[Any]) -> pa.Array[Any]:
    """Return a column with null for numbers that are not above 0: some vendors write 0 for what is absent."""
    chosen: Any = pc.if_else(pc.greater(column, pa.scalar(0)), column, pa.scalar(None, column.type))
    return cast("pa.Array[Any]", chosen)

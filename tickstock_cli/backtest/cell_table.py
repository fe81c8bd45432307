"""Cells as rows of a table, with the keys of ``result.json`` as columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from tickstock_cli.study.cells import CELL_KEYS, StudyCell

_TYPES: dict[str, pa.DataType] = {
    **dict.fromkeys(("kind", "source", "horizon"), pa.string()),
    "direction": pa.int8(),
    **dict.fromkeys(("n", "placebo_events"), pa.int64()),
    **dict.fromkeys(("thin", "few", "excess_thin", "excess_few"), pa.bool_()),
}
_FIELDS: list[pa.Field[Any]] = [pa.field(key, _TYPES.get(key, pa.float64())) for key in CELL_KEYS]
SCHEMA = pa.schema(_FIELDS)
"""Columns of ``cells.parquet``; returns in basis points, null where a value cannot be had."""


def cell_rows_of(cells: Sequence[StudyCell]) -> pa.RecordBatch:
    """Return cells as rows of ``SCHEMA``, in their order."""
    columns = [pa.array([cell.values[key] for cell in cells], _TYPES.get(key, pa.float64())) for key in CELL_KEYS]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)

"""Recorded columns that batches do not carry, of rows of a stream that are kept until its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.kept_rows import KeptRows
from tickstock_cli.sources.wanted_columns import Wanted, converted, converting, null_column


class ColumnsOfKeptRows:
    """Columns of rows of a stream that are kept until its end."""

    def __init__(self, kept: KeptRows, mapping: Mapping[str, str]) -> None:
        self._kept = kept
        self._mapping = mapping
        self._first = 0
        self._rows: pa.RecordBatch | None = None

    def read(self, origins: Int64s, wanted: Wanted) -> dict[str, pa.Array[Any]]:
        parts = []
        done = 0
        while done < len(origins):
            rows = self._holding(int(origins[done]))
            inside = (origins[done:] >= self._first) & (origins[done:] < self._first + rows.num_rows)
            count = len(inside) if inside.all() else int(inside.argmin())
            parts.append(rows.take(origins[done : done + count] - self._first))
            done += count
        there = {name: type_ for name, type_ in wanted.items() if any(self._has(part, name) for part in parts)}
        return {name: pa.concat_arrays([self._column(part, name, there[name]) for part in parts]) for name in there}

    def _holding(self, origin: int) -> pa.RecordBatch:
        if self._rows is None or not self._first <= origin < self._first + self._rows.num_rows:
            self._first, self._rows = self._kept.together_with(origin)
        return self._rows

    def _has(self, rows: pa.RecordBatch, name: str) -> bool:
        return self._mapping.get(name, name) in rows.schema.names

    def _column(self, rows: pa.RecordBatch, name: str, wanted: pa.DataType) -> pa.Array[Any]:
        if not self._has(rows, name):
            return null_column(rows.num_rows, wanted)
        theirs = self._mapping.get(name, name)
        with converting(self._kept.name, theirs):
            return converted(rows.column(rows.schema.get_field_index(theirs)), wanted)

    def close(self) -> None:
        self._rows = None

"""The first rows of a file or stream, which are decoded only if somebody asks for them.

Most of what they could tell stands in the footer of a file, too, and decoding them is much of what it costs to open a
small file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pyarrow as pa


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The first rows of a file or stream.

    Parameters
    ----------
    schema
        All columns, in plain types.
    is_empty
        Whether there is no row at all.
    decoded
        Returns them, with the columns of times, intervals and tickers at least.
    extremes
        Returns the extremes of a column over all rows, by its name; None where unknown.
    """

    schema: pa.Schema
    is_empty: bool
    decoded: Callable[[], pa.RecordBatch]
    extremes: Callable[[str], tuple[Any, Any] | None] = field(default=lambda _: None)

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> FirstRows:
        """Return rows that are in memory."""
        return cls(rows.schema, not rows.num_rows, lambda: rows)

    @classmethod
    def of_file(
        cls,
        schema: pa.Schema,
        rows: int,
        decode: Callable[[], pa.RecordBatch],
        extremes: Callable[[str], tuple[Any, Any] | None],
    ) -> FirstRows:
        """Return those of a file of so many rows; each is decoded and looked up once."""
        return cls(schema, not rows, cache(decode), cache(extremes))

    def column(self, name: str) -> pa.Array[Any]:
        """Return a decoded column; ValueError if it is not among those."""
        rows = self.decoded()
        return rows.column(rows.schema.get_field_index(name))

"""The first rows of a file or stream, which are decoded only if somebody asks for them.

Most of what they could tell stands in the footer of a file, too, and decoding them is much of what it costs to open a
small file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from tickstock_cli.sources.row_groups import Extremes


class FirstRows:
    """The first rows of a file or stream; they are decoded once, and every extreme is looked up once.

    Parameters
    ----------
    schema
        All columns, in plain types.
    is_empty
        Whether there is no row at all.
    decode
        Returns them, with the columns of times, intervals and tickers at least.
    find_extremes
        Returns the extremes of a column over all rows, by its name; None where unknown.
    """

    def __init__(
        self,
        schema: pa.Schema,
        is_empty: bool,
        decode: Callable[[], pa.RecordBatch],
        find_extremes: Callable[[str], Extremes | None] = lambda _: None,
    ) -> None:
        self.schema = schema
        self.is_empty = is_empty
        self._decode = decode
        self._rows: pa.RecordBatch | None = None
        self._find_extremes = find_extremes
        self._extremes: dict[str, Extremes | None] = {}

    @classmethod
    def of(cls, rows: pa.RecordBatch) -> FirstRows:
        """Return rows that are in memory."""
        return cls(rows.schema, not rows.num_rows, lambda: rows)

    def decoded(self) -> pa.RecordBatch:
        """Return the rows; raises ArrowException if they cannot be decoded."""
        if self._rows is None:
            self._rows = self._decode()
        return self._rows

    def column(self, name: str) -> pa.Array[Any]:
        """Return a decoded column."""
        rows = self.decoded()
        return rows.column(rows.schema.get_field_index(name))

    @property
    def was_asked(self) -> bool:
        """Whether anybody has asked for a row or an extreme."""
        return self._rows is not None or bool(self._extremes)

    def extremes(self, name: str) -> Extremes | None:
        """Return the extremes of a column over all rows; None where unknown."""
        if name not in self._extremes:
            self._extremes[name] = self._find_extremes(name)
        return self._extremes[name]

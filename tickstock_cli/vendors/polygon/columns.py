"""Columns of recorded rows as plain values, whatever their types and whether the recording has them."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_UNIT
from tickstock_cli.sources.plain_numbers import Bools, valid
from tickstock_cli.sources.time_columns import nanoseconds, type_step
from tickstock_cli.vendors.polygon.conditions import UNREADABLE, Int16s

NS_PER_MS = NS_PER_UNIT["ms"]


class Columns:
    """The columns of a batch by name. One that is absent, or of a type that cannot hold its values, is all null."""

    def __init__(self, rows: pa.RecordBatch) -> None:
        self._batch = rows
        self._names = frozenset(rows.schema.names)
        self.rows = rows.num_rows

    def has(self, name: str) -> bool:
        """Return whether there is a column of this name."""
        return name in self._names

    def reals(self, name: str) -> list[float | None]:
        """Return numbers; None where null or not finite."""
        column = self._column(name)
        if column is None or not _is_number(column.type):
            return self._nulls()
        if not pt.is_float64(column.type):
            column = pc.cast(column, pa.float64(), safe=False)
        numbers: list[float | None] = column.to_pylist()
        return [number if number is not None and math.isfinite(number) else None for number in numbers]

    def wholes(self, name: str, absent: int | None = None) -> list[int | None]:
        """Return whole numbers, ``absent`` in every row without such a column; None where null or not whole."""
        column = self._column(name)
        if column is None:
            return [absent] * self.rows
        if pt.is_integer(column.type):
            numbers: list[int | None] = column.to_pylist()
            return numbers
        return [int(number) if number is not None and number.is_integer() else None for number in self.reals(name)]

    def texts(self, name: str) -> list[str | None]:
        """Return texts, or the digits of whole numbers; None where null."""
        column = self._column(name)
        if column is None or _is_number(column.type):
            return [None if number is None else str(number) for number in self.wholes(name)]
        return [text if isinstance(text, str) else None for text in column.to_pylist()]

    def times(self, name: str) -> tuple[Int64s, Bools]:
        """Return times in ns, 0 where null, and where they are not null."""
        column = self._column(name)
        if column is None or not (pt.is_integer(column.type) or pt.is_timestamp(column.type)):
            return np.zeros(self.rows, dtype=np.int64), np.zeros(self.rows, dtype=np.bool_)
        return nanoseconds(column, type_step(column.type) or 1), valid(column)

    def milliseconds(self, name: str) -> list[int | None]:
        """Return times in whole milliseconds, rounded down; None where null."""
        times, known = self.times(name)
        steps: list[int | None] = (times // NS_PER_MS).tolist()
        return (
            steps if known.all() else [step if is_known else None for step, is_known in zip(steps, known, strict=True)]
        )

    def ids(self, name: str) -> tuple[Int16s, Int64s]:
        """Return lists of ids one after the other, and where each begins and the last one ends, for `trade_flags`."""
        lists = self.lists(name)
        offsets = np.cumsum([0, *(len(one or ()) for one in lists)])
        ids = [UNREADABLE if id_ is None or not -(2**15) <= id_ < 2**15 else id_ for one in lists for id_ in one or ()]
        return np.array(ids, dtype=np.int16), offsets

    def lists(self, name: str) -> list[list[int | None] | None]:
        """Return lists of whole numbers; None where null or empty."""
        column = self._column(name)
        if column is None or not _is_list_of_integers(column.type):
            return self._nulls()
        offsets = column.offsets.to_pylist()
        first = offsets[0]
        items = column.values.slice(first, offsets[-1] - first).to_pylist()
        lists = [items[start - first : stop - first] or None for start, stop in pairwise(offsets)]
        if not column.null_count:
            return lists
        return [one if is_known else None for one, is_known in zip(lists, valid(column), strict=True)]

    def _column(self, name: str) -> Any:
        return self._batch[name] if name in self._names else None

    def _nulls(self) -> list[Any]:
        return [None] * self.rows


def _is_number(type_: pa.DataType) -> bool:
    return pt.is_integer(type_) or pt.is_floating(type_) or pt.is_decimal(type_)


def _is_list_of_integers(type_: pa.DataType) -> bool:
    return isinstance(type_, pa.ListType | pa.LargeListType) and pt.is_integer(type_.value_type)

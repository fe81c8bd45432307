"""Columns that a part wants beside those of batches, and their conversion to the types that it wants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.core.times import NS_PER_UNIT, epoch_unit
from tickstock_cli.errors import DataError
from tickstock_cli.sources.plain_numbers import real, valid
from tickstock_cli.sources.records import is_number
from tickstock_cli.sources.time_columns import nanoseconds

TIME = pa.timestamp("ns", "UTC")
"""Type of wanted columns of times; integers are read in the unit of their magnitude."""

Wanted = Mapping[str, pa.DataType]
"""Our names of the wanted columns, with the type to return them in."""


def null_columns(rows: int, wanted: Wanted) -> dict[str, pa.Array[Any]]:
    """Return wanted columns of nulls."""
    return {name: null_column(rows, type_) for name, type_ in wanted.items()}


def null_column(rows: int, wanted: pa.DataType) -> pa.Array[Any]:
    """Return a wanted column of nulls."""
    type_: Any = pa.int64() if wanted == TIME else wanted
    nulls: pa.Array[Any] = pa.nulls(rows, type_)
    return nulls


def converted(column: pa.Array[Any], wanted: pa.DataType) -> pa.Array[Any]:
    """Return a column in the wanted type; times as int64 ns UTC."""
    if pt.is_null(column.type):
        return null_column(len(column), wanted)
    if wanted != TIME:
        if pt.is_decimal(column.type) and pt.is_float64(wanted):
            exact: pa.Array[Any] = pa.array(real(column, 0.0), mask=~valid(column))
            return exact
        cast: pa.Array[Any] = column if column.type == wanted else pc.cast(column, wanted)
        return cast
    if isinstance(column.type, pa.TimestampType):
        step = NS_PER_UNIT[column.type.unit]
    elif not is_number(column.type):
        raise pa.ArrowTypeError(f"{column.type} is no time")
    else:
        largest = pc.max(column).as_py()
        step = NS_PER_UNIT[epoch_unit(largest or 0)] if largest else 1
    times = nanoseconds(column, step)
    known: pa.Array[Any] = pa.array(times, mask=times <= 0)
    return known


@contextmanager
def converting(path: str, column: str) -> Iterator[None]:
    """Translate the error of a column that holds something else into a DataError of one line."""
    try:
        yield
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".")
        raise DataError(
            f"{path}: column {column} holds values of another kind ({reason}); leave it out with --map NAME=, "
            "an empty name"
        ) from error

"""Arrow columns of any type as plain Python values, times as text.

Python's own times have microseconds only: for nanoseconds, Arrow returns pandas objects if pandas is installed, and
raises an error otherwise. Text is the same everywhere and keeps every digit.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt


def plain_values(column: pa.Array[Any]) -> list[Any]:
    """Return a column's values; times of day, durations and timestamps are text, timestamps with a zone in UTC.

    Examples
    --------
    >>> plain_values(pa.array([1_381_248_000_000_000_001, None]).cast(pa.timestamp("ns", "America/New_York")))
    ['2013-10-08 16:00:00.000000001Z', None]
    """
    type_ = column.type
    if isinstance(type_, pa.TimestampType) and type_.tz is not None:
        moments = pc.cast(column.view(pa.int64()).view(pa.timestamp(type_.unit)), pa.string())
        return [None if moment is None else f"{moment}Z" for moment in moments.to_pylist()]
    values: Any = pc.cast(column, _with_text(type_))
    plain: list[Any] = values.to_pylist()
    return plain


def known_values(column: pa.Array[Any]) -> list[Any]:
    """Return the values of a column that are not null, as ``plain_values``; none of a nested column."""
    return [] if pt.is_nested(column.type) or pt.is_null(column.type) else plain_values(column.drop_null())


def _with_text(type_: pa.DataType) -> pa.DataType:
    """Return a type with text for its time types, at any depth."""
    if pt.is_timestamp(type_) or pt.is_time(type_) or pt.is_duration(type_):
        return pa.string()
    if isinstance(type_, pa.StructType):
        return pa.struct([(field.name, _with_text(field.type)) for field in type_])
    if isinstance(type_, pa.MapType):
        return pa.map_(_with_text(type_.key_type), _with_text(type_.item_type))
    if isinstance(type_, pa.FixedSizeListType):
        return pa.list_(_with_text(type_.value_type), type_.list_size)
    if isinstance(type_, pa.LargeListType):
        return pa.large_list(_with_text(type_.value_type))
    return pa.list_(_with_text(type_.value_type)) if isinstance(type_, pa.ListType) else type_

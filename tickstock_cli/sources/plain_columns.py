"""Columns of any file under names that occur once, and in types that every function of Arrow takes.

Views of strings (DataFusion, streams of polars), run-end encoded columns and extension types (UUID, JSON) hold plain
values that fewer functions take. They become plain ones as soon as they are read; no value changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """Return unique names and plain types for the columns of a schema; the schema itself if nothing changes.

    Files of one schema share the result.
    """
    return _plain_schema(schema, tuple((schema.metadata or {}).items()))


@lru_cache(maxsize=256)
def _plain_schema(schema: pa.Schema, _: tuple[tuple[bytes, bytes], ...]) -> pa.Schema:
    """Return it for a schema and its metadata, which equal schemas can differ in."""
    return _with(schema, unique_names(schema.names))


def plain_types(schema: pa.Schema) -> pa.Schema:
    """Return plain types for the columns of a schema, under its names; the schema itself if nothing changes."""
    return _with(schema, schema.names)


def _with(schema: pa.Schema, names: list[str]) -> pa.Schema:
    types = [_plain_type(field.type) for field in schema]
    if names == schema.names and types == schema.types:
        return schema
    metadata: Any = schema.metadata
    return pa.schema(list(zip(names, types, strict=True)), metadata=metadata)


def plain_rows(rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return rows in the plain schema of theirs.

    Raises
    ------
    pyarrow.ArrowException
        A column cannot be decoded: the rows are damaged.
    """
    if schema is rows.schema or schema.equals(rows.schema):
        return rows
    columns = [_plain(column, field.type) for column, field in zip(rows.columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def unique_names(names: Sequence[str]) -> list[str]:
    """Return names of columns, with a number behind those that occurred before.

    Examples
    --------
    >>> unique_names(["x", "y", "x", "x"])
    ['x', 'y', 'x (2)', 'x (3)']
    """
    taken = set(names)
    seen: set[str] = set()
    unique = []
    for name in names:
        free, number = name, 1
        while free in seen or (number > 1 and free in taken):
            number += 1
            free = f"{name} ({number})"
        seen.add(free)
        unique.append(free)
    return unique


def _plain_type(type_: pa.DataType) -> pa.DataType:
    if isinstance(type_, pa.BaseExtensionType):
        return _plain_type(type_.storage_type)
    if pt.is_run_end_encoded(type_):
        return _plain_type(type_.value_type)
    if isinstance(type_, pa.DictionaryType):
        value_type: Any = _plain_type(type_.value_type)
        return pa.dictionary(type_.index_type, value_type, type_.ordered)
    if pt.is_string_view(type_):
        return pa.string()
    if pt.is_binary_view(type_):
        return pa.binary()
    return _plain_nested(type_) if pt.is_nested(type_) else type_


def _plain_nested(type_: Any) -> pa.DataType:
    if isinstance(type_, pa.StructType):
        return pa.struct([field.with_type(_plain_type(field.type)) for field in type_])
    if isinstance(type_, pa.MapType):
        return pa.map_(_plain_type(type_.key_type), _plain_type(type_.item_type))
    if isinstance(type_, pa.FixedSizeListType):
        return pa.list_(type_.value_field.with_type(_plain_type(type_.value_type)), type_.list_size)
    if pt.is_large_list(type_) or pt.is_large_list_view(type_):
        return pa.large_list(type_.value_field.with_type(_plain_type(type_.value_type)))
    if pt.is_list(type_) or pt.is_list_view(type_):
        return pa.list_(type_.value_field.with_type(_plain_type(type_.value_type)))
    unknown: pa.DataType = type_
    return unknown


def _plain(column: Any, type_: pa.DataType) -> Any:
    if column.type == type_:
        return column
    if isinstance(column.type, pa.BaseExtensionType):
        return _plain(column.storage, type_)
    if pt.is_run_end_encoded(column.type):
        return _plain(pc.call_function("run_end_decode", [column]), type_)
    if isinstance(type_, pa.DictionaryType):
        values = _plain(column.dictionary, type_.value_type)
        return pa.DictionaryArray.from_arrays(column.indices, values, ordered=type_.ordered)
    if pt.is_list_view(column.type) or pt.is_large_list_view(column.type):
        return _listed(column, type_)
    return pc.cast(column, type_)


def _listed(column: Any, type_: Any) -> Any:
    """Return a list view as a list. Arrow's own cast leaves out the last offset."""
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    offsets = np.concatenate([[0], np.cumsum(lengths.to_numpy(zero_copy_only=False))])
    kind: Any = pa.LargeListArray if pt.is_large_list(type_) else pa.ListArray
    starts = pa.array(offsets, pa.int64() if pt.is_large_list(type_) else pa.int32())
    return kind.from_arrays(starts, _plain(column.flatten(), type_.value_type), type=type_, mask=column.is_null())

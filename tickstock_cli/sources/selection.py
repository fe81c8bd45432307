"""Selects rows by the values of columns: `recordings.where`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.errors import UsageError
from tickstock_cli.sources.plain_numbers import Bools, frozen, valid, whole

Where = Mapping[str, tuple[str, ...]]
"""Names of columns -> the values that select a row."""


def theirs_of(where: Where, columns: Mapping[str, str], names: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return a file's columns -> the values that select a row, for the columns that it has.

    Parameters
    ----------
    columns
        Our names -> the file's, of the columns that are read.
    names
        All columns of the file.
    """
    theirs = {columns.get(name, name): wanted for name, wanted in where.items()}
    return {name: wanted for name, wanted in theirs.items() if name in names}


def selects_file(where: Where, names: Collection[str], values: Mapping[str, str | None]) -> bool:
    """Return whether the partitions of a file have the values that select rows.

    Parameters
    ----------
    names
        Columns that are in the file, theirs and ours; their rows are selected one by one.
    values
        Values of its partitions, by their names and ours.
    """
    return all(name in names or name not in values or (values[name] or "") in wanted for name, wanted in where.items())


def check_where(where: Where, known: Sequence[Collection[str]]) -> None:
    """Raise UsageError if no file has a column of ``where``: every row would be read.

    Parameters
    ----------
    known
        Of each file, the names of its columns and partitions, and our names of them.
    """
    there = dict.fromkeys(name for names in known for name in names)
    for name, wanted in where.items():
        if name not in there:
            near = get_close_matches(name, there, n=1)
            hint = f"did you mean {near[0]}={','.join(wanted)}?" if near else f"the columns are {', '.join(there)}"
            raise UsageError(
                f"cannot read the rows where {name}={','.join(wanted)}: no recording has it; {hint}",
                setting=f"recordings.where.{name}",
            )


def selected(rows: pa.RecordBatch, where: Where) -> Bools | None:
    """Return the rows that ``where`` selects; None if it names no column.

    Raises
    ------
    UsageError
        A value is none of its column's type.
    """
    found: Bools | None = None
    for name, wanted in where.items():
        one = _matching(name, rows.column(rows.schema.get_field_index(name)), wanted)
        found = one if found is None else found & one
    return None if found is None else frozen(found)


def _matching(name: str, column: Any, wanted: tuple[str, ...]) -> Bools:
    if pt.is_dictionary(column.type):
        table = np.append(_matching(name, column.dictionary, wanted), "" in wanted)
        found_there: Bools = table[whole(column.indices, -1)]
        return found_there
    if pt.is_binary(column.type) or pt.is_large_binary(column.type) or pt.is_fixed_size_binary(column.type):
        column = column.cast(pa.binary()).cast(pa.string())
    if pt.is_string_view(column.type):
        column = column.cast(pa.string())
    values = [text for text in wanted if text or _is_text(column.type)]
    try:
        wanted_set = pa.array(values, pa.string()).cast(column.type)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise UsageError(
            f"cannot read the rows where {name}={','.join(wanted)}: the column has type {column.type}, "
            "and a value is none of it"
        ) from error
    found = _bools(pc.is_in(column, value_set=wanted_set))
    return found | ~valid(column) if "" in wanted else found & valid(column)


def _is_text(type_: pa.DataType) -> bool:
    return pt.is_string(type_) or pt.is_large_string(type_) or pt.is_string_view(type_)


def _bools(array: Any) -> Bools:
    found: Bools = array.to_numpy(zero_copy_only=False)
    return found

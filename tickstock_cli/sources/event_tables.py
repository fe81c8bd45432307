"""Reads tables of anyone's events: the columns that are asked for, with the types that the file has for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from pyarrow import json as arrow_json

from tickstock_cli.core.files import for_libraries
from tickstock_cli.sources.event_files import reading_events, suffix_of
from tickstock_cli.storage.fetching import local_copy
from tickstock_cli.storage.names import shown_as_path

_LOOKED_AT = 1_000
"""Lines of JSON that are read to learn the type of each column."""


@dataclass(frozen=True, slots=True)
class GivenTable:
    """Events of a file, in its order.

    Parameters
    ----------
    rows
        The columns that were asked for, as far as the file has them. In CSV, all are text.
    names
        All columns of the file; of JSON lines, those of the first lines.
    """

    rows: pl.DataFrame
    names: tuple[str, ...]


def read_event_table(path: Path, numbers: Mapping[str, pa.DataType]) -> GivenTable:
    """Read some columns of a file or an object with events.

    Parameters
    ----------
    numbers
        The columns, and the type of each if it holds numbers; JSON lines do not tell one type of number from another.

    Raises
    ------
    UsageError
        The file name has no known suffix.
    DataError
        The file is missing or unreadable.
    """
    with reading_events(shown_as_path(path)):
        path = local_copy(path)
        suffix = suffix_of(path)
        if suffix == ".parquet":
            with for_libraries(path) as source:
                names = tuple(pl.read_parquet_schema(source))
            wanted = [name for name in numbers if name in names]
            with for_libraries(path) as source:
                rows = pl.read_parquet(source, columns=wanted, hive_partitioning=False, glob=False)
        elif suffix == ".csv":
            with for_libraries(path) as source:
                table = pl.scan_csv(source, infer_schema=False, glob=False)
                names = tuple(table.collect_schema().names())
                rows = table.select(name for name in numbers if name in names).collect()
        else:
            rows, names = _read_lines(path, numbers)
    return GivenTable(rows, names)


def _read_lines(path: Path, numbers: Mapping[str, pa.DataType]) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read JSON lines. A file without a line says of no column that it lacks it: it has all of them."""
    found = _first_values(path)
    if not found:
        return pl.DataFrame(schema=dict.fromkeys(numbers, pl.String)), tuple(numbers)
    schema = pa.schema([(name, _type_of(found[name], number)) for name, number in numbers.items() if name in found])
    options = arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore")
    with for_libraries(path) as source:
        return pl.DataFrame(arrow_json.read_json(source, parse_options=options)), tuple(found)


def _first_values(path: Path) -> dict[str, Any]:
    """Return the first value of each column in the first lines; None if there is none. What is no JSON ends it."""
    found: dict[str, Any] = {}
    with path.open("rb") as file:
        for line in islice(file, _LOOKED_AT):
            try:
                row = json.loads(line) if line.strip() else {}
            except ValueError:
                row = {"": line}  # the reader finds out, and says what is wrong with it
            for name, value in row.items() if isinstance(row, dict) else ():
                if found.get(name) is None:
                    found[name] = value
    return found


def _type_of(value: Any, number: pa.DataType) -> pa.DataType:
    if isinstance(value, bool):
        return pa.bool_()
    # Text stays text: the reader would take some of it for times, and others of the same column not.
    return number if isinstance(value, int | float) else pa.string()

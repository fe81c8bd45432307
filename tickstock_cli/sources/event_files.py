"""Reads event files as our sinks write them: Parquet, JSON lines, CSV."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import json

from tickstock_cli.core.declarations import DetectorDeclaration, declarations_of
from tickstock_cli.core.events import EVENT_SCHEMA, PROVENANCE_COLUMNS
from tickstock_cli.core.files import for_libraries
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.errors import DataError, SchemaError, UsageError
from tickstock_cli.storage.fetching import local_copy
from tickstock_cli.storage.names import shown_as_path

_EMPTY = pl.DataFrame(EVENT_SCHEMA.empty_table())
SCHEMA = dict(_EMPTY.schema)
"""Column -> type of every event file."""
REQUIRED = [field.name for field in EVENT_SCHEMA if not field.nullable]
SUFFIXES = (".parquet", ".jsonl", ".csv")
_OPTIONAL = pa.schema([field.with_nullable(True) for field in EVENT_SCHEMA])
"""All columns nullable: missing values in JSON are reported here, with the column's name."""


def read_events(path: Path, columns: Iterable[str] | None = None) -> pl.DataFrame:
    """Return all events of a file or an object, in order, with the types of every event file; times are int64 ns UTC.

    Parameters
    ----------
    columns
        The columns to read, of ``SCHEMA``; the file can lack others. None: all of ``SCHEMA``, then the other columns of
        the kinds of the file's events that hold a value.

    Raises
    ------
    UsageError
        The file name has no known suffix.
    DataError
        The file is missing or unreadable.
    SchemaError
        The file has no events: a column is missing, has another type, or is empty where every event has a value.
    """
    wanted = list(SCHEMA if columns is None else columns)
    path = shown_as_path(path)
    with reading_events(path):
        events = _read(local_copy(path))
        missing = [name for name in wanted if name not in events.columns]
        if missing:
            raise SchemaError(
                f"{path} is not a file of events: it has no column {missing[0]}; it has {', '.join(events.columns)}"
            )
        own = [pl.col(name) for name in _own_columns(events)] if columns is None else []
        events = events.select(*(_as_stored(events, name) for name in wanted), *own)
    for name in [name for name in REQUIRED if name in wanted]:
        if events[name].null_count():
            row = int(events[name].is_null().arg_max() or 0)
            raise SchemaError(f"{path} is not a file of events: {name} is empty in row {row}")
    return events


def read_declarations(path: Path) -> tuple[DetectorDeclaration, ...]:
    """Return what the detectors of a file's run declare; only Parquet files of this version and later hold it.

    A file that cannot be read declares nothing: ``read_events`` raises what is wrong with it.

    Raises
    ------
    DataError
        The declarations in the file are damaged.
    """
    path = shown_as_path(path)
    try:
        if path.suffix.lower() != ".parquet":
            return ()
        with for_libraries(local_copy(path)) as source:
            schema = pq.read_schema(source)
    except (OSError, pa.ArrowException):
        return ()
    try:
        return declarations_of(schema)
    except ValueError as error:
        raise DataError(f"cannot read {path}: what it declares of its detectors is damaged; is it whole?") from error


def _own_columns(events: pl.DataFrame) -> list[str]:
    """Return the columns of kinds, which are numbers; without a value a text format does not tell their type."""
    others = [name for name in events.columns if name not in SCHEMA and name not in PROVENANCE_COLUMNS]
    return [name for name in others if events.schema[name].is_numeric() and events[name].count()]


def _as_stored(events: pl.DataFrame, name: str) -> pl.Expr:
    """Return a column with its type of every event file; datetime columns become ns again."""
    if isinstance(events.schema[name], pl.Datetime):
        return pl.col(name).dt.epoch("ns")
    return pl.col(name).cast(SCHEMA[name])


@contextmanager
def reading_events(path: Path) -> Iterator[None]:
    """Raise a DataError, with what to do, for every error of the libraries that read a file of events."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; name a file that tickstock replay --out wrote") from error
    except OSError as error:
        raise_if_short(error)
        raise DataError(f"cannot read {path}: {(error.strerror or _first_line(error)).lower()}") from error
    except (pl.exceptions.PolarsError, pa.ArrowException) as error:
        raise_if_short(error)
        raise DataError(f"cannot read {path} as events: {_first_line(error)}; is it whole?") from error


def suffix_of(path: Path) -> str:
    """Return which of ``SUFFIXES`` the name of an existing file ends in.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    UsageError
        The file name has no known suffix.
    DataError
        It is a folder.
    """
    if not os.path.exists(path):  # false, too, for a name that is too long for the disk
        raise FileNotFoundError(path)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"unknown format of {path}: name a file that ends in {', '.join(SUFFIXES)}")
    if path.is_dir():
        raise DataError(f"cannot read {path}: it is a folder; name a file of events")
    return suffix


def _read(path: Path) -> pl.DataFrame:
    suffix = suffix_of(path)
    if suffix == ".parquet":
        with for_libraries(path) as source:
            return pl.read_parquet(source, hive_partitioning=False, glob=False)
    if suffix == ".csv":
        with for_libraries(path) as source:
            return pl.read_csv(source, schema_overrides=SCHEMA, glob=False)
    if not path.stat().st_size:
        return _EMPTY
    # Not with polars: its reader of JSON lines has no unsigned 64-bit integers.
    options = json.ParseOptions(explicit_schema=_OPTIONAL, unexpected_field_behavior="infer")
    with for_libraries(path) as source:
        return pl.DataFrame(json.read_json(source, parse_options=options))


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]

"""Reads the tables that scoring compares: events of a replay, and the truth of a synthetic market."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from tickstock_cli.core.files import for_libraries
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.errors import DataError, SchemaError
from tickstock_cli.sources import event_files
from tickstock_cli.storage.fetching import local_copy
from tickstock_cli.storage.names import is_object, shown_as_path

TRUTH_NAME = "_truth.parquet"

_MATCH_COLUMNS = {"kind": pl.String, "ticker": pl.String, "direction": pl.Int64}
_EVENT_COLUMNS = {**_MATCH_COLUMNS, "timestamp": pl.Int64, "emitted_at": pl.Int64}
_TRUTH_COLUMNS = {**_MATCH_COLUMNS, "start": pl.Int64, "end": pl.Int64}


def read_events(events: pl.DataFrame | str | Path) -> pl.DataFrame:
    """Return kind, ticker, direction, timestamp and emitted_at (int64 ns UTC) of events.

    Parameters
    ----------
    events
        A table, or a Parquet, JSON lines or CSV file that a replay wrote.

    Raises
    ------
    UsageError
        The file name has no known suffix.
    DataError
        The file is missing or cannot be read.
    SchemaError
        A column is missing or of the wrong type.
    """
    if not isinstance(events, pl.DataFrame):
        events = event_files.read_events(Path(events), _EVENT_COLUMNS)
    return _fit(events, "the table", _EVENT_COLUMNS)


def read_truth(truth: pl.DataFrame | str | Path) -> pl.DataFrame:
    """Return kind, ticker, direction, start and end (int64 ns UTC) of injected moves.

    ``truth`` is a table, its file, or the folder of the market. Raises as ``read_events`` does.
    """
    if isinstance(truth, pl.DataFrame):
        return _fit(truth, "the table", _TRUTH_COLUMNS)
    path = truth_path(truth)
    return _fit(_read(path), str(path), _TRUTH_COLUMNS)


def truth_path(truth: str | Path) -> Path:
    """Return the file of a truth that is named by its file, or by the folder of its market."""
    path = shown_as_path(truth)
    is_folder = not path.suffix if is_object(path) else path.is_dir()
    return path / TRUTH_NAME if is_folder else path


def _fit(table: pl.DataFrame, name: str, columns: Mapping[str, type[pl.DataType]]) -> pl.DataFrame:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise SchemaError(f"{name} has no column {missing[0]}; it has {', '.join(table.columns)}")
    try:
        return table.select(_as_type(table, column, dtype) for column, dtype in columns.items())
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{name} cannot be read as {', '.join(columns)}: {_first_line(error)}") from error


def _as_type(table: pl.DataFrame, column: str, dtype: type[pl.DataType]) -> pl.Expr:
    if isinstance(table.schema[column], pl.Datetime):
        return pl.col(column).dt.epoch("ns")
    return pl.col(column).cast(dtype)


def _read(path: Path) -> pl.DataFrame:
    try:
        with for_libraries(local_copy(path)) as source:
            return pl.read_parquet(source, hive_partitioning=False, glob=False)
    except FileNotFoundError as error:
        raise DataError(f"{path} does not exist; name the truth of a market, or its folder") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        raise_if_short(error)
        raise DataError(f"cannot read {path}: {_first_line(error)}; is it whole, and Parquet?") from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]

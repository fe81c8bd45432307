"""Tables of a data lake: which of the files in their folder count is written in their log.

A Delta table is read through its log, with the extra ``tickstock[lake]``. Iceberg and Hudi are refused.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from tickstock_cli.errors import DataError

Table = tuple[str, str]
"""Folder and kind of a table."""

_DELTA, _ICEBERG, _HUDI = "Delta", "Iceberg", "Hudi"
_MAPPING = "delta.columnMapping.mode"
_UNREADABLE = {"deletionVectors": "deletion vectors", "columnMapping": "renamed columns"}


def files_that_count(files: Sequence[str]) -> list[str]:
    """Return the files without those that are not part of the table in whose folder they are.

    Raises
    ------
    DataError
        A table cannot be read, or lists a file that is missing.
    """
    tables: dict[Path, Table | None] = {}
    listed: dict[Table, frozenset[str]] = {}
    kept = []
    table_of_folder = cache(lambda folder: _table_of(Path(os.path.abspath(folder)), tables))
    for file in files:
        table = table_of_folder(os.path.dirname(file))
        if table is not None and table not in listed:
            listed[table] = _files_of(*table)
        if table is None or os.path.realpath(file) in listed[table]:
            kept.append(file)
    return kept


def _table_of(folder: Path, known: dict[Path, Table | None]) -> Table | None:
    """Return the table that a folder is part of; ``known`` keeps what was found of it and of its parents."""
    if folder not in known:
        kind = _kind_of(folder)
        if kind is not None:
            known[folder] = str(folder), kind
        else:
            known[folder] = None if folder.parent == folder else _table_of(folder.parent, known)
    return known[folder]


def _kind_of(folder: Path) -> str | None:
    """Return the kind of table whose root a folder is."""
    if (folder / "_delta_log").is_dir():
        return _DELTA
    if (folder / ".hoodie").is_dir():
        return _HUDI
    metadata = folder / "metadata"
    return _ICEBERG if metadata.is_dir() and any(metadata.glob("*.metadata.json")) else None


def _files_of(folder: str, kind: str) -> frozenset[str]:
    if kind != _DELTA:
        raise DataError(
            f"{folder} is a table of {kind}, and its metadata say which of its files count: name the files of one "
            "state yourself, or export it to Parquet"
        )
    try:
        deltalake: Any = import_module("deltalake")
    except ImportError as error:
        raise DataError(
            f"{folder} is a Delta table, and its log says which of its files count: install tickstock[lake], or name "
            "the files"
        ) from error
    try:
        table = deltalake.DeltaTable(folder)
        features = set(table.protocol().reader_features or ())
        if (table.metadata().configuration or {}).get(_MAPPING, "none") != "none":
            features.add("columnMapping")  # of older tables, which list no features
        files = frozenset(os.path.realpath(path) for path in _paths(table.file_uris()))
    except Exception as error:  # deltalake raises errors of many kinds
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise DataError(f"cannot read the Delta table {folder}: {reason}") from error
    if hidden := [name for feature, name in _UNREADABLE.items() if feature in features]:
        raise DataError(f"{folder} is a Delta table with {' and '.join(hidden)}, which is not read: rewrite it without")
    for file in sorted(files):
        if not os.path.isfile(file):
            raise DataError(f"{file} is missing, but the Delta table {folder} lists it: restore it")
    return files


def _paths(uris: Sequence[str]) -> Iterator[str]:
    """Yield paths of files; in those without a scheme blanks and others can be escaped, too."""
    for uri in uris:
        if uri.startswith("file:"):
            yield unquote(urlsplit(uri).path)
        else:
            yield uri if os.path.isfile(uri) else unquote(uri)

"""From what a user names (files, folders, globs, Hive-partitioned trees) to Parquet files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob, has_magic
from pathlib import Path
from urllib.parse import unquote

from tickstock_cli.errors import DataError

SUFFIX = ".parquet"
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read, and what the names of its folders (``column=value``) say of all its rows."""

    path: str
    partitions: dict[str, str | None]


def discover(paths: Sequence[str | Path]) -> list[FoundFile]:
    """Find the files that ``paths`` name, in the order given; folders and globs expand sorted by path.

    Parameters
    ----------
    paths
        Files (of any name), folders (every ``*.parquet`` below, but for names that begin with ``.`` or ``_``),
        or globs (``**`` crosses folders; a folder that matches is expanded).

    Raises
    ------
    DataError
        A path leads to nothing, or to the same file as another one: its rows would be read twice.
    """
    found: list[FoundFile] = []
    named: dict[str, str] = {}
    for path in map(str, paths):
        for file in _expand(path):
            real = os.path.realpath(file)
            if real in named:
                raise DataError(f"{file} is named twice, by {named[real]} and by {path}: name it once")
            named[real] = path
            found.append(FoundFile(file, hive_partitions(file)))
    return found


def _expand(path: str) -> list[str]:
    if os.path.isdir(path):
        return _files_below(path)
    if os.path.exists(path):
        return [path]
    if not has_magic(path):
        raise DataError(f"no such file or folder: {path}")
    matches = sorted(glob(path, recursive=True))
    files = dict.fromkeys(file for match in matches for file in (_below(match) if os.path.isdir(match) else [match]))
    if not files:
        raise DataError(f"no recording matches {path}")
    return sorted(files)


def _files_below(folder: str) -> list[str]:
    files = sorted(_below(folder))
    if not files:
        raise DataError(f"no recordings in {folder}: no file below it is named *{SUFFIX}")
    return files


def _below(folder: str) -> Iterator[str]:
    def fail(error: OSError) -> None:
        raise DataError(f"cannot look into {error.filename}: {error.strerror}") from error

    for parent, folders, names in os.walk(folder, onerror=fail, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith((".", "_"))]
        for name in names:
            if name.lower().endswith(SUFFIX) and not name.startswith((".", "_")):
                yield os.path.join(parent, name)


def hive_partitions(path: str) -> dict[str, str | None]:
    """Read the ``column=value`` folders of a path; the innermost wins, the null partition is None.

    Examples
    --------
    >>> hive_partitions("ticks/date=2013-10-08/ticker=BRK%2FB/part-0.parquet")
    {'date': '2013-10-08', 'ticker': 'BRK/B'}
    """
    partitions: dict[str, str | None] = {}
    for folder in Path(path).parts[:-1]:
        column, equals, value = folder.partition("=")
        if equals and column:
            partitions[unquote(column)] = None if value == HIVE_NULL else unquote(value)
    return partitions

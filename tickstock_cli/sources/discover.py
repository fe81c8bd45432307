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
    """A file to read, and what the names of its folders (``column=value``) say of all its rows.

    ``named`` tells a file that was named itself from one that a folder or glob led to.
    """

    path: str
    partitions: dict[str, str | None]
    named: bool = True


def discover(paths: Sequence[str | Path]) -> list[FoundFile]:
    """Find the files that ``paths`` name, in the order given; folders and globs expand sorted by path.

    Parameters
    ----------
    paths
        Files (of any name), folders (every ``*.parquet`` below, but for names that begin with ``.`` or ``_``),
        or globs (``**`` crosses folders; a folder that matches is expanded). What folders and globs lead to is left
        out where it is no regular file: reading a pipe would wait for a writer.

    Raises
    ------
    DataError
        A path leads to nothing, to no regular file, or to the same file as another one: its rows would be read twice.
    """
    found: list[FoundFile] = []
    named: dict[str, tuple[str, str]] = {}
    for path in map(str, paths):
        for file in _expand(path):
            real = os.path.realpath(file)
            if real in named:
                raise DataError(_twice(file, path, *named[real]))
            named[real] = file, path
            found.append(FoundFile(file, hive_partitions(file), file == path))
    return found


def _twice(file: str, path: str, other: str, other_path: str) -> str:
    if path == other_path:
        return f"{file} and {other} are the same file: name the files to be read one by one, or remove the link"
    return f"{file} is named twice, by {other_path} and by {path}: name it once"


def _expand(path: str) -> list[str]:
    if os.path.isdir(path):
        return _files_below(path)
    if os.path.isfile(path):
        return [path]
    if os.path.exists(path):
        raise DataError(f"cannot read {path}: it is a pipe or a device; name a file")
    if not has_magic(path):
        raise DataError(f"no such file or folder: {path}")
    matches = sorted(match for match in glob(path, recursive=True) if not _is_special(match))
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
        folders[:] = [name for name in folders if not (name.startswith((".", "_")) or _leads_back(parent, name))]
        for name in names:
            path = os.path.join(parent, name)
            if name.lower().endswith(SUFFIX) and not name.startswith((".", "_")) and not _is_special(path):
                yield path


def _is_special(path: str) -> bool:
    """Tell pipes, sockets and devices from files, folders, and links that lead nowhere."""
    return os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))


def _leads_back(parent: str, name: str) -> bool:
    """Return whether a folder is a link to one that it stands in: all that is there is found already."""
    path = os.path.join(parent, name)
    if not os.path.islink(path):
        return False
    inside, real = os.path.realpath(parent), os.path.realpath(path)
    return os.path.commonpath([inside, real]) == real


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

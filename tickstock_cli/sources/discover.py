"""Finds the Parquet files of files, folders, globs and Hive-partitioned trees, on the disk and in object stores."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from glob import glob, has_magic
from pathlib import Path
from urllib.parse import unquote

from tickstock_cli.core.hour_files import EVENTS, hour_file, is_recorded_folder
from tickstock_cli.errors import DataError
from tickstock_cli.sources.folder_walk import files_below, is_special
from tickstock_cli.sources.lake import files_that_count
from tickstock_cli.sources.object_tables import check_no_table
from tickstock_cli.sources.path_hints import missing_path, path_hint
from tickstock_cli.sources.unread import unread_files
from tickstock_cli.storage.listing import StoredObject, objects_at
from tickstock_cli.storage.names import is_object, object_name

SUFFIXES = (".parquet", ".pq", ".parq", ".parquet.gzip", ".parquet.snappy")
"""Endings of Parquet files; the last two are pandas', which compresses within the file."""
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file to read, and the values of its partition folders (``column=value``).

    ``named`` is true for a file that was named itself, false for one found through a folder or glob. ``copy`` is the
    Parquet file to read instead of a journal or an object. ``stored`` is the object that a path names. ``links`` are
    the other paths that lead to the file, found through the same folder or glob.
    """

    path: str
    partitions: dict[str, str | None]
    named: bool = True
    copy: str | None = None
    stored: StoredObject | None = None
    links: tuple[str, ...] = ()

    @property
    def read_from(self) -> str:
        """The Parquet file with the rows."""
        return self.copy or self.path


def discover(paths: Sequence[str | Path], others: list[str] | None = None) -> list[FoundFile]:
    """Return the files of ``paths``, in the given order; folders and globs expand sorted by path.

    Parameters
    ----------
    paths
        Files (of any name), folders (every Parquet file below, by its ending, but for names that begin with ``.`` or
        ``_``), or globs (``**`` crosses folders; a matching folder is expanded). Folders and globs skip everything that
        is not a regular file: reading a pipe would wait for a writer. Of a folder of recorded live runs the journals of
        unfinished hours are read, too, and its events are not. ``s3://bucket/…`` and ``gs://bucket/…`` are found by the
        same rules, without journals.
    others
        Gets the paths of files in folders that are not read, without hidden ones.

    Raises
    ------
    DataError
        A path has no file, is not a regular file, or leads to the same file as another one: its rows would count twice.
    """
    others = [] if others is None else others
    found: dict[Hashable, FoundFile] = {}
    real_folder = cache(os.path.realpath)
    named: dict[Hashable, tuple[str, str]] = {}
    """Real folder and name of files, or names of objects -> the file and the path that named it."""
    for path in map(str, paths):
        if is_object(path):
            found |= {one.path: one for one in _found_objects(path, named, others)}
            continue
        for file in _expand(path, others):
            folder, name = os.path.split(file)
            if os.path.islink(file):
                folder, name = os.path.split(os.path.realpath(file))
            real = real_folder(folder), name
            one = FoundFile(file, hive_partitions(file), file == path)
            other = found.get(real)
            if other is not None:
                if named[real][1] != path or one.partitions != other.partitions:
                    raise DataError(_twice(file, path, *named[real]))
                del found[real]
                is_real = os.path.abspath(file) == os.path.join(*real)
                one, link = (one, other) if is_real else (other, one)
                one = replace(one, links=(*other.links, link.path))
            named[real] = one.path, path
            found[real] = one
    return list(found.values())


def _found_objects(path: str, named: dict[Hashable, tuple[str, str]], others: list[str]) -> Iterator[FoundFile]:
    seen: set[str] = set()
    beside: list[str] = []
    try:
        stored = objects_at(path, SUFFIXES, seen, beside)
    except DataError as error:
        raise DataError(f"{error}{_advice(beside)}") from error
    others += beside
    check_no_table(path, seen)
    for one in stored:
        file = str(one.name)
        if file in named:
            raise DataError(_twice(file, path, *named[file]))
        named[file] = file, path
        yield FoundFile(file, hive_partitions(file), len(stored) == 1 and file == str(object_name(path)), stored=one)


def _twice(file: str, path: str, other: str, other_path: str) -> str:
    if path == other_path:
        return (
            f"{file} and {other} are the same file, but the names of their folders say that its rows differ: remove "
            "the link, or name the files to be read one by one"
        )
    return f"{file} is named twice, by {other_path} and by {path}: name it once"


def _expand(path: str, others: list[str]) -> list[str]:
    if os.path.isdir(path):
        return _files_below(path, others)
    if os.path.isfile(path):
        return [path]
    if os.path.exists(path):
        raise DataError(f"cannot read {path}: it is a pipe or a device, not a file")
    if not has_magic(path):
        raise missing_path(path)
    matches = sorted(match for match in glob(path, recursive=True) if not is_special(match))
    files = dict.fromkeys(
        file for match in matches for file in (_below(match, others) if os.path.isdir(match) else [match])
    )
    if not files:
        hint = path_hint(path)
        raise DataError(f"no recording matches {path}{f'; {hint}' if hint else ''}")
    return files_that_count(sorted(files))


def _files_below(folder: str, others: list[str]) -> list[str]:
    beside: list[str] = []
    files = files_that_count(sorted(_below(folder, beside)))
    if not files:
        why = f"no file below it is named *{SUFFIXES[0]}{_advice(beside)}"
        if is_recorded_folder(Path(folder)):
            why = "no row has been recorded yet"
        raise DataError(f"no recordings in {folder}: {why}")
    others += beside
    return files


def _advice(others: Sequence[str]) -> str:
    """Return what reads the other files of a place without recordings, as the end of a message."""
    return "".join(f"; {advice}" for advice in dict.fromkeys(files.advice for files in unread_files(others)))


def _below(folder: str, others: list[str]) -> Iterator[str]:
    for path in files_below(folder):
        if _is_wanted(path):
            yield path
        else:
            others.append(path)


def is_journal(path: str) -> bool:
    """Return whether a path is named like the journal of recorded rows."""
    hour = hour_file(Path(path)) if path.endswith(".journal") else None
    return hour is not None and hour.type != EVENTS


def _is_wanted(path: str) -> bool:
    """Return whether a file below a folder is read."""
    if not path.lower().endswith(SUFFIXES):
        return is_journal(path)
    if not os.path.basename(path).startswith(EVENTS):
        return True
    hour = hour_file(Path(path))
    return hour is None or hour.type != EVENTS or not is_recorded_folder(hour.folder.parent)


def hive_partitions(path: str) -> dict[str, str | None]:
    """Read the ``column=value`` folders of a path; the innermost wins, the null partition is None.

    Examples
    --------
    >>> hive_partitions("ticks/date=2013-10-08/ticker=BRK%2FB/part-0.parquet")
    {'date': '2013-10-08', 'ticker': 'BRK/B'}
    """
    partitions: dict[str, str | None] = {}
    if "=" not in path:
        return partitions
    for folder in Path(path).parts[:-1]:
        column, equals, value = folder.partition("=")
        if equals and column:
            partitions[unquote(column)] = None if value == HIVE_NULL else unquote(value)
    return partitions

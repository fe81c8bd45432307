"""Tells which files in the folders of recordings look like data and are not read, and what reads them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from tickstock_cli.core.counted import counted
from tickstock_cli.sources.footer import IMPORT_ADVICE, TEXT_SUFFIXES
from tickstock_cli.storage.names import is_object

_PACKED = (".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip", ".7z")
_UNFINISHED = (".tmp", ".temp", ".part", ".crdownload", ".download", ".inprogress", ".filepart")
_PARQUET = (".parquet", ".pq", ".parq")
_TABLES = (
    *(".json", ".jsonl", ".ndjson", ".orc", ".avro", ".h5", ".hdf5", ".hdf", ".npy", ".npz", ".pkl", ".pickle"),
    *(".xls", ".xlsx", ".ods", ".dbn", ".dat", ".bin", ".db", ".sqlite", ".duckdb", ".dta", ".rds", ".mat", ".tgz"),
    *(".tar", ".7z", ".rar", ".gz", ".zst", ".bz2", ".xz"),
)
_STREAMS = (".arrow", ".arrows", ".feather", ".ipc")
_ADVICE = {
    **{
        f"{name}{packed}": "no command reads such files: write their rows to Parquet, or to CSV for tickstock import"
        for name in _TABLES
        for packed in ("", *_PACKED)
    },
    **dict.fromkeys(_STREAMS, "arrow:FILE reads those that are Arrow streams: write others to Parquet"),
    **dict.fromkeys(TEXT_SUFFIXES, IMPORT_ADVICE),
    **{
        f"{name}{end}": "a Parquet file is read once it is whole, is not packed, and ends in .parquet"
        for name in _PARQUET
        for end in (*_PACKED, *_UNFINISHED)
    },
    "": "a Parquet file is read when it ends in .parquet or is named itself, and tickstock import reads a named text",
}
"""Ends of names, in lower case, of files that can hold rows -> what reads them."""
_NO_DATA = frozenset(
    (
        *("readme", "license", "licence", "copying", "notice", "notes", "changelog", "changes", "authors", "version"),
        *("makefile", "dockerfile", "requirements", "metadata", "manifest", "schema", "config", "symbology"),
        *("checksums", "md5sums", "sha1sums", "sha256sums", "sha512sums"),
    )
)
"""Names, without their ends, of files that say something about data."""
_OWN = frozenset(
    (
        *("manifest.jsonl", "run.json", "state.npz", "gaps.jsonl", "wire-errors.jsonl", "result.json"),
        *("checkpoint.json", "log.json", "perf.json"),
    )
)
"""Names of files that tickstock writes beside its outputs."""
_MANIFEST = "manifest.jsonl"
_HEAD_BYTES = 4 << 10
_MOST_LOOKED_INTO = 1_000
"""So many files are looked into, so that a folder of a million is not read; others are told by their names."""


@dataclass(frozen=True, slots=True)
class UnreadFiles:
    """Files of one ending, at least one, that look like data and are not read.

    Parameters
    ----------
    ending
        In lower case, such as ``.csv.gz``; empty for files without one.
    first
        Path of the first of them.
    advice
        What reads them.
    """

    ending: str
    count: int
    first: str
    advice: str

    def as_dict(self) -> dict[str, object]:
        """Return the object of ``--json``."""
        return {"ending": self.ending, "files": self.count, "first": self.first, "advice": self.advice}


def unread_files(others: Sequence[str]) -> tuple[UnreadFiles, ...]:
    """Return those that look like data of files that are not read, by ending.

    Parameters
    ----------
    others
        Paths of files, without hidden ones. Empty files, what describes data, what tickstock wrote and what an import
        in the same folders has read are no data.
    """
    found: dict[str, list[str]] = {}
    for path in _once(others):
        ending = _ending(os.path.basename(path).lower())
        if ending is not None:
            found.setdefault(ending, []).append(path)
    if not found:
        return ()
    imported = set(_imported(others))
    looks = iter(range(_MOST_LOOKED_INTO))
    told = {
        ending: [
            path
            for path in sorted(paths)
            if os.path.abspath(path) not in imported and (next(looks, None) is None or _holds_rows(path, ending))
        ]
        for ending, paths in sorted(found.items())
    }
    return tuple(UnreadFiles(ending, len(paths), paths[0], _ADVICE[ending]) for ending, paths in told.items() if paths)


def unread_notes(files: Sequence[UnreadFiles]) -> list[str]:
    """Return the notes for files that are not read: one for all that the same advice is for."""
    notes = []
    for advice in dict.fromkeys(one.advice for one in files):
        some = [one for one in files if one.advice == advice]
        first = min(one.first for one in some)
        if sum(one.count for one in some) == 1:
            notes.append(f"{first} is not read; {advice}")
        else:
            notes.append(f"{_listed([_counted(one) for one in some])} are not read, first {first}; {advice}")
    return notes


def _counted(files: UnreadFiles) -> str:
    if files.ending:
        return counted(files.count, f"{files.ending} file")
    return f"{counted(files.count, 'file')} without an ending"


def _listed(texts: Sequence[str]) -> str:
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}"


def _once(paths: Sequence[str]) -> Iterator[str]:
    """Yield the first of all paths that lead to one file through links to folders."""
    real_folder = cache(os.path.realpath)
    seen = set()
    for path in paths:
        folder, name = os.path.split(path)
        place = (folder if is_object(path) else real_folder(folder)), name
        if place not in seen:
            seen.add(place)
            yield path


def _ending(name: str) -> str | None:
    """Return the end of a name in lower case that says what a file holds; None for one that is no data."""
    parts = name.split(".")
    if parts[0] in _NO_DATA or name in _OWN:
        return None
    if len(parts) == 1 or parts[-1].isdigit():
        return ""
    known = (f".{'.'.join(parts[-length:])}" for length in (2, 1) if length < len(parts))
    return next((ending for ending in known if ending in _ADVICE), None)


def _imported(others: Sequence[str]) -> Iterator[str]:
    """Yield the files that imports have read, by the manifests of their folders."""
    for path in others:
        if os.path.basename(path) == _MANIFEST and not is_object(path):
            with suppress(OSError, ValueError), open(path, encoding="utf-8") as lines:
                for line in map(json.loads, lines):
                    yield from (os.path.abspath(line[name]) for name in ("source", "path") if name in line)


def _holds_rows(path: str, ending: str) -> bool:
    """Return whether a file can hold rows of a market, by its first bytes; true for what is not looked into."""
    if is_object(path):
        return True
    if not os.path.isfile(path):  # opening a pipe would wait for a writer
        return False
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return True
    if ending in (".csv", ".jsonl") and b'"event_id"' in head and b'"emitted_at"' in head:
        return False
    return _is_table(head) if ending == ".txt" else bool(head)


def _is_table(head: bytes) -> bool:
    """Return whether two lines below each other have the same number of fields, and digits."""
    lines = [line for line in head.splitlines() if line.strip()]
    return any(
        any(1 < one.count(mark) == other.count(mark) for mark in (b",", b";", b"\t", b"|"))
        and any(48 <= byte <= 57 for byte in other)
        for one, other in pairwise(lines)
    )

"""Tells which sources of an import are other ones again: copies of a file, or files of the same name.

Their rows would count twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

from tickstock_cli.errors import DataError, SourceFileError
from tickstock_cli.importing.folder import ImportedFile
from tickstock_cli.importing.format import ImportSource
from tickstock_cli.importing.results import HELD_BACK, SKIPPED, WRONG, SourceResult
from tickstock_cli.importing.source_content import digest_of, size_of
from tickstock_cli.storage.names import is_object


def originals(sources: Sequence[ImportSource]) -> dict[Path, ImportSource]:
    """Return path -> the first source like it, of the sources that have the key or the bytes of an earlier one.

    Bytes count where they alone say the rows; those of objects are not read for it.
    """
    sizes = {source.path: _compared_size(source) for source in sources}
    shared = {size for size, count in Counter(sizes.values()).items() if size and count > 1}
    found: dict[Path, ImportSource] = {}
    named: dict[str, ImportSource] = {}
    written: dict[str, ImportSource] = {}
    for source in sources:
        first = named.setdefault(source.key, source)
        if first is source and sizes[source.path] in shared:
            digest = _digest(source)
            first = written.setdefault(digest, source) if digest is not None else source
        if first is not source:
            found[source.path] = first
    return found


def with_known_keys(sources: Sequence[ImportSource], entries: Collection[ImportedFile]) -> list[ImportSource]:
    """Return sources with the keys under which their bytes were imported, where bytes alone say their rows.

    A file that was moved or renamed is still the same; one that another source of the import is named like is not.
    """
    keys = {source.key for source in sources}
    by_size: dict[int, list[ImportedFile]] = {}
    for entry in entries:
        by_size.setdefault(entry.size, []).append(entry)
    known = {entry.source for entry in entries}
    made = []
    for source in sources:
        size = 0 if source.key in known else _compared_size(source)
        alike = [entry for entry in by_size.get(size, ()) if entry.source not in keys] if size else []
        digest = _digest(source) if alike else None
        key = next((entry.source for entry in alike if entry.sha256 == digest), source.key)
        made.append(replace(source, key=key))
    return made


def result_of_copy(source: ImportSource, first: SourceResult) -> SourceResult:
    """Return the result of a source that has the key or the bytes of another one, by what became of that one."""
    other = first.source.path
    if first.error is not None:
        text, state = f"is not imported, because {other}, which has the same name or bytes, failed", HELD_BACK
    elif _digest(source) == (first.entry.sha256 if first.entry is not None else _digest(first.source)):
        return SourceResult(source, SKIPPED, first.entry, copy_of=other)
    else:
        text, state = f"has the name of {other}, but other bytes: name one of them", WRONG
    return SourceResult(source, state, None, SourceFileError(f"{source.path}: {text}", state))


def _compared_size(source: ImportSource) -> int:
    """Return the size of a file whose bytes alone say its rows; 0 of others."""
    return size_of(source.path) if source.is_told_by_bytes and not is_object(source.path) else 0


def _digest(source: ImportSource) -> str | None:
    try:
        return digest_of(source.path)
    except (OSError, DataError):
        return None  # reading it says why

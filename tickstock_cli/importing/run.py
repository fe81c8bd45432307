"""Runs an import: source files of a format become files of dates in a folder.

1. Every source is held against the manifest: imported already, replaced since, or new.
2. The new ones of a group are read, one after another: decompress, parse, sort, each in a thread of its own.
3. The sorted rows are written, a file a date, and the group is committed: all of it or nothing.

A group that fails leaves no trace, and the next one is imported all the same.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from tickstock_cli.core.times import format_time
from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.errors import DataError, LedgerError, SourceFileError
from tickstock_cli.importing.copies import originals, result_of_copy, with_known_keys
from tickstock_cli.importing.day_files import write_days
from tickstock_cli.importing.external_sort import RUN_BYTES, ExternalSort
from tickstock_cli.importing.folder import ImportedFile, ImportFolder
from tickstock_cli.importing.format import ImportChunk, ImportFormat, ImportSource
from tickstock_cli.importing.import_rows import NO_TIME, Days, Tickers, sortable
from tickstock_cli.importing.results import (
    IMPORTED,
    NEW,
    REIMPORTED,
    REPLACED,
    SKIPPED,
    WRONG,
    SourceResult,
    failed,
)
from tickstock_cli.importing.source_content import BLOCK_BYTES, SourceContent, digest_of, version_of
from tickstock_cli.importing.tables import filled

AHEAD = 2
"""Blocks and chunks that wait for the next thread."""


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """What to import, and where to.

    Parameters
    ----------
    name
        Name of the format, for the manifest.
    sources
        Its files, in order: files of one group stand together.
    folder
        The folder of imports; it is created.
    replace
        Whether files that were replaced since their import, or imported with other options, are imported anew, instead
        of what they gave before.
    options
        Options of the format that are not the default, as JSON has them.
    block_bytes, run_bytes
        Sizes of blocks that are decompressed, and of what is sorted in memory; results do not depend on them.
    """

    name: str
    sources: Sequence[ImportSource]
    folder: Path
    replace: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    block_bytes: int = BLOCK_BYTES
    run_bytes: int = RUN_BYTES


class Progress:
    """Follows an import; this one ignores it."""

    def read(self, size: int) -> None:
        """Count bytes of source files that were read."""

    def skipped(self, source: ImportSource) -> None:
        """Count a source that is not going to be read."""

    def writing(self, rows: int) -> None:
        """Begin to write the rows of a group, which are all read."""

    def wrote(self, rows: int) -> None:
        """Count rows that were written."""

    def finished(self) -> None:
        """End a group: it is imported, or failed."""


def run_import(
    format_: ImportFormat,
    request: ImportRequest,
    progress: Progress | None = None,
    now: Callable[[], int] = time.time_ns,
) -> Iterator[SourceResult]:
    """Import, and yield what became of each source, in order.

    Parameters
    ----------
    now
        Wall time in ns UTC, for the manifest.

    Raises
    ------
    UsageError
        The folder is in use or holds something else.
    OutputError
        It cannot be written to.
    """
    progress = progress or Progress()
    done: dict[Path, SourceResult] = {}
    with ImportFolder(request.folder).locked() as folder:
        known = _keyed(request, folder)
        again = originals(known)
        for _, group in groupby(known, key=lambda source: source.group):
            sources = list(group)
            firsts = [source for source in sources if source.path not in again]
            for result in _GroupImport(format_, request, folder, progress, now).run(firsts):
                done[result.source.path] = result
            for source in sources:
                if source.path in again:
                    progress.skipped(source)
                    done[source.path] = result_of_copy(source, done[again[source.path].path])
                yield done[source.path]


def known_states(request: ImportRequest) -> list[SourceResult]:
    """Return what an import would meet: sources that are new, imported, replaced or not there. Writes nothing."""
    folder = ImportFolder(request.folder)
    known = folder.entries()
    sources = _keyed(request, folder)
    again = originals(sources)
    results: list[SourceResult] = []
    for source in sources:
        if source.path in again:
            first = again[source.path].path
            results.append(result_of_copy(source, next(one for one in results if one.source.path == first)))
            continue
        try:
            next(source.content().blocks(), None)
        except SourceFileError as error:
            results.append(SourceResult(source, error.state, known.get(source.key), error))
        else:
            results.append(_known(source, known, request) or SourceResult(source, NEW))
    return results


def _keyed(request: ImportRequest, folder: ImportFolder) -> list[ImportSource]:
    """Return the sources of a request with the keys that the folder knows them by."""
    entries = [entry for entry in folder.entries().values() if entry.format == request.name]
    return with_known_keys(request.sources, entries)


def _known(source: ImportSource, known: dict[str, ImportedFile], request: ImportRequest) -> SourceResult | None:
    """Return the result of a source that is not to be imported; None for a new one."""
    entry = known.get(source.key)
    if entry is None:
        return None
    try:
        is_same = _is_same(source, entry)
    except (OSError, DataError):
        return None  # reading it says why
    if is_same:
        before = None if entry.options is None else source.options_of(entry.options)
        is_other = before not in (None, source.options_of(request.options))
        return SourceResult(source, SKIPPED, entry, has_other_options=is_other)
    error = SourceFileError(
        f"{source.path}: was replaced since it was imported on {entry.at[:10]} (its sha256 differs); "
        "--replace imports it anew",
        REPLACED,
    )
    return SourceResult(source, REPLACED, entry, error)


def _is_same(source: ImportSource, entry: ImportedFile) -> bool:
    """Return whether a source is what was imported; an object of the same version need not be read for that."""
    version = version_of(source.path)
    return (version is not None and version == entry.version) or digest_of(source.path) == entry.sha256


def _listed(seconds: set[float]) -> str:
    return " and ".join(f"{length:g}" for length in sorted(seconds))


@dataclass(slots=True)
class _Reading:
    """A source that is being imported, and what was counted."""

    source: ImportSource
    content: SourceContent
    record: str | None = None
    rows: int = 0
    written: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    bar_seconds: set[float] = field(default_factory=set)

    def count(self, chunk: ImportChunk, written: int, no_time: int) -> None:
        self.record = chunk.record
        self.rows += chunk.read
        self.written += written
        self.dropped.update(chunk.dropped)
        self.noted.update(chunk.noted)
        if chunk.record == "ohlcv":
            self.bar_seconds.update(np.unique(filled(chunk.rows.column("interval"), 0.0)).tolist())
        if no_time:
            self.dropped[NO_TIME] += no_time

    def check(self) -> None:
        """Raise LedgerError if a row of the source is unaccounted for."""
        if self.rows != self.written + self.dropped.total():
            raise LedgerError(
                f"{self.source.path}: {self.rows} rows were read, but {self.written} written and "
                f"{self.dropped.total()} dropped"
            )


class _GroupImport:
    """Imports the sources of one group."""

    def __init__(
        self,
        format_: ImportFormat,
        request: ImportRequest,
        folder: ImportFolder,
        progress: Progress,
        now: Callable[[], int],
    ) -> None:
        self._format = format_
        self._request = request
        self._folder = folder
        self._progress = progress
        self._now = now
        self._tickers = Tickers()
        self._days = Days()
        self._sorts: dict[str, ExternalSort] = {}

    def run(self, sources: Sequence[ImportSource]) -> Iterator[SourceResult]:
        known = self._folder.entries()
        fresh, results = [], []
        for source in sources:
            result = _known(source, known, self._request)
            is_other = result is not None and (result.state == REPLACED or result.has_other_options)
            if result is None or (is_other and self._request.replace):
                fresh.append(source)
            else:
                self._progress.skipped(source)
                results.append(result)
        results += self._import(fresh, known)
        self._progress.finished()
        order = {source.path: place for place, source in enumerate(sources)}
        yield from sorted(results, key=lambda result: order[result.source.path])

    def _import(self, sources: Sequence[ImportSource], known: dict[str, ImportedFile]) -> list[SourceResult]:
        if not sources:
            return []
        old = [known[source.key] for source in sources if source.key in known]
        removed = sorted({name for entry in old for name in entry.outputs})
        try:
            self._refuse_shared(removed, sources, known)
            work = self._folder.begin()
            others = {key: entry for key, entry in known.items() if key not in {source.key for source in sources}}
            readings = [self._read(source) for source in sources]
            self._refuse_other_bars(readings, others)
            outputs = self._write(work, removed)
        except DataError as error:
            failing = getattr(error, "source", None)
            return [failed(source, failing, error, known.get(source.key)) for source in sources]
        at = format_time(self._now() // 10**9 * 10**9)
        entries = [self._entry(reading, outputs, at) for reading in readings]
        self._folder.commit(outputs, removed, entries)
        states = [REIMPORTED if source.key in known else IMPORTED for source in sources]
        return [SourceResult(*result) for result in zip(sources, states, entries, strict=True)]

    def _refuse_shared(
        self, removed: Sequence[str], sources: Sequence[ImportSource], known: dict[str, ImportedFile]
    ) -> None:
        """Raise SourceFileError if other sources have rows in files that would go."""
        keys = {source.key for source in sources}
        for entry in known.values():
            if entry.source not in keys and set(entry.outputs) & set(removed):
                raise SourceFileError(
                    f"{sources[0].path}: shares its files with {entry.path}, which is not imported anew: "
                    "import all files again, into a new folder",
                    REPLACED,
                )

    def _refuse_other_bars(self, readings: Sequence[_Reading], others: dict[str, ImportedFile]) -> None:
        """Raise SourceFileError if the folder has bars of other lengths: a replay takes them for the same bars."""
        there = {seconds for entry in others.values() for seconds in entry.bar_seconds}
        for reading in readings:
            if there and (new := reading.bar_seconds - there):
                raise SourceFileError(
                    f"{reading.source.path}: has bars of {_listed(new)} s, but {self._request.folder} has those of "
                    f"{_listed(there)} s, and a replay would take them for the same bars; import into another folder",
                    WRONG,
                )

    def _read(self, source: ImportSource) -> _Reading:
        """Read a source into the sorts."""
        reading = _Reading(source, source.content(self._progress.read, self._request.block_bytes))
        try:
            with Prefetch(self._format.chunks(source, reading.content), AHEAD) as chunks:
                for chunk in chunks:
                    rows, no_time = sortable(chunk, self._tickers, self._days)
                    reading.count(chunk, rows.num_rows, no_time)
                    if rows.num_rows:
                        self._sort_of(chunk.record).add(rows)
        except DataError as error:
            error.source = source  # type: ignore[attr-defined]  # the other files of the group are not at fault
            raise
        reading.check()
        return reading

    def _sort_of(self, record: str) -> ExternalSort:
        if record not in self._sorts:
            self._sorts[record] = ExternalSort(self._folder.work, record, self._request.run_bytes)
        return self._sorts[record]

    def _write(self, work: Path, removed: Sequence[str]) -> dict[str, str]:
        """Write the sorted rows; return staged name -> final path below the folder."""
        self._progress.writing(sum(sort.rows for sort in self._sorts.values()))
        outputs: dict[str, str] = {}
        for record, sort in self._sorts.items():
            with Prefetch(sort.sorted_slabs(), AHEAD) as slabs:
                written = 0
                own_flags = self._format.judges_conditions
                files = write_days(iter(slabs), work, record, self._tickers, self._progress.wrote, own_flags=own_flags)
                for day, path, rows in files:
                    outputs[path.name] = self._folder.free_name(day, record, removed, list(outputs.values()))
                    written += rows
            if written != sort.rows:
                raise LedgerError(f"{sort.rows} rows of {record} were sorted, but {written} written")
        return outputs

    def _entry(self, reading: _Reading, outputs: dict[str, str], at: str) -> ImportedFile:
        names = tuple(name for name in outputs.values() if reading.written and f"/{reading.record}." in name)
        return ImportedFile(
            format=self._request.name,
            source=reading.source.key,
            path=str(reading.source.path.absolute()),
            size=reading.content.size,
            sha256=reading.content.digest,
            record=reading.record,
            rows=reading.rows,
            written=reading.written,
            dropped=dict(sorted(reading.dropped.items())),
            noted=dict(sorted(reading.noted.items())),
            outputs=names,
            at=at,
            bar_seconds=tuple(sorted(reading.bar_seconds)),
            options=reading.source.options_of(self._request.options),
            version=reading.content.version,
        )

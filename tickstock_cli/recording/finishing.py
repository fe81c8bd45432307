"""Finishes hours: the rows of a journal become a Parquet file.

1. The rows of a finished file of the same hour, if there is one, and those of the journal that it lacks are written to
   a temporary file with a checksum for each page, and made durable.
2. The temporary file gets the name of the finished one.
3. The manifest gets its entry.
4. The journal is removed.

A process can die between any two steps: rows are numbered within the hour, so doing it again adds none twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tickstock_cli.core.files import for_libraries, sync
from tickstock_cli.core.hour_files import TIME_COLUMNS, HourFile, journal_content, journal_rows
from tickstock_cli.core.row_groups import row_groups
from tickstock_cli.recording.journal import finished_rows, takes
from tickstock_cli.recording.manifest import RecordingManifest

GROUP_ROWS = 65_536


@dataclass(frozen=True, slots=True)
class FinishedHour:
    """The result of finishing an hour.

    Parameters
    ----------
    path
        The finished file; None if the journal had no rows and there was no file.
    rows
        Rows that the journal added to it.
    torn_bytes
        Bytes at the end of the journal that held no whole frame.
    """

    path: Path | None
    rows: int
    torn_bytes: int


def finish_hour(hour: HourFile, manifest: RecordingManifest) -> FinishedHour:
    """Turn the journal of an hour into its finished file; nobody may write to the journal.

    Raises
    ------
    OSError
        The disk is full, for example; everything stays as it was.
    """
    content = journal_content(hour.journal)
    target, added = hour, 0
    if content.schema is not None:
        target = hour if takes(hour, content.schema) else _unused_part(hour)
        if content.rows:
            target, added = _merged(hour, target, content.schema, content.first + content.rows)
    path = target.finished if target.finished.exists() else None
    if path is not None:
        _vouch(target, manifest)
    hour.journal.unlink()
    sync(hour.folder)
    return FinishedHour(path, added, content.torn_bytes)


def _merged(hour: HourFile, target: HourFile, schema: pa.Schema, end: int) -> tuple[HourFile, int]:
    """Write the journal's rows behind those of the finished file; return where to, and how many rows were missing."""
    known = finished_rows(target) if target == hour else 0
    if known >= end:
        return target, 0
    try:
        written = _write(target, schema, chain(_finished(target, schema), journal_rows(hour.journal, known)))
    except (pa.ArrowInvalid, _DamagedFileError):  # pages of the finished file are damaged: it stays as it is
        target = _unused_part(hour)
        written, known = _write(target, schema, journal_rows(hour.journal, known)), 0
    return target, written - known


def _unused_part(hour: HourFile) -> HourFile:
    while hour.finished.exists() or hour.journal.exists():
        hour = hour.next_part
    return hour


def _write(target: HourFile, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> int:
    """Write rows as the finished file of an hour; return their number."""
    temporary = target.folder / f".{target.finished.name}.part"
    rows = 0
    try:
        with (
            temporary.open("wb") as file,
            pq.ParquetWriter(file, schema, compression="zstd", write_page_checksum=True) as writer,
        ):
            for group in row_groups(batches, GROUP_ROWS):
                writer.write_table(group, row_group_size=GROUP_ROWS)
                rows += group.num_rows
        sync(temporary)
        temporary.replace(target.finished)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    sync(target.folder)
    return rows


class _DamagedFileError(Exception):
    """A finished file has pages that cannot be read."""


def _finished(hour: HourFile, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a finished file; none without one."""
    if not hour.finished.exists():
        return
    with (
        for_libraries(hour.finished) as content,
        pq.ParquetFile(content, page_checksum_verification=True) as file,
    ):
        batches = file.iter_batches(GROUP_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except (OSError, pa.ArrowException) as error:
                raise _DamagedFileError(str(error)) from error
            if batch is None:
                return
            yield batch.cast(schema)  # Parquet renames the values of lists


def _vouch(hour: HourFile, manifest: RecordingManifest) -> None:
    """Add the finished file of an hour to the manifest."""
    with for_libraries(hour.finished) as content, pq.ParquetFile(content) as file:
        rows = file.metadata.num_rows
        column = TIME_COLUMNS[hour.type]
        groups = file.metadata.num_row_groups
        first = last = None
        if rows:
            first = pc.min(file.read_row_group(0, [column])[column]).as_py()
            last = pc.max(file.read_row_group(groups - 1, [column])[column]).as_py()
    manifest.add(path=hour.finished, rows=rows, first=first, last=last)

"""The journal of an hour that is being recorded."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
import pyarrow.parquet as pq

from tickstock_cli.core.files import for_libraries, sync
from tickstock_cli.core.frames import FrameWriter
from tickstock_cli.core.hour_files import HourFile, JournalContent, journal_content

FRAME_ROWS = 131_072
"""Limit of the rows of a frame: a process that dies loses the frame that it writes."""


class HourJournal:
    """Appends rows to the journal of an hour: to the one that is there, or to a new one. Methods raise OSError.

    Parameters
    ----------
    hour
        Its finished file, if there is one, can be read; `writable_part` returns such an hour.
    schema
        That of all rows.
    """

    def __init__(self, hour: HourFile, schema: pa.Schema) -> None:
        self.hour = hour
        self.latest = 0
        """Time of the latest row, ns UTC, for the caller."""
        hour.folder.mkdir(parents=True, exist_ok=True)
        content = _content(hour)
        self._is_new = not content.rows
        self._rows = finished_rows(hour) if content.schema is None else content.first + content.rows
        self._frames = FrameWriter(hour.journal, content.end)
        try:
            if content.schema is None:
                self._frames.write(self._rows, schema.serialize())
        except BaseException:
            self._frames.close()
            raise
        self._durable = self._frames.end, self._rows

    def append(self, rows: pa.RecordBatch) -> None:
        """Write rows; ``sync`` makes them durable."""
        for first in range(0, rows.num_rows, FRAME_ROWS):
            part = rows.slice(first, FRAME_ROWS)
            self._frames.write(self._rows, part.serialize())
            self._rows += part.num_rows

    def sync(self) -> None:
        """Make all rows durable."""
        self._frames.sync()
        if self._is_new:
            sync(self.hour.folder)
            sync(self.hour.folder.parent)
            self._is_new = False
        self._durable = self._frames.end, self._rows

    def rewind(self) -> None:
        """Cut off the rows since the last ``sync`` that succeeded."""
        end, self._rows = self._durable
        self._frames.cut(end)

    def close(self) -> None:
        """Close the file. Idempotent."""
        self._frames.close()


def finished_rows(hour: HourFile) -> int:
    """Return the number of rows of an hour's finished file; 0 without one. Raises OSError, or pa.ArrowException."""
    try:
        with for_libraries(hour.finished) as content:
            return int(pq.read_metadata(content).num_rows)
    except FileNotFoundError:
        return 0


def writable_part(hour: HourFile, schema: pa.Schema) -> HourFile:
    """Return the first part of an hour that rows of ``schema`` can be appended to.

    A part has one schema. A finished file that cannot be read stays as it is, and rows go to the next part.
    """
    while not takes(hour, schema):
        hour = hour.next_part
    return hour


def takes(hour: HourFile, schema: pa.Schema) -> bool:
    """Return whether rows of ``schema`` can be appended to a part of an hour."""
    if hour.journal.exists():
        found = journal_content(hour.journal).schema
        if found is not None and not _are_same(found, schema):
            return False
    if not hour.finished.exists():
        return True
    with suppress(OSError, pa.ArrowException), for_libraries(hour.finished) as content:
        return _are_same(pq.read_schema(content), schema)
    return False


def _are_same(one: pa.Schema, other: pa.Schema) -> bool:
    # Not with check_metadata: Parquet renames the values of lists, which it compares as well.
    return one.equals(other) and (one.metadata or {}) == (other.metadata or {})


def _content(hour: HourFile) -> JournalContent:
    try:
        return journal_content(hour.journal)
    except FileNotFoundError:
        return JournalContent(None, 0, 0, 0, 0)

"""Files of the hours of a recording: their names, and the journals of hours that are not finished.

A finished hour is a Parquet file, ``<segment date>/tick-14.parquet``. Until then its rows are in a journal beside it,
``tick-14.journal``: frames (`core.frames`) of which the first holds the schema, and each other one a record batch. The
number of a frame is that of its first row within the hour, counted on from the rows of a finished file of the same
hour. So rows that are in both are known after a crash between any two operations on them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from tickstock_cli.core.frames import whole_frames
from tickstock_cli.core.recording_schema import RECORDED

EVENTS = "events"
"""Type of the files of events as told."""
TIME_COLUMNS = {**dict.fromkeys(RECORDED, "received_at"), EVENTS: "emitted_at"}
"""Column that decides the hour of a row, by type."""
RUN_FILE = "run.json"
"""File that every recorded folder has: one entry per start of a live run."""
STATE_FILE = "state.npz"
"""File with the state after days that were removed from a folder; it is absent otherwise."""

_NAME = re.compile(rf"({'|'.join(TIME_COLUMNS)})-([0-2]\d)(?:\.([1-9]\d*))?\.(parquet|journal)")
_FIRST_PART = 1


@dataclass(frozen=True, slots=True)
class HourFile:
    """The files of one hour and type.

    Parameters
    ----------
    folder
        That of the segment date.
    type
        ``tick``, ``ohlcv``, ``fmv`` or ``events``.
    hour
        Two digits, New York time.
    part
        1, or more where an hour needs several files: columns of events differ between settings.
    """

    folder: Path
    type: str
    hour: str
    part: int = _FIRST_PART

    @property
    def finished(self) -> Path:
        """Path of the Parquet file."""
        return self.folder / f"{self._stem}.parquet"

    @property
    def journal(self) -> Path:
        """Path of the journal."""
        return self.folder / f"{self._stem}.journal"

    @property
    def next_part(self) -> HourFile:
        """The next part of the same hour."""
        return replace(self, part=self.part + 1)

    @property
    def _stem(self) -> str:
        return f"{self.type}-{self.hour}" + (f".{self.part}" if self.part > _FIRST_PART else "")


def hour_file(path: Path) -> HourFile | None:
    """Return the hour of a path; None if it is not named like a file of an hour."""
    match = _NAME.fullmatch(path.name)
    return None if match is None else HourFile(path.parent, match[1], match[2], int(match[3] or _FIRST_PART))


def is_recorded_folder(folder: Path) -> bool:
    """Return whether live runs are recorded in a folder."""
    return os.path.isfile(folder / RUN_FILE)  # a path raises an error if its name is too long for the disk


@dataclass(frozen=True, slots=True)
class JournalContent:
    """What a journal holds.

    Parameters
    ----------
    schema
        None if its first frame is torn: there are no rows then.
    first, rows
        Number of the first row within the hour, and number of the rows.
    end
        Size of the whole frames, bytes.
    torn_bytes
        Bytes behind them.
    """

    schema: pa.Schema | None
    first: int
    rows: int
    end: int
    torn_bytes: int


def journal_content(path: Path) -> JournalContent:
    """Return what a journal holds. Raises OSError."""
    schema, first, rows, end = None, 0, 0, 0
    with path.open("rb") as file:
        for frame in whole_frames(file):
            if schema is None:
                schema, first = pa.ipc.read_schema(pa.py_buffer(frame.body)), frame.number
            elif frame.number != first + rows:
                break
            else:
                rows += pa.ipc.read_record_batch(pa.py_buffer(frame.body), schema).num_rows
            end = frame.end
        size = file.seek(0, 2)
    return JournalContent(schema, first, rows, end, size - end)


def journal_rows(path: Path, behind: int = 0) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a journal's whole frames, from row ``behind`` of the hour on. Raises OSError."""
    schema, next_row = None, 0
    with path.open("rb") as file:
        for frame in whole_frames(file):
            if schema is None:
                schema, next_row = pa.ipc.read_schema(pa.py_buffer(frame.body)), frame.number
                continue
            if frame.number != next_row:
                return
            rows = pa.ipc.read_record_batch(pa.py_buffer(frame.body), schema)
            next_row += rows.num_rows
            if next_row > behind:
                yield rows.slice(max(0, behind - frame.number))

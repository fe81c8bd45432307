"""A recorded folder: its lock, and ``run.json`` with one entry per start of a live run.

::

    run.json               starts: command, configuration, versions, floor of the stamps, end
    manifest.jsonl         finished files: rows, first and last time, sha256
    gaps.jsonl             gaps of the feed, and rows that were not recorded
    wire-errors.jsonl      messages that are no rows
    2026-01-05/            a segment date
        tick-09.parquet    a finished hour, New York time
        tick-10.journal    an hour that is not finished
        events-09.parquet  events as told
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tickstock_cli.core.files import replace_file
from tickstock_cli.core.folder_lock import FolderLock
from tickstock_cli.core.hour_files import RUN_FILE, HourFile, hour_file
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import DataError, OutputError, UsageError
from tickstock_cli.recording.manifest import RecordingManifest
from tickstock_cli.recording.retention import recorded_days
from tickstock_cli.storage.names import check_local

GAPS = "gaps.jsonl"
WIRE_ERRORS = "wire-errors.jsonl"


@dataclass(frozen=True, slots=True)
class Start:
    """One start of a live run.

    Parameters
    ----------
    number
        1 for the first one of the folder.
    at
        When it began, by the machine's date, ns UTC.
    floor
        The stamps of its rows are above it, ns UTC; 0 for the first start. So are the times of its events, and those
        of earlier starts are not.
    command
        The command line, without secrets.
    configuration
        The effective settings, as JSON values.
    versions
        Those of tickstock and of the libraries that decide results, by name.
    clock_offset_ns
        How far the machine's date is ahead of the vendor's; None if it is unknown.
    end
        What the run said at its end; None while it runs and after it was killed. ``at`` is when it ended.
    """

    number: int
    at: int
    floor: int
    command: tuple[str, ...]
    configuration: Mapping[str, Any]
    versions: Mapping[str, str] = field(default_factory=dict)
    clock_offset_ns: int | None = None
    end: Mapping[str, Any] | None = None


class RecordedFolder:
    """The folder of recorded live runs."""

    def __init__(self, path: Path) -> None:
        check_local(path, "the folder of a live run")
        self.path = path
        self.manifest = RecordingManifest(path)

    @contextmanager
    def locked(self, *, create: bool = False) -> Iterator[RecordedFolder]:
        """Keep other processes from writing to the folder.

        Parameters
        ----------
        create
            Whether a folder that is missing or empty becomes a recorded one.

        Raises
        ------
        UsageError
            A live run or `tickstock recover` writes to it; with ``create``, it holds something else.
        DataError
            Without ``create``, it is missing or no recorded folder.
        OutputError
            It cannot be created.
        """
        try:
            if create:
                self.path.mkdir(parents=True, exist_ok=True)
            self._check(create)
            lock = FolderLock(self.path)
        except BlockingIOError as error:
            raise UsageError(
                f"{self.path} is being written by a live run or by tickstock recover: "
                "wait for its end, or name another folder"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write to {self.path}: {os_error_hint(error)}") from error
        try:
            yield self
        finally:
            lock.close()

    def _check(self, create: bool) -> None:
        wrong = UsageError if create else DataError
        if not self.path.is_dir():
            raise wrong(f"no such folder: {self.path}; name one that tickstock live --record wrote")
        if (self.path / RUN_FILE).is_file():
            return
        others = [path.name for path in self.path.iterdir() if not path.name.startswith(".")]
        if not create or others:
            what = f"holds other files ({min(others)})" if others else "is empty"
            raise wrong(
                f"{self.path} is no recorded folder: it {what}; name one that tickstock live --record wrote"
                + (", or an empty one" if create else "")
            )

    def is_being_written(self) -> bool:
        """Return whether another process, or another lock of this one, writes to the folder."""
        try:
            FolderLock(self.path).close()
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def starts(self) -> list[Start]:
        """Return all starts, oldest first.

        Raises
        ------
        DataError
            ``run.json`` is missing or damaged.
        """
        path = self.path / RUN_FILE
        if not self.path.is_dir():
            raise DataError(f"no such folder: {self.path}; name one that tickstock live --record wrote")
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))["starts"]
            return [Start(**{**entry, "command": tuple(entry["command"])}) for entry in entries]
        except FileNotFoundError as error:
            raise DataError(
                f"{self.path} is no recorded folder: it has no {RUN_FILE}; name one that tickstock live --record wrote"
            ) from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"cannot read {path}: it is damaged ({error})") from error

    def add_start(self, start: Start) -> Start:
        """Add a start, with the next number; return it. Raises OSError or DataError."""
        starts = self.starts() if (self.path / RUN_FILE).exists() else []
        added = replace(start, number=len(starts) + 1)
        self._write([*starts, added])
        return added

    def end_start(self, number: int, end: Mapping[str, Any]) -> None:
        """Record the end of a start. Raises OSError or DataError."""
        self._write([replace(start, end=end) if start.number == number else start for start in self.starts()])

    def note_clock_offset(self, number: int, clock_offset_ns: int) -> None:
        """Record the clock offset of a start, known once its feed is connected. Raises OSError or DataError."""
        starts = self.starts()
        self._write([replace(one, clock_offset_ns=clock_offset_ns) if one.number == number else one for one in starts])

    def days(self) -> list[str]:
        """Return the segment dates that have rows, ascending. Raises OSError."""
        return recorded_days(self.path)

    def journals(self) -> list[HourFile]:
        """Return the hours that are not finished, by day, type and hour. Raises OSError."""
        return self._hours("*.journal")

    def finished(self) -> list[HourFile]:
        """Return the hours that have a finished file, likewise. Raises OSError."""
        return self._hours("*.parquet")

    def _hours(self, pattern: str) -> list[HourFile]:
        found = (hour_file(path) for day in self.days() for path in sorted((self.path / day).glob(pattern)))
        return [hour for hour in found if hour is not None]

    def _write(self, starts: list[Start]) -> None:
        text = json.dumps({"starts": [asdict(start) for start in starts]}, indent=1, ensure_ascii=False)
        replace_file(self.path / RUN_FILE, f"{text}\n".encode(), durable=True)

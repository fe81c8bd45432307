"""The folder that imports write to: days, and a manifest with one line a source file.

::

    manifest.jsonl           source files: hash, rows, dropped rows by reason, outputs
    2026-01-05/              a date
        tick.parquet         its ticks, sorted
        tick.2.parquet       those of another import
    .importing/              an import that is not finished: readers skip names that begin with a dot

An import writes its files to ``.importing``. When all are whole, it writes there what is to be done, ``commit.json``:
which files get which names, which older ones go, which lines the manifest gets. Whoever opens the folder next does it,
or does the rest of it, after the process was killed on the way; without ``commit.json`` nothing was imported yet.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from tickstock_cli.core.files import replace_file, sync
from tickstock_cli.core.folder_lock import FolderLock
from tickstock_cli.core.hour_files import is_recorded_folder
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.recording.manifest import MANIFEST, append_lines, read_lines
from tickstock_cli.storage.names import is_object, shown_as_path

WORK = ".importing"
_COMMIT = "commit.json"


@dataclass(frozen=True, slots=True)
class ImportedFile:
    """A source file, as the manifest describes it.

    Parameters
    ----------
    format, source, path
        Name of the format; the key of `ImportSource`; where the file was.
    size, sha256
        Those of its bytes as they were imported.
    record
        Record type of its rows; None without rows.
    rows, written
        Rows in the file; those of them that went to the outputs.
    dropped
        The others, by reason.
    noted
        Rows worth a word, by what it says.
    outputs
        Paths below the folder: of all files that the rows are in.
    at
        When it was imported, ISO 8601, UTC.
    bar_seconds
        Lengths of its bars, ascending.
    options
        Options of the format that were not the default; None if an earlier version imported it, and did not say.
    version
        Of an object of a store: a text that another content of it changes. None for files.
    """

    format: str
    source: str
    path: str
    size: int
    sha256: str
    record: str | None
    rows: int
    written: int
    dropped: Mapping[str, int]
    noted: Mapping[str, int]
    outputs: tuple[str, ...]
    at: str
    bar_seconds: tuple[float, ...] = ()
    options: Mapping[str, Any] | None = None
    version: str | None = None


_NAMES = {field.name for field in fields(ImportedFile)}
_REQUIRED = {field.name for field in fields(ImportedFile) if field.default is MISSING}
_LISTS = ("outputs", "bar_seconds")


def _entry(line: Mapping[str, Any]) -> ImportedFile:
    """Return the file of a line of the manifest; a later version may say more about it."""
    known = {name: value for name, value in line.items() if name in _NAMES}
    return ImportedFile(**{**known, **{name: tuple(line.get(name, ())) for name in _LISTS}})


@dataclass(frozen=True, slots=True)
class _Commit:
    """What is to be done once all files are whole: paths below the folder."""

    moves: Mapping[str, str]
    removes: Sequence[str]
    lines: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


class ImportFolder:
    """The folder of one or more imports; use ``locked``."""

    def __init__(self, path: Path) -> None:
        if is_object(path):
            raise UsageError(
                f"an import changes all files of a folder at once, which {shown_as_path(path)} cannot: import into a "
                "folder of the disk, and copy it there"
            )
        self.path = path
        self.work = path / WORK

    @contextmanager
    def locked(self) -> Iterator[ImportFolder]:
        """Keep other imports out, and finish or clear away what a killed one left.

        Raises
        ------
        UsageError
            Another import writes to the folder, or it holds something else.
        OutputError
            It cannot be created or written to.
        """
        lock = None
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._check()
            lock = FolderLock(self.path)
            self._recover()
            yield self
        except BlockingIOError as error:
            raise UsageError(
                f"another import writes to {self.path}: wait for its end, or name another folder"
            ) from error
        except OSError as error:
            raise OutputError(f"cannot write to {self.path}: {os_error_hint(error)}") from error
        finally:
            if lock is not None:
                if not self._committed():  # the next import finishes a commit that failed
                    shutil.rmtree(self.work, ignore_errors=True)
                lock.close()

    def entries(self) -> dict[str, ImportedFile]:
        """Return the newest entry of each source file, by its key. Raises OSError."""
        lines = (line for line in read_lines(self.path / MANIFEST) if line.keys() >= _REQUIRED)
        return {str(line["source"]): _entry(line) for line in lines}

    def begin(self) -> Path:
        """Return an empty folder for the files of an import. Raises OSError."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        return self.work

    def free_name(self, day: str, record: str, leaving: Sequence[str], taken: Sequence[str]) -> str:
        """Return a path below the folder for the rows of a date.

        Parameters
        ----------
        leaving
            Files that are about to be removed, whose names are free.
        taken
            Names that are given already.
        """
        part = 1
        while True:
            name = f"{day}/{record}.parquet" if part == 1 else f"{day}/{record}.{part}.parquet"
            if name not in taken and (name in leaving or not (self.path / name).exists()):
                return name
            part += 1

    def commit(self, moves: Mapping[str, str], removes: Sequence[str], files: Sequence[ImportedFile]) -> None:
        """Make an import visible: all of it, even if the process is killed within. Raises OSError.

        Parameters
        ----------
        moves
            Names in the folder of ``begin``, and the paths below the folder that the files get.
        removes
            Paths below the folder of files that go.
        files
            New entries of the manifest.
        """
        commit = _Commit(moves, [name for name in removes if name not in moves.values()], [asdict(f) for f in files])
        sync(self.work)
        replace_file(self.work / _COMMIT, json.dumps(asdict(commit)).encode(), durable=True)
        self._recover()

    def _recover(self) -> None:
        """Do what a commit says, or what is left of it; without one, remove what an import left."""
        if self._committed():
            commit = _Commit(**json.loads((self.work / _COMMIT).read_text(encoding="utf-8")))
            folders = set()
            for staged, name in commit.moves.items():
                target = self.path / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with suppress(FileNotFoundError):  # it has its name already
                    os.replace(self.work / staged, target)
                folders.add(target.parent)
            for name in commit.removes:
                (self.path / name).unlink(missing_ok=True)
                with suppress(OSError):
                    (self.path / name).parent.rmdir()
            for folder in folders:
                sync(folder)
            sync(self.path)
            known = read_lines(self.path / MANIFEST)
            append_lines(self.path / MANIFEST, [line for line in commit.lines if dict(line) not in known])
            (self.work / _COMMIT).unlink()
        shutil.rmtree(self.work, ignore_errors=True)

    def _committed(self) -> bool:
        return (self.work / _COMMIT).is_file()

    def _check(self) -> None:
        """Raise UsageError if the folder holds something else than imports."""
        if is_recorded_folder(self.path):
            raise UsageError(f"{self.path} holds recorded live runs; name another folder for imports")
        others = [entry.name for entry in os.scandir(self.path) if not entry.name.startswith(".")]
        if others and not (self.path / MANIFEST).exists() and not self.work.exists():
            raise UsageError(
                f"{self.path} holds {sorted(others)[0]} and was not made by an import; name a new or empty folder"
            )

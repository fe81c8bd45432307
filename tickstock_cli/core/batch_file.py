"""Batches in temporary files: written one after another, read back by number, not kept in memory.

A batch is stored as its columns, one after another, widest type first, so that all are aligned. A file is open only
during access. The files of a folder are removed with it, also when the process ends early.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tickstock_cli.core.batch import DTYPES, Batch
from tickstock_cli.core.temporary_folder import LockedFolder
from tickstock_cli.errors import OutputError


class TemporaryFolder:
    """A temporary folder, created on first use and removed by ``close`` or at the end of the process.

    Parameters
    ----------
    parent
        Folder to create it in; None is the system's folder for temporary files.
    """

    def __init__(self, parent: Path | None = None) -> None:
        self.parent = parent
        self._folder: LockedFolder | None = None
        self._files = 0

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Translate an error of the disk into an OutputError of one line."""
        try:
            yield
        except OSError as error:
            place = self.parent or tempfile.tempdir or "the system's folder for them"
            raise OutputError(
                f"cannot write temporary files to {place}: {error.strerror or error}; "
                "free space there, or set another folder in the environment variable TMPDIR"
            ) from error

    def batch_file(self, *, has_order: bool = True) -> BatchFile:
        """Return a new file. Raises OutputError if the folder cannot be created."""
        return BatchFile(self, self.new_path(".batches"), has_order)

    def new_path(self, suffix: str) -> Path:
        """Return the path of a file that is not there yet. Raises OutputError if the folder cannot be created."""
        with self.writing():
            if self._folder is None:
                self._folder = LockedFolder("batches", self.parent)
            os.makedirs(self._folder.path, 0o700, exist_ok=True)  # somebody else may have removed it
        self._files += 1
        return self._folder.path / f"{self._files}{suffix}"

    def close(self) -> None:
        """Remove the folder and its files. Idempotent."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


class BatchFile:
    """Batches of any types in one file; `TemporaryFolder.batch_file` returns a new one.

    Parameters
    ----------
    has_order
        Whether ``order`` is stored. Otherwise ``order`` of a batch that is read is its ``origin``.
    """

    def __init__(self, folder: TemporaryFolder, path: Path, has_order: bool) -> None:
        self._folder = folder
        self._path = path
        self._has_order = has_order
        self._stored: list[tuple[type[Batch], int, int]] = []
        """Type, position and number of rows of every batch."""
        self._size = 0
        self._rows = 0

    def __len__(self) -> int:
        return len(self._stored)

    def write(self, *batches: Batch) -> None:
        """Add batches: all of them or, if that fails, none.

        Raises
        ------
        OutputError
            A write failed, for example because the disk is full.
        """
        with self._folder.writing():
            try:
                with open(os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
                    # What a failed write left may still be there, so that the end of the file is no place to go on.
                    if file.seek(0, os.SEEK_END) < self._size:
                        raise OSError(errno.EIO, "the file was cut short")
                    file.seek(self._size)
                    for batch in batches:
                        names = self._columns(type(batch))
                        file.writelines(np.ascontiguousarray(getattr(batch, name)).data for name in names)
            except BaseException:
                self._cut_off()
                raise
        for batch in batches:
            self._stored.append((type(batch), self._size, len(batch)))
            self._size += len(batch) * self._row_bytes(type(batch))
            self._rows += len(batch)

    def read(self, number: int) -> Batch:
        """Return a batch by its number, from 0; its columns are read-only.

        Raises
        ------
        OutputError
            The file is missing, cut short or unreadable.
        """
        kind, start, rows = self._stored[number]
        with reading(f"{self._path} (rows: {self._rows})"), self._path.open("rb", buffering=0) as file:
            stored = read_exactly(file, start, rows * self._row_bytes(kind))
        columns = {}
        offset = 0
        for name in self._columns(kind):
            columns[name] = np.frombuffer(stored, DTYPES[name], rows, offset)
            offset += columns[name].nbytes
        return kind(**{"order": columns["origin"], **columns})

    def remove(self) -> None:
        """Delete the file. Idempotent; never raises."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

    def _columns(self, kind: type[Batch]) -> list[str]:
        names = [field.name for field in fields(kind) if self._has_order or field.name != "order"]
        return sorted(names, key=lambda name: -DTYPES[name].itemsize)

    def _row_bytes(self, kind: type[Batch]) -> int:
        return sum(DTYPES[name].itemsize for name in self._columns(kind))

    def _cut_off(self) -> None:
        """Remove what a failed write left: the disk may be full."""
        if not self._size:
            self.remove()
        else:
            with suppress(OSError):
                os.truncate(self._path, self._size)


@contextmanager
def reading(what: str) -> Iterator[None]:
    """Translate an error of reading ``what`` back into an OutputError of one line."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"cannot read back {what}: {error.strerror or error}; "
            "run again, and let nothing else change or remove files there"
        ) from error


def read_exactly(file: BinaryIO, start: int, size: int) -> bytes:
    """Return ``size`` bytes from position ``start`` on. Raises OSError if the file ends before."""
    stored = os.pread(file.fileno(), size, start)
    if len(stored) < size:
        raise OSError(errno.EIO, "the file was cut short")
    return stored

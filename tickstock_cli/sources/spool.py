"""Temporary files of batches, removed after use, also when the process ends early.

Every batch of a spool can be read by itself; none stays in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tickstock_cli.core.batch import DTYPES, Batch
from tickstock_cli.errors import OutputError


class TemporaryFolder:
    """A temporary folder, created on first use and removed by ``close`` or at the end of the process.

    Parameters
    ----------
    parent
        Folder to create it in; None is the system's folder for temporary files.
    """

    def __init__(self, parent: Path | None) -> None:
        self.parent = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Translate an error of the disk into an OutputError of one line."""
        try:
            yield
        except OSError as error:
            place = self.parent or tempfile.gettempdir()
            raise OutputError(
                f"cannot write temporary files to {place}: {error.strerror or error}; "
                "free space there, or set another folder in the environment variable TMPDIR"
            ) from error

    def spool(self, kind: type[Batch]) -> Spool:
        """Begin a spool of batches of one type."""
        with self.guarded():
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="tickstock-", dir=self.parent)
            self._files += 1
            return Spool(self, Path(self._folder.name) / f"{self._files}.arrow", kind)

    def close(self) -> None:
        """Remove the folder and its files. Idempotent."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class Spool:
    """Batches of one type on disk: all are written first, then read by number. The file is open only during access.

    A batch is stored as its columns, one after another, widest type first, so that all are aligned.
    """

    def __init__(self, folder: TemporaryFolder, path: Path, kind: type[Batch]) -> None:
        self._temporary = folder
        self._path = path
        self._kind = kind
        names = [field.name for field in fields(kind) if field.name != "order"]
        self._names = sorted(names, key=lambda name: -DTYPES[name].itemsize)
        self._row_bytes = sum(DTYPES[name].itemsize for name in names)
        self._starts = [0]
        self._file: BinaryIO | None = path.open("wb")

    @property
    def batches(self) -> int:
        """Number of written batches."""
        return len(self._starts) - 1

    def write(self, batch: Batch) -> None:
        """Add a batch without its ``order``.

        Raises
        ------
        OutputError
            A write failed, for example because the disk is full.
        """
        assert self._file is not None, "a spool is written before it is read"
        with self._temporary.guarded():
            self._file.writelines(np.ascontiguousarray(getattr(batch, name)).data for name in self._names)
        self._starts.append(self._starts[-1] + len(batch) * self._row_bytes)

    def finish(self) -> None:
        """End writing."""
        assert self._file is not None, "a spool is finished once"
        with self._temporary.guarded():
            self._file.close()
        self._file = None

    def read(self, number: int) -> Batch:
        """Return a batch by its number."""
        start, end = self._starts[number : number + 2]
        with self._temporary.guarded(), self._path.open("rb", buffering=0) as file:
            file.seek(start)
            stored = file.read(end - start)
        rows = (end - start) // self._row_bytes
        columns = {}
        offset = 0
        for name in self._names:
            columns[name] = np.frombuffer(stored, DTYPES[name], rows, offset)
            offset += columns[name].nbytes
        return self._kind(**columns, order=columns["origin"])

    def remove(self) -> None:
        """Close and delete the file. Idempotent; never raises."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
        with suppress(OSError):
            self._path.unlink(missing_ok=True)

"""Temporary files that hold batches until they are needed again, and are gone afterwards, whatever happens.

Any batch of a spool can be read alone, and none is kept in memory.
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
    """A temporary folder that comes into being when it is needed. Also removed when the process ends.

    Parameters
    ----------
    parent
        Folder to make it in; None is the system's folder for temporary files.
    """

    def __init__(self, parent: Path | None) -> None:
        self.parent = parent
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Turn a full or unwritable disk into an OutputError of one line."""
        try:
            yield
        except OSError as error:
            place = self.parent or tempfile.gettempdir()
            raise OutputError(
                f"cannot write temporary files to {place}: {error.strerror or error}; "
                "make room there, or name another folder in the environment variable TMPDIR"
            ) from error

    def spool(self, kind: type[Batch]) -> Spool:
        """Begin a spool of batches of one type."""
        with self.guarded():
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="tickstock-", dir=self.parent)
            self._files += 1
            return Spool(self, Path(self._folder.name) / f"{self._files}.arrow", kind)

    def close(self) -> None:
        """Remove the folder and all that is in it. Idempotent."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None


class Spool:
    """Batches of one type on disk: first all are written, then they are read by number. No file stays open between.

    A batch is its columns, one behind the other as they are in memory, the widest first so that all are aligned.
    """

    def __init__(self, scratch: TemporaryFolder, path: Path, kind: type[Batch]) -> None:
        self._scratch = scratch
        self._path = path
        self._kind = kind
        names = [field.name for field in fields(kind) if field.name != "order"]
        self._names = sorted(names, key=lambda name: -DTYPES[name].itemsize)
        self._row_bytes = sum(DTYPES[name].itemsize for name in names)
        self._starts = [0]
        self._file: BinaryIO | None = path.open("wb")

    @property
    def batches(self) -> int:
        """How many batches were written."""
        return len(self._starts) - 1

    def write(self, batch: Batch) -> None:
        """Add a batch; its ``order`` is not kept.

        Raises
        ------
        OutputError
            The disk is full, say.
        """
        assert self._file is not None, "a spool is written before it is read"
        with self._scratch.guarded():
            self._file.writelines(np.ascontiguousarray(getattr(batch, name)).data for name in self._names)
        self._starts.append(self._starts[-1] + len(batch) * self._row_bytes)

    def finish(self) -> None:
        """End writing."""
        assert self._file is not None, "a spool is finished once"
        with self._scratch.guarded():
            self._file.close()
        self._file = None

    def read(self, number: int) -> Batch:
        """Return a batch by its number."""
        start, end = self._starts[number : number + 2]
        with self._scratch.guarded(), self._path.open("rb", buffering=0) as file:
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

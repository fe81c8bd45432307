"""Records of a numpy dtype in a file that only grows: what a run has found, kept on disk until the run ends.

A checkpoint needs only the number of records: a resumed run cuts the file there and goes on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.errors import OutputError

CHUNK_RECORDS = 65_536


class RecordFile:
    """Records in a file; it is open from the first ``append`` to ``close``.

    Parameters
    ----------
    path
        The file; its folder is made if it is not there.
    dtype
        Structured dtype of the records.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any]) -> None:
        self._path = path
        self._dtype = dtype
        self._records = 0
        self._stream = -1

    def __len__(self) -> int:
        return self._records

    def append(self, records: NDArray[Any]) -> None:
        """Write records behind the others.

        Raises
        ------
        OutputError
            The file cannot be written.
        """
        if not len(records):
            return
        data = np.ascontiguousarray(records, dtype=self._dtype).view(np.uint8).data
        try:
            if self._stream < 0:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
                os.ftruncate(self._stream, self._records * self._dtype.itemsize)
                os.lseek(self._stream, 0, os.SEEK_END)
            written = 0
            while written < len(data):
                written += os.write(self._stream, data[written:])
        except OSError as error:
            raise OutputError(f"cannot write {self._path}: {error.strerror or error}; free space there") from error
        self._records += len(records)

    def cut(self, records: int) -> None:
        """Keep the first ``records`` only: those that a checkpoint knows.

        Raises
        ------
        OutputError
            The file has fewer.
        """
        self.close()
        size = self._path.stat().st_size if self._path.exists() else 0
        if size < records * self._dtype.itemsize:
            raise OutputError(f"{self._path} is shorter than its checkpoint says; start without --resume")
        self._records = records

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Return records ``[start, stop)`` as an array of their own.

        Raises
        ------
        OutputError
            The file has lost some of them.
        """
        stop = self._records if stop is None else min(stop, self._records)
        if stop <= start:
            return np.empty(0, dtype=self._dtype)
        offset = start * self._dtype.itemsize
        try:
            with self._path.open("rb", buffering=0) as stream:
                stream.seek(offset)
                records = np.fromfile(stream, dtype=self._dtype, count=stop - start)
        except OSError as error:
            raise OutputError(f"cannot read {self._path}: {error.strerror or error}; run it again") from error
        if len(records) < stop - start:
            raise OutputError(
                f"{self._path} has lost records that this run wrote: {self._records:,} are wanted; run it again"
            )
        return records

    def chunks(self, records: int = CHUNK_RECORDS) -> Iterator[NDArray[Any]]:
        """Yield all records in order, some at a time."""
        for start in range(0, self._records, records):
            yield self.read(start, start + records)

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._stream >= 0:
            os.close(self._stream)
            self._stream = -1

"""Bounds the memory of open files, for any number of merged files.

An open Parquet reader holds a page or two of every column, a MiB each. Hundreds of files with overlapping times add up,
so streams share an allowance. A stream without a share decodes a row group into a temporary file, closes its own, and
continues from the temporary one, which holds nothing in memory.
"""

from __future__ import annotations

from tickstock_cli.core.batch import Batch
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.sources.stream import FileStream

OPEN_BYTES = 192 << 20
OPEN_FILES = 400
"""Most open memory and files of all streams of a run together."""


class Allowance:
    """Memory and file handles that streams can hold between reads."""

    def __init__(self) -> None:
        self._memory = OPEN_BYTES
        self._files = OPEN_FILES

    def take(self, memory: int) -> bool:
        """Reserve memory and a handle for one open file; return False if there are none left."""
        if self._files < 1 or memory > self._memory:
            return False
        self._files -= 1
        self._memory -= memory
        return True

    def release(self, memory: int) -> None:
        """Release the memory and the handle of one open file."""
        self._files += 1
        self._memory += memory


class BoundedStream:
    """A file's stream that stays open only with a share of the allowance.

    Parameters
    ----------
    memory
        Bytes that the stream holds while it is open.
    """

    def __init__(self, stream: FileStream, memory: int, allowance: Allowance, temporary: TemporaryFolder) -> None:
        self._stream = stream
        self._memory = memory
        self._allowance = allowance
        self._temporary = temporary
        self._holds = False
        self._stored: BatchFile | None = None
        self._next = 0

    @property
    def earliest(self) -> int:
        return self._stream.earliest

    def read(self) -> Batch | None:
        if self._stored is not None:
            return self._read_stored(self._stored)
        self._holds = self._holds or self._allowance.take(self._memory)
        batch = self._stream.read()
        if batch is None:
            self.close()
        elif not self._holds:
            self._store_group()
        return batch

    def _read_stored(self, stored: BatchFile) -> Batch:
        batch = stored.read(self._next)
        self._next += 1
        if self._next == len(stored):
            stored.remove()
            self._stored = None
        return batch

    def _store_group(self) -> None:
        """Write the rest of the row group to a temporary file, and close the stream's own."""
        stored = self._temporary.batch_file(has_order=False)
        while not self._stream.at_group_start and (batch := self._stream.read()) is not None:
            stored.write(batch)
        self._stream.close()
        if len(stored):
            self._stored, self._next = stored, 0

    def close(self) -> None:
        self._stream.close()
        if self._stored is not None:
            self._stored.remove()
            self._stored = None
        if self._holds:
            self._allowance.release(self._memory)
            self._holds = False

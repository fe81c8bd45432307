"""Sorts a file by available time in bounded memory.

1. Read the file; gather selected rows up to a third of the memory (sorting needs a second copy, and the merge a third);
   sort them, stably, and write them to a temporary file: a run.
2. Merge the runs. A run's rank is its place in the file, so rows of the same time keep their order.

The first read creates the files; ``close`` removes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np

from tickstock_cli.core.batch import Batch
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.core.times import MIN_NS
from tickstock_cli.sources.merge import Emission, join, merged, reorder
from tickstock_cli.sources.stream import FileStream, Stream

RUN_CHUNK_ROWS = 1 << 13
"""Rows of a run that are read at once: few, because a file can have many runs."""


class SortedStream:
    """The rows of an unsorted stream, sorted.

    Parameters
    ----------
    unsorted
        The rows in file order; the first read starts reading them.
    memory
        Bytes to sort in.
    drop
        Number of sorted rows to skip at the start.
    """

    def __init__(self, unsorted: FileStream, memory: int, temporary: TemporaryFolder, drop: int) -> None:
        self.earliest = unsorted.earliest
        self._unsorted = unsorted
        self._memory = memory
        self._temporary = temporary
        self._drop = drop
        self._runs: list[BatchFile] = []
        self._emissions: Iterator[Emission] | None = None

    def read(self) -> Batch | None:
        if self._emissions is None:
            self._sort()
            runs: list[Stream] = [_RunStream(run) for run in self._runs]
            self._emissions = merged(runs) if runs else iter(())
        for emission in self._emissions:
            (batch,) = emission.batches
            if self._drop < len(batch):
                batch = batch.take(slice(self._drop, None)) if self._drop else batch
                self._drop = 0
                return batch
            self._drop -= len(batch)
        self.close()
        return None

    def _sort(self) -> None:
        gathered: list[Batch] = []
        size = 0
        try:
            while (batch := self._unsorted.read()) is not None:
                gathered.append(batch)
                size += sum(getattr(batch, field.name).nbytes for field in fields(batch))
                if size * 3 >= self._memory:
                    self._write_run(gathered)
                    gathered, size = [], 0
        finally:
            self._unsorted.close()
        if gathered:
            self._write_run(gathered)

    def _write_run(self, gathered: list[Batch]) -> None:
        batch = join(gathered)
        gathered.clear()
        rows = np.argsort(batch.available_at, kind="stable")
        run = self._temporary.batch_file(has_order=False)
        self._runs.append(run)
        for low in range(0, len(rows), RUN_CHUNK_ROWS):
            run.write(reorder(batch, rows[low : low + RUN_CHUNK_ROWS]))

    def close(self) -> None:
        for run in self._runs:
            run.remove()


class _RunStream:
    """A sorted run as a stream."""

    def __init__(self, run: BatchFile) -> None:
        self.earliest = MIN_NS
        self._run = run
        self._next = 0

    def read(self) -> Batch | None:
        if self._next == len(self._run):
            self.close()
            return None
        self._next += 1
        return self._run.read(self._next - 1)

    def close(self) -> None:
        self._run.remove()

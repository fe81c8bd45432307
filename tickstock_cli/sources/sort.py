"""Sorts a file by available time in bounded memory.

1. Read the file; gather selected rows up to a third of the memory (sorting needs a second copy, and the merge a third);
   sort them, stably, and write them to a temporary file: a run. A single small run stays in memory.
2. Merge the runs. Rows of the same time keep their order in the file.

The first read creates the files; ``close`` removes them.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tickstock_cli.core.batch import Batch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.times import MIN_NS
from tickstock_cli.sources.batches import join
from tickstock_cli.sources.merge import AtOnce, Emission, merged
from tickstock_cli.sources.runs import HeldRun, memory_of, store
from tickstock_cli.sources.stream import FileStream, Stream

HELD_BYTES = 4 << 20
"""Most memory of a run that is not written to a file."""


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

    at_rest = False
    earliest = None

    def __init__(self, unsorted: FileStream, memory: int, temporary: TemporaryFolder, drop: int) -> None:
        self._unsorted = unsorted
        self._memory = memory
        self._temporary = temporary
        self._drop = drop
        self._runs: list[Stream] = []
        self._emissions: Iterator[Emission] | None = None

    @property
    def row(self) -> int:
        """The next row of the file to read."""
        return self._unsorted.row

    def read(self) -> Batch | None:
        if self._emissions is None:
            self._sort()
            self._emissions = merged([AtOnce(self._runs, MIN_NS)])
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
                size += memory_of([batch])
                if size * 3 >= self._memory:
                    self._runs.append(store(_sorted(gathered), self._temporary))
                    gathered, size = [], 0
        finally:
            self._unsorted.close()
        if gathered:
            run = _sorted(gathered)
            small = not self._runs and size <= HELD_BYTES
            self._runs.append(run if small else store(run, self._temporary))

    def close(self) -> None:
        for run in self._runs:
            run.close()


def _sorted(gathered: list[Batch]) -> HeldRun:
    batch = join(gathered)
    gathered.clear()
    return HeldRun(batch, np.argsort(batch.available_at, kind="stable"))

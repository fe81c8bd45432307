"""Rows that found no room in the queues, on disk until they do: oldest first, nothing lost, nothing reordered.

Each spilled batch is one file, deleted once its rows have been queued.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.batch_file import BatchFile, TemporaryFolder
from tickstock_cli.core.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Spilled:
    """A batch on disk: when it came, on which schedule, how many rows of each type it has."""

    file: BatchFile
    received: int
    schedule: Schedule | None
    first: int
    watermark: int
    rows: dict[str, int]


class Spill:
    """A queue of batches on disk. For one thread at a time."""

    def __init__(self) -> None:
        self._folder = TemporaryFolder()
        self._waiting: deque[Spilled] = deque()
        self.rows = {"tick": 0, "ohlcv": 0, "fmv": 0}
        """Rows on disk, by record type."""

    def __len__(self) -> int:
        return len(self._waiting)

    def write(self, batch: MergedBatch, received: int, schedule: Schedule | None) -> None:
        """Put a batch behind those that wait.

        Raises
        ------
        OutputError
            It could not be written; the batch is still the caller's.
        """
        file = self._folder.batch_file()
        file.write(batch.ticks, batch.bars, batch.fmvs)
        rows = {"tick": len(batch.ticks), "ohlcv": len(batch.bars), "fmv": len(batch.fmvs)}
        self._waiting.append(Spilled(file, received, schedule, batch.first, batch.watermark, rows))
        for record, count in rows.items():
            self.rows[record] += count

    def oldest(self) -> tuple[Spilled, MergedBatch]:
        """Read the oldest batch; it stays until ``drop``.

        Raises
        ------
        OutputError
            It cannot be read back; its rows still count as rows on disk.
        """
        spilled = self._waiting[0]
        ticks, bars, fmvs = (spilled.file.read(number) for number in range(3))
        return spilled, MergedBatch(ticks, bars, fmvs, spilled.first, spilled.watermark, ())  # type: ignore[arg-type]  # each part keeps its type

    def drop(self) -> None:
        """Delete the oldest batch: its rows are in the queues."""
        spilled = self._waiting.popleft()
        spilled.file.remove()
        for record, count in spilled.rows.items():
            self.rows[record] -= count

    def close(self) -> None:
        """Remove all rows. Idempotent."""
        self._folder.close()

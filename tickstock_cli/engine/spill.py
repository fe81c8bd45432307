"""Rows that found no room in the queues, on disk until they do: oldest first, nothing lost, nothing reordered.

Each spilled batch is one file of plain arrays, written under a temporary name, renamed when whole, and deleted once
its rows have been queued.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, MergedBatch, TickBatch
from tickstock_cli.engine.schedule import Schedule
from tickstock_cli.errors import OutputError

KINDS: dict[str, type[Batch]] = {"tick": TickBatch, "ohlcv": BarBatch, "fmv": FmvBatch}


@dataclass(frozen=True, slots=True)
class Spilled:
    """A batch on disk: when it came, on which schedule, how many rows of each type it has."""

    path: Path
    received: int
    schedule: Schedule | None
    first: int
    watermark: int
    rows: dict[str, int]


class Spill:
    """A queue of batches on disk. For one thread at a time.

    Parameters
    ----------
    folder
        Where files go; None makes a temporary folder when it is first needed.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._temporary: TemporaryDirectory[str] | None = None
        self._waiting: deque[Spilled] = deque()
        self._written = 0
        self.rows = dict.fromkeys(KINDS, 0)
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
        parts: dict[str, Batch] = {"tick": batch.ticks, "ohlcv": batch.bars, "fmv": batch.fmvs}
        arrays: dict[str, Any] = {
            f"{record}/{column.name}": getattr(part, column.name)
            for record, part in parts.items()
            for column in fields(part)
        }
        try:
            path = self._place() / f"{self._written:012d}.npz"
            _write(path, arrays)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OutputError(f"cannot spill rows that found no room in the queues: {reason}") from error
        self._written += 1
        rows = {record: len(part) for record, part in parts.items()}
        self._waiting.append(Spilled(path, received, schedule, batch.first, batch.watermark, rows))
        for record, count in rows.items():
            self.rows[record] += count

    def oldest(self) -> tuple[Spilled, MergedBatch]:
        """Read the oldest batch; it stays until ``drop``."""
        spilled = self._waiting[0]
        with np.load(spilled.path, allow_pickle=False) as arrays:
            ticks, bars, fmvs = (
                kind(**{column.name: arrays[f"{record}/{column.name}"] for column in fields(kind)})
                for record, kind in KINDS.items()
            )
        assert isinstance(ticks, TickBatch)
        assert isinstance(bars, BarBatch)
        assert isinstance(fmvs, FmvBatch)
        return spilled, MergedBatch(ticks, bars, fmvs, spilled.first, spilled.watermark, ())

    def drop(self) -> None:
        """Delete the oldest batch: its rows are in the queues."""
        spilled = self._waiting.popleft()
        spilled.path.unlink()
        for record, count in spilled.rows.items():
            self.rows[record] -= count

    def close(self) -> None:
        """Remove a temporary folder."""
        if self._temporary is not None:
            self._temporary.cleanup()
            self._temporary = None

    def _place(self) -> Path:
        if self._folder is None:
            self._temporary = TemporaryDirectory(prefix="tickstock-spill-")
            self._folder = Path(self._temporary.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder


def _write(path: Path, arrays: dict[str, Any]) -> None:
    """Write a file that is there when it is whole; of a failure nothing stays, for the disk may be full."""
    temporary = path.with_suffix(".part")
    try:
        with temporary.open("wb") as stream:
            np.savez(stream, **arrays)
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

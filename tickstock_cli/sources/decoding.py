"""Decodes whole files in threads, ahead of those who need their rows.

Arrow decodes without holding Python's lock, so files are decoded side by side, and while the rows of others are turned
into numbers. Rows are returned in the order in which files are asked for, whichever thread is done first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa

from tickstock_cli.errors import DataError
from tickstock_cli.sources.alike import Together, joined
from tickstock_cli.sources.footer import SMALL_BYTES, open_parquet, reading
from tickstock_cli.sources.joint_decoding import ForArrowError, JointDecoding
from tickstock_cli.sources.recording_file import RecordingFile

MOST_THREADS = 4
_TOGETHER = 16
"""Files that a thread decodes before it looks for others."""

Rows = list[pa.RecordBatch]


class Decoding:
    """Decodes files, those that are needed next in the meantime.

    Parameters
    ----------
    is_joint
        Whether files that are decoded together are decoded in one call where they can be.
    """

    def __init__(self, is_joint: bool = False) -> None:
        self._joint = JointDecoding() if is_joint else None
        self._threads: ThreadPoolExecutor | None = None
        self._begun: dict[Path, tuple[Future[list[Rows]], int]] = {}
        """By file: the task, and the place of the file's rows in its result."""

    def rows(self, files: Sequence[RecordingFile], then: Sequence[RecordingFile] = ()) -> list[Rows]:
        """Return the rows of each file, all columns that are read.

        Parameters
        ----------
        then
            Files that are probably asked for next, together.

        Raises
        ------
        DataError
            A file is damaged.
        """
        for some in (files, then):
            missing = [file for file in some if file.read_from not in self._begun]
            for first in range(0, len(missing), _TOGETHER):
                part = missing[first : first + _TOGETHER]
                self._begin(part)
        return [self._take(file) for file in files]

    def is_joint(self, file: RecordingFile) -> bool:
        """Return whether a file is decoded in one call with those that are like it."""
        return self._joint is not None and file.decodes_jointly

    def together(self, files: Sequence[RecordingFile], then: Sequence[Sequence[RecordingFile]] = ()) -> Together:
        """Return the rows of files that are alike.

        Parameters
        ----------
        then
            Files that are probably asked for next, those that are together at once.

        Raises
        ------
        DataError
            A file is damaged, or has other rows than when it was opened.
        """
        if self._joint is not None and self.is_joint(files[0]):
            try:
                return self._joint.together(files, then)
            except ForArrowError:  # so must the others, probably
                self._joint.close()
                self._joint = None
        decoded = self.rows(files, [file for some in then for file in some])
        counts = [sum(batch.num_rows for batch in batches) for batches in decoded]
        for file, count in zip(files, counts, strict=True):
            if count != file.rows:
                raise DataError(f"{file.path} has other rows than its footer says")
        rows = joined([batch for batches in decoded for batch in batches])
        return Together(rows, np.array(counts, dtype=np.int64))

    def _begin(self, files: Sequence[RecordingFile]) -> None:
        """Decode files in a thread."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_threads(), "decode")
        task = self._threads.submit(_decoded, files)
        self._begun |= {file.read_from: (task, place) for place, file in enumerate(files)}

    def _take(self, file: RecordingFile) -> Rows:
        """Return the rows of a file, which are not held any longer."""
        task, place = self._begun.pop(file.read_from)
        decoded = task.result()
        rows, decoded[place] = decoded[place], []
        return rows

    def close(self) -> None:
        """Forget what nobody has asked for, and end the threads. Idempotent."""
        self._begun.clear()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None
        if self._joint is not None:
            self._joint.close()


def _threads() -> int:
    """Return how many threads decode: the run's own has a processor for itself."""
    return max(1, min(MOST_THREADS, (os.cpu_count() or 1) - 1))


def _decoded(files: Sequence[RecordingFile]) -> list[Rows]:
    return [_rows(file) for file in files]


def _rows(file: RecordingFile) -> Rows:
    with (
        reading(file.path),
        open_parquet(file.read_from, text=file.text_columns, buffer_size=0, at_once=SMALL_BYTES) as parquet,
    ):
        return list(parquet.iter_batches(max(1, file.rows), columns=file.columns, use_threads=False))

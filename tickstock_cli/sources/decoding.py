"""Decodes whole files in threads, ahead of those who need their rows.

Arrow decodes without holding Python's lock, so files are decoded side by side, and while the rows of others are turned
into numbers. Rows are returned in the order in which files are asked for, whichever thread is done first.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa

from tickstock_cli.sources.footer import SMALL_BYTES, open_parquet, reading
from tickstock_cli.sources.recording_file import RecordingFile

MOST_THREADS = 4
_TOGETHER = 16
"""Files that a thread decodes before it looks for others."""

Rows = list[pa.RecordBatch]


class Decoding:
    """Decodes files, those that are needed next in the meantime."""

    def __init__(self) -> None:
        self._threads: ThreadPoolExecutor | None = None
        self._begun: dict[int, list[Future[list[Rows]]]] = {}
        """By the index of the first file."""

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
        tasks = self._begun.pop(files[0].index, None) or self._begin(files)
        if then:
            self._begun = {then[0].index: self._begin(then)}
        return [rows for task in tasks for rows in task.result()]

    def _begin(self, files: Sequence[RecordingFile]) -> list[Future[list[Rows]]]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(min(MOST_THREADS, os.cpu_count() or 1), "decode")
        parts = [files[first : first + _TOGETHER] for first in range(0, len(files), _TOGETHER)]
        return [self._threads.submit(_decoded, part) for part in parts]

    def close(self) -> None:
        """End the threads. Idempotent."""
        self._begun.clear()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
            self._threads = None


def _decoded(files: Sequence[RecordingFile]) -> list[Rows]:
    return [_rows(file) for file in files]


def _rows(file: RecordingFile) -> Rows:
    with (
        reading(file.path),
        open_parquet(file.read_from, text=file.text_columns, buffer_size=0, at_once=SMALL_BYTES) as opened,
    ):
        return list(opened.iter_batches(max(1, file.rows), columns=file.columns, use_threads=False))

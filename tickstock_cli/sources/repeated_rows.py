"""Finds ticks that are in two files: a day beside its month, a part beside the whole, a copy with another column.

Whole files with the same rows are left out when a recording is opened (`copied_files`). Rows of files that only overlap
are merged like any others, and would count twice without a word: trades can be equal, so none is dropped.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tickstock_cli.core.batch import Int64s, TickBatch
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.shared_rows import SHARE, Pair, SharedRows

_MOST_COMPARED = 1 << 20
"""Ticks of one time in several files that are compared before a recording counts as free of repetitions."""


class RepeatedRows(SharedRows):
    """Counts, in merge order, ticks that equal one of another file in time, ticker, price and size.

    Parameters
    ----------
    files
        All files of the recording, by index.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        super().__init__(files, "tick")
        self._compared = 0
        self._shared = 0
        self._waiting: list[Int64s] = []

    def see(self, ticks: TickBatch) -> None:
        """Take the next ticks. Those of the last time wait for more of it, so that steps of any size count alike."""
        if not self._is_looking or not len(ticks):
            return
        files = self._files_of(ticks)
        times = ticks.available_at
        last = int(np.searchsorted(times, times[-1]))
        if last or (self._waiting and self._waiting[-1][0, 0] != times[0]):
            self._compare([*self._waiting, _keys(ticks, files, 0, last)])
            self._waiting = []
        self._waiting.append(_keys(ticks, files, last, len(ticks)))
        if sum(part.shape[1] for part in self._waiting) > _MOST_COMPARED:  # dates instead of times
            self._is_looking, self._waiting = False, []

    def finish(self) -> None:
        """Compare the ticks of the last time: no others come."""
        if self._waiting:
            self._compare(self._waiting)
            self._waiting = []

    def _text(self, most: Pair, other: str) -> str:  # noqa: ARG002 - the base's
        return (
            f"{{}} ticks are also in {other} and count twice: name only one of the files, or keep each tick in one "
            "(--set recordings.copies=all confirms them)"
        )

    def _compare(self, parts: Sequence[Int64s]) -> None:
        keys = np.concatenate(parts, axis=1)
        times = keys[0]
        again = times[1:] == times[:-1]
        if not again.any():
            return
        shared = np.zeros(len(times), dtype=np.bool_)
        shared[1:] |= again
        shared[:-1] |= again
        keys = keys[:, shared]
        keys = keys[:, np.lexsort(keys[::-1])]
        equal = (keys[:-1, 1:] == keys[:-1, :-1]).all(axis=0) & (keys[-1, 1:] != keys[-1, :-1])
        pairs, counts = np.unique(keys[-1, 1:][equal] << 32 | keys[-1, :-1][equal], return_counts=True)
        self._add(zip((pairs >> 32).tolist(), (pairs & 0xFFFFFFFF).tolist(), strict=True), counts.tolist())
        self._compared += keys.shape[1]
        self._shared += int(counts.sum())
        self._is_looking = self._compared < _MOST_COMPARED or self._shared > SHARE / 5 * self._compared


def _keys(ticks: TickBatch, files: Int64s, first: int, stop: int) -> Int64s:
    """Return time, ticker, price, size and file of ticks, as the rows of a matrix."""
    columns = (
        ticks.available_at[first:stop],
        ticks.code[first:stop].astype(np.int64),
        ticks.price[first:stop].view(np.int64),
        ticks.size[first:stop],
        files[first:stop],
    )
    return np.stack(columns)

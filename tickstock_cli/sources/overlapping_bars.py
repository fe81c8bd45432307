"""Finds bars that begin no later than one of their ticker in another file: a day beside its month, 5 minutes beside 1.

The rules `duplicate` and `late` reject them one by one, and count them. That two files say the same is told here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tickstock_cli.core.batch import BarBatch, Int64s
from tickstock_cli.core.times import MIN_NS, format_duration
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.shared_rows import Pair, SharedRows

_ENOUGH = 1 << 20
"""Bars after which a recording without any counts as free of them."""


class OverlappingBars(SharedRows):
    """Counts, in merge order, bars that begin no later than an earlier one of their ticker in another file.

    Parameters
    ----------
    files
        All files of the recording, by index.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        super().__init__(files, "ohlcv")
        self._latest = np.full((3, 1), MIN_NS, dtype=np.int64)
        """By ticker, the greatest start so far, with the file and the length of its bar."""

    def see(self, bars: BarBatch) -> None:
        """Take the next bars."""
        if not self._is_looking or not len(bars):
            return
        files = self._files_of(bars)
        usable = (bars.code >= 0) & (bars.timestamp > 0)
        if usable.any():
            codes = bars.code[usable].astype(np.int64)
            self._compare(codes, np.stack([bars.timestamp, files, bars.interval])[:, usable])
        self._is_looking = bool(self._found) or int(self._seen.sum()) < _ENOUGH

    def _compare(self, codes: Int64s, bars: Int64s) -> None:
        known = np.unique(codes)
        if known[-1] >= self._latest.shape[1]:
            new = np.full((3, 2 * int(known[-1]) + 2 - self._latest.shape[1]), MIN_NS, dtype=np.int64)
            self._latest = np.concatenate([self._latest, new], axis=1)
        codes = np.concatenate([known, codes])  # what is known of a ticker, then its bars
        order = np.argsort(codes, kind="stable")
        codes = codes[order]
        bars = np.concatenate([self._latest[:, known], bars], axis=1)[:, order]
        _, rank = np.unique(bars[0], return_inverse=True)
        place = np.arange(len(codes))
        is_first = np.concatenate([[True], codes[1:] != codes[:-1]])
        keys = np.cumsum(is_first) * (len(codes) + 1) + rank
        highest = np.maximum.accumulate(keys)
        rises = is_first | np.concatenate([[True], highest[1:] > highest[:-1]])
        holder = np.maximum.accumulate(np.where(rises, place, 0))
        later = np.flatnonzero(~rises)
        before = holder[later]
        overlaps = bars[1, later] != bars[1, before]
        later, before = later[overlaps], before[overlaps]
        if len(later):
            # A row is the file and the other one, then the lengths of both bars.
            found = np.stack([bars[1, later], bars[1, before], bars[2, later], bars[2, before]])
            pairs, counts = np.unique(found, axis=1, return_counts=True)
            self._add(map(tuple, pairs.T.tolist()), counts.tolist())
        is_last = np.concatenate([codes[1:] != codes[:-1], [True]])
        self._latest[:, codes[is_last]] = bars[:, holder[is_last]]

    def _text(self, most: Pair, other: str) -> str:
        _, _, length, other_length = most
        lengths = ""
        if length != other_length:
            lengths = f" of {format_duration(other_length)} beside these of {format_duration(length)}"
        return (
            f"{{}} bars begin no later than bars of their ticker in {other}{lengths}, and are rejected as duplicate or "
            "late: name only one of the files"
        )

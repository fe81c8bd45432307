"""Finds bars that begin no later than one of their ticker in another file: a day beside its month, 5 minutes beside 1.

The rules `duplicate` and `late` reject them one by one, and count them. That two files say the same is told here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, BarBatch, Int64s
from tickstock_cli.core.times import MIN_NS, format_duration
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.repeated_rows import may_share_rows

_SHARE = 0.05
"""From this share of a file's bars on they are no late correction."""
_FEWEST = 3
_ENOUGH = 1 << 20
"""Bars after which a recording without any counts as free of them."""


class _Pair(NamedTuple):
    """The later of two bars, and the earlier: their files and lengths."""

    file: int
    other: int
    length: int
    other_length: int


class OverlappingBars:
    """Counts, in merge order, bars that begin no later than an earlier one of their ticker in another file.

    Parameters
    ----------
    files
        All files of the recording, by index. Nothing is looked at unless two of them share times and tickers.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        self._paths = [str(file.path) for file in files]
        self._is_looking = may_share_rows([file for file in files if file.record == "ohlcv" and file.rows])
        self._seen: Int64s = np.zeros(len(files), dtype=np.int64)
        self._latest = np.full((3, 1), MIN_NS, dtype=np.int64)
        """By ticker, the greatest start so far, with the file and the length of its bar."""
        self._pairs: Counter[_Pair] = Counter()

    def see(self, bars: BarBatch) -> None:
        """Take the next bars."""
        if not self._is_looking or not len(bars):
            return
        files = bars.origin >> ORIGIN_ROW_BITS
        self._seen += np.bincount(files, minlength=len(self._seen))
        usable = (bars.code >= 0) & (bars.timestamp > 0)
        if usable.any():
            codes = bars.code[usable].astype(np.int64)
            self._compare(codes, np.stack([bars.timestamp, files, bars.interval])[:, usable])
        self._is_looking = bool(self._pairs) or int(self._seen.sum()) < _ENOUGH

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
            found = np.stack([bars[1, later], bars[1, before], bars[2, later], bars[2, before]])
            pairs, counts = np.unique(found, axis=1, return_counts=True)
            for pair, count in zip(pairs.T.tolist(), counts.tolist(), strict=True):
                self._pairs[_Pair(*pair)] += count
        is_last = np.concatenate([codes[1:] != codes[:-1], [True]])
        self._latest[:, codes[is_last]] = bars[:, holder[is_last]]

    def oddities(self, file: int) -> Iterable[Oddity]:
        """Return what a file has in common with others, by its index."""
        mine = {pair: count for pair, count in self._pairs.items() if pair.file == file}
        count = sum(mine.values())
        if count < _FEWEST or count < _SHARE * int(self._seen[file]):
            return
        most = max(mine, key=lambda pair: (mine[pair], -pair.other))
        others = {(pair.file, pair.other) for pair in self._pairs}
        other = self._paths[most.other] if len(others) == 1 else "other files"
        lengths = ""
        if most.length != most.other_length:
            lengths = f" of {format_duration(most.other_length)} beside these of {format_duration(most.length)}"
        yield Oddity(
            f"{{}} bars begin no later than bars of their ticker in {other}{lengths}, and are rejected as duplicate or "
            "late: name only one of the files",
            (count,),
        )

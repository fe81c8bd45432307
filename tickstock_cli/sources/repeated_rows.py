"""Finds ticks that are in two files: a day beside its month, a part beside the whole, a copy with another column.

Whole files with the same rows are left out when a recording is opened (`copied_files`). Rows of files that only overlap
are merged like any others, and would count twice without a word: trades can be equal, so none is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Int64s, TickBatch
from tickstock_cli.core.times import MAX_NS, MIN_NS
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.recording_file import RecordingFile

_SHARE = 0.05
"""From this share of a file's ticks on they are no coincidence: trades of one exchange are not those of another."""
_FEWEST = 3
_MOST_COMPARED = 1 << 20
"""Ticks of one time in several files that are compared before a recording counts as free of repetitions."""


class RepeatedRows:
    """Counts, in merge order, ticks that equal one of another file in time, ticker, price and size.

    Parameters
    ----------
    files
        All files of the recording, by index. Nothing is looked at unless two of them share times and tickers.
    """

    def __init__(self, files: Sequence[RecordingFile]) -> None:
        self._paths = [str(file.path) for file in files]
        self._is_looking = may_share_rows([file for file in files if file.record == "tick" and file.rows])
        self._seen: Int64s = np.zeros(len(files), dtype=np.int64)
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._compared = 0
        self._waiting: list[Int64s] = []

    def see(self, ticks: TickBatch) -> None:
        """Take the next ticks. Those of the last time wait for more of it, so that steps of any size count alike."""
        if not self._is_looking or not len(ticks):
            return
        self._seen += np.bincount(ticks.origin >> ORIGIN_ROW_BITS, minlength=len(self._seen))
        times = ticks.available_at
        last = int(np.searchsorted(times, times[-1]))
        if last or (self._waiting and self._waiting[-1][0, 0] != times[0]):
            self._compare([*self._waiting, _keys(ticks, 0, last)])
            self._waiting = []
        self._waiting.append(_keys(ticks, last, len(ticks)))
        if sum(part.shape[1] for part in self._waiting) > _MOST_COMPARED:  # dates instead of times
            self._is_looking, self._waiting = False, []

    def finish(self) -> None:
        """Compare the ticks of the last time: no others come."""
        if self._waiting:
            self._compare(self._waiting)
            self._waiting = []

    def oddities(self, file: int) -> Iterable[Oddity]:
        """Return what a file has in common with an earlier one, by its index."""
        of_file = {other: count for (mine, other), count in self._pairs.items() if mine == file}
        count = sum(of_file.values())
        if count >= _FEWEST and count >= _SHARE * int(self._seen[file]):
            most = self._paths[max(of_file, key=lambda place: (of_file[place], -place))]
            # With many such files the sentence is the same for all, so that they share a line.
            other = most if len({mine for mine, _ in self._pairs}) == 1 else "other files"
            yield Oddity(
                f"{{}} ticks are also in {other} and count twice: name only one of the files, or keep each "
                "tick in one (--set recordings.copies=all confirms them)",
                (count,),
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
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            self._pairs[pair >> 32, pair & 0xFFFFFFFF] += count
        self._compared += keys.shape[1]
        self._is_looking = self._compared < _MOST_COMPARED or self._pairs.total() > _SHARE / 5 * self._compared


def _keys(ticks: TickBatch, first: int, stop: int) -> Int64s:
    """Return time, ticker, price, size and file of ticks, as the rows of a matrix."""
    columns = (
        ticks.available_at[first:stop],
        ticks.code[first:stop].astype(np.int64),
        ticks.price[first:stop].view(np.int64),
        ticks.size[first:stop],
        ticks.origin[first:stop] >> ORIGIN_ROW_BITS,
    )
    return np.stack(columns)


def may_share_rows(files: Sequence[RecordingFile]) -> bool:
    """Return whether two files can have a row of one ticker and time, as their footers show."""
    of_tickers: dict[tuple[str, str] | None, list[RecordingFile]] = {}
    for file in files:
        of_tickers.setdefault(_tickers(file), []).append(file)
    known = sorted(bounds for bounds in of_tickers if bounds is not None)
    mixed = any(later[0] <= earlier[1] for earlier, later in pairwise(known))
    if None in of_tickers or mixed:
        return _overlap(files)
    return any(_overlap(some) for some in of_tickers.values() if len(some) > 1)


def _tickers(file: RecordingFile) -> tuple[str, str] | None:
    """Return the first and the last ticker of a file in alphabetical order; None where unknown."""
    constant = file.partitions.get("ticker")
    if constant is not None:
        return constant, constant
    bounds = [group.tickers for group in file.groups if group.tickers is not None]
    if len(bounds) < len(file.groups):
        return None
    return bounds[0] if len(bounds) == 1 else (min(low for low, _ in bounds), max(high for _, high in bounds))


def _overlap(files: Sequence[RecordingFile]) -> bool:
    """Return whether the times of two files have more than an end in common."""
    ordered = sorted(map(_times, files))
    return any(later[0] < earlier[1] or later == earlier for earlier, later in pairwise(ordered))


def _times(file: RecordingFile) -> tuple[int, int]:
    """Return bounds of the available times of a file, int64 ns."""
    earliest, latest = file.earliest, file.latest
    if latest is None:
        return MIN_NS, MAX_NS
    return file.first_available if earliest is None else earliest, latest

"""Counts rows that are in two files, and tells which files share them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import numpy as np

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Batch, Int64s
from tickstock_cli.core.times import MAX_NS, MIN_NS
from tickstock_cli.sources.checks.facts import Oddity
from tickstock_cli.sources.recording_file import RecordingFile

SHARE = 0.05
"""From this share of a file's rows on they are no coincidence, and no late corrections."""
_FEWEST = 3

Pair = tuple[int, ...]
"""The file of a row, the other file that it is in, and what else tells such rows apart."""


class SharedRows:
    """Base of what looks, in merge order, for rows of one record type that two files share.

    Parameters
    ----------
    files
        All files of the recording, by index. Nothing is looked at unless two of them share times and tickers.
    record
        The record type.
    """

    def __init__(self, files: Sequence[RecordingFile], record: str) -> None:
        self._paths = [str(file.path) for file in files]
        self._is_looking = may_share_rows([file for file in files if file.record == record and file.rows])
        self._seen: Int64s = np.zeros(len(files), dtype=np.int64)
        self._found: dict[int, Counter[Pair]] = {}
        """By file, the rows that it shares with others."""

    def oddities(self, file: int) -> Iterator[Oddity]:
        """Return what a file, by its index, has in common with others."""
        pairs = self._found.get(file, Counter())
        count = pairs.total()
        if count < _FEWEST or count < SHARE * int(self._seen[file]):
            return
        most = max(pairs, key=lambda pair: (pairs[pair], -pair[1]))
        # With many such files the sentence is the same for all, so that they share a line.
        is_one = len(self._found) == 1 and len({other for _, other, *_ in pairs}) == 1
        yield Oddity(self._text(most, self._paths[most[1]] if is_one else "other files"), (count,))

    def _text(self, most: Pair, other: str) -> str:
        """Return the text of an oddity with the number of rows; ``most`` is the pair of most of them."""
        raise NotImplementedError

    def _files_of(self, rows: Batch) -> Int64s:
        """Return the file of each of the next rows, and count them as seen."""
        files = rows.origin >> ORIGIN_ROW_BITS
        self._seen += np.bincount(files, minlength=len(self._seen))
        return files

    def _add(self, pairs: Iterable[Pair], counts: Iterable[int]) -> None:
        for pair, count in zip(pairs, counts, strict=True):
            self._found.setdefault(pair[0], Counter())[pair] += count


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

"""Decides which files of a recording have readers of their own, and which are gathered many at a time.

A reader holds a page or two of every column, and every round of the merge visits it. So only so many files are read
side by side: the largest ones, if more overlap in time. Files that do not overlap are read one after another, however
many there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.sources.plain_numbers import Bools

MOST_READERS = 64
READER_BYTES = 192 << 20
"""Most files that are read side by side, and most memory of their readers."""
LARGE_ROWS = 1 << 18
"""Files of fewer rows are gathered, unless all files can have readers."""


@dataclass(frozen=True, slots=True)
class Spans:
    """Facts about files, one entry each.

    Parameters
    ----------
    starts, ends
        Bounds of the available times, int64 ns, both inclusive.
    rows
        Numbers of rows.
    memory
        Bytes that a reader of the file holds.
    """

    starts: Int64s
    ends: Int64s
    rows: Int64s
    memory: Int64s

    def only(self, chosen: Bools) -> Spans:
        """Return the facts about some of the files."""
        return Spans(self.starts[chosen], self.ends[chosen], self.rows[chosen], self.memory[chosen])


def own_readers(spans: Spans) -> Bools:
    """Return which files have readers of their own: all, or as many large ones as the bounds allow."""
    if _fit(spans):
        return np.ones(len(spans.rows), dtype=np.bool_)
    sizes = np.unique(spans.rows[spans.rows >= LARGE_ROWS])
    fits, too_many = len(sizes), -1  # all files of at least sizes[fits] rows fit
    while fits - too_many > 1:
        middle = (fits + too_many) // 2
        if _fit(spans.only(spans.rows >= sizes[middle])):
            fits = middle
        else:
            too_many = middle
    return spans.rows >= sizes[fits] if fits < len(sizes) else np.zeros(len(spans.rows), dtype=np.bool_)


def _fit(spans: Spans) -> bool:
    one = len(spans.rows) < 2
    return most_at_once(spans) <= MOST_READERS and (one or most_at_once(spans, spans.memory) <= READER_BYTES)


def most_at_once(spans: Spans, weights: Int64s | None = None) -> int:
    """Return the greatest number of spans that overlap at one time, or the greatest sum of their ``weights``."""
    starts, ends = spans.starts, spans.ends
    each = np.ones(len(starts), dtype=np.int64) if weights is None else weights
    by_start, by_end = np.argsort(starts), np.argsort(ends)
    begun = np.cumsum(each[by_start])[np.searchsorted(starts[by_start], starts, side="right") - 1]
    over = np.concatenate([[0], np.cumsum(each[by_end])])[np.searchsorted(ends[by_end], starts)]
    return int((begun - over).max(initial=0))


def clusters(starts: Int64s, ends: Int64s) -> Int64s:
    """Return, per span, the number of spans up to the end of its cluster. Spans of different clusters do not overlap.

    Parameters
    ----------
    starts
        Ascending.
    """
    first = np.empty(len(starts), dtype=np.bool_)
    first[:1] = True
    first[1:] = starts[1:] > np.maximum.accumulate(ends)[:-1]
    behind: Int64s = np.append(np.flatnonzero(first)[1:], len(starts))
    ends_of: Int64s = behind[np.cumsum(first) - 1]
    return ends_of

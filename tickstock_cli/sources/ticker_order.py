"""Recognises files that are sorted by ticker, then by time: only sorting by time reads them rightly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import MIN_NS, NS_PER_SECOND
from tickstock_cli.errors import OrderError
from tickstock_cli.sources.plain_numbers import Bools
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

REMEDY = "sort while reading with --sort, or continue with --late reject"
"""Advice for a file that is not in order."""
SORT_REMEDY = "it is sorted by ticker, then by time: sort it by time while reading, with --sort"

PARTS_REMEDY = "it is sorted by ticker within parts, such as days: sort it by time while reading, with --sort"

_CHUNK_ROWS = 1 << 16
_FEWEST_ROWS = 2
"""Fewest rows of a ticker, on average."""
_MOST_ROWS = 1 << 24
"""Rows that are looked at: a file whose tickers come one after another for so long is sorted by them."""
_MOST_ROWS_OF_PARTS = 1 << 20
_FAR = 60 * NS_PER_SECOND
"""How far behind other rows are those of a ticker that was sorted: more than feeds are apart."""
_FEWEST_FAR = 0.2
_FEWEST_TOGETHER = 1.5
"""Rows that are far behind, on average, wherever time goes back."""
_MOST_LATE = 0.02
"""Of the rows of parts: so many can be behind others of their own ticker."""


def remedy_of(file: RecordingFile) -> str:
    """Return the advice for a file that is not in order."""
    return _remedy_of_tickers(file) or REMEDY


def refuse_if_sorted_by_ticker(file: RecordingFile) -> None:
    """Raise OrderError if a file, or each part of it, is sorted by ticker, then by time.

    With `--late reject` all rows but those of its first ticker would count as known at the end of that one: no row
    would be rejected, and their events would be lost.
    """
    remedy = _remedy_of_tickers(file)
    if remedy is not None:
        raise OrderError(
            f"{file.path} cannot be read with --late reject, which would lose events and reject no row: {remedy}"
        )


def must_be_sorted(file: RecordingFile) -> bool:
    """Return whether only sorting reads a file rightly."""
    return _remedy_of_tickers(file) is not None


def _remedy_of_tickers(file: RecordingFile) -> str | None:
    if is_sorted_by_ticker(file):
        return SORT_REMEDY
    return PARTS_REMEDY if _has_sorted_parts(file) else None


def _has_sorted_parts(file: RecordingFile) -> bool:
    """Return whether many rows are far behind those of other tickers, and hardly one behind those of its own.

    Where a ticker begins, several rows are far behind: one that came late is behind for itself.
    """
    if "ticker" not in file.layout.columns:
        return False
    columns = list(dict.fromkeys([*file.time_columns, *file.layout.theirs("ticker")]))
    reader = RowReader(file.read_from, file.group_starts, columns, file.text_columns, _CHUNK_ROWS)
    latest, last, count, far, late, begun = MIN_NS, MIN_NS, 0, 0, 0, 0
    ids: dict[Any, int] = {}
    latest_of = np.empty(0, dtype=np.int64)
    try:
        while reader.row < _MOST_ROWS_OF_PARTS and (rows := reader.read()) is not None:
            times = file.reader.times(rows, 0)
            known = slice(None) if times.known is None else times.known
            codes, available = _codes(file.reader.array(rows, "ticker"), ids)[known], times.available[known]
            if not len(available):
                continue
            latest_of = np.append(latest_of, np.full(len(ids) - len(latest_of), MIN_NS))
            before = np.maximum.accumulate(np.maximum(available, latest))
            far += int(np.count_nonzero(before - available > _FAR))
            late += int(np.count_nonzero(_behind_own(codes, available, latest_of)))
            np.maximum.at(latest_of, codes, available)
            begun += int(np.count_nonzero(available < np.append(last, available[:-1])))
            latest, last, count = int(before[-1]), int(available[-1]), count + len(available)
    finally:
        reader.close()
    are_many = far >= max(_FEWEST_FAR * count, _FEWEST_TOGETHER * begun)
    return begun > 0 and are_many and late <= _MOST_LATE * count


def _behind_own(codes: Int64s, times: Int64s, latest_of: Int64s) -> Bools:
    """Return whether rows are behind an earlier one of their ticker; before them it had reached ``latest_of``."""
    order = np.argsort(codes, kind="stable")
    _, rank = np.unique(times, return_inverse=True)
    keys = codes[order] * (len(codes) + 1) + rank[order]
    behind: Bools = (np.maximum.accumulate(keys) > keys) | (times[order] < latest_of[codes[order]])
    return behind


def _codes(tickers: Any, ids: dict[Any, int]) -> Int64s:
    """Return a number for the ticker of each row, by ``ids``, which new ones are added to; null is one, too."""
    encoded = tickers if pt.is_dictionary(tickers.type) else tickers.dictionary_encode()
    known = [ids.setdefault(name, len(ids)) for name in [*encoded.dictionary.to_pylist(), None]]
    codes = encoded.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
    numbers: Int64s = np.array(known, dtype=np.int64)[codes]
    return numbers


def is_sorted_by_ticker(file: RecordingFile) -> bool:
    """Return whether a file has the rows of one ticker after another, each in the order of time."""
    if "ticker" not in file.layout.columns:
        return False
    columns = list(dict.fromkeys([*file.time_columns, *file.layout.theirs("ticker")]))
    reader = RowReader(file.read_from, file.group_starts, columns, file.text_columns, _CHUNK_ROWS)
    seen: set[Any] = set()
    current: Any = None
    latest, first, count = MIN_NS, 0, 0
    try:
        while first < _MOST_ROWS and (rows := reader.read()) is not None:
            tickers = file.reader.array(rows, "ticker")
            times = file.reader.times(rows, first)
            if times.known is not None:
                tickers, available = tickers.filter(pa.array(times.known)), times.available[times.known]
            else:
                available = times.available
            for name, part in _runs(tickers, available):
                if name != current:
                    if name in seen:
                        return False
                    seen.add(name)
                    current, latest = name, MIN_NS
                if part[0] < latest or (np.diff(part) < 0).any():
                    return False
                latest, count = int(part[-1]), count + len(part)
            first = reader.row
    finally:
        reader.close()
    return count >= _FEWEST_ROWS * len(seen) > _FEWEST_ROWS  # a few late rows look like that, too


def _runs(tickers: Any, times: Int64s) -> Iterator[tuple[str | None, Int64s]]:
    """Yield the ticker and the times of each run of rows of one ticker."""
    if not len(times):
        return
    encoded = tickers if pt.is_dictionary(tickers.type) else tickers.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    names = encoded.dictionary.to_pylist()
    starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)]
    for start, stop in pairwise(starts):
        code = int(codes[start])
        yield (names[code] if code >= 0 else None), times[start:stop]

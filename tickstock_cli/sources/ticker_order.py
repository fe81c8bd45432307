"""Recognises files that are sorted by ticker, then by time: only sorting by time reads them rightly."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import MIN_NS
from tickstock_cli.errors import OrderError
from tickstock_cli.sources.reading import RowReader
from tickstock_cli.sources.recording_file import RecordingFile

REMEDY = "sort while reading with --sort, or continue with --late reject"
"""Advice for a file that is not in order."""
SORT_REMEDY = "it is sorted by ticker, then by time: sort it by time while reading, with --sort"

_CHUNK_ROWS = 1 << 16
_FEWEST_ROWS = 2
"""Fewest rows of a ticker, on average."""
_MOST_ROWS = 1 << 24
"""Rows that are looked at: a file whose tickers come one after another for so long is sorted by them."""


def remedy_of(file: RecordingFile) -> str:
    """Return the advice for a file that is not in order."""
    return SORT_REMEDY if is_sorted_by_ticker(file) else REMEDY


def refuse_if_sorted_by_ticker(file: RecordingFile) -> None:
    """Raise OrderError if a file is sorted by ticker, then by time.

    With `--late reject` all rows but those of its first ticker would count as known at the end of that one: no row
    would be rejected, and their events would be lost.
    """
    if is_sorted_by_ticker(file):
        raise OrderError(
            f"{file.path} cannot be read with --late reject, which would lose events and reject no row: {SORT_REMEDY}"
        )


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

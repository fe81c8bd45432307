"""Reads many small files at once: their rows are decoded file by file, and turned into numbers together.

What is done for every file costs more than its few rows, so this is for files of one layout that are read whole and are
in order. Where anything is otherwise, each file is read for itself (``FileStream``), which also finds the right words
for what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, Batch, Int64s
from tickstock_cli.errors import DataError, OrderError
from tickstock_cli.kernels.normalise import first_descent_in_pieces
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.plain_columns import plain_rows, plain_schema
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.stream import to_batch
from tickstock_cli.sources.ticker_codes import TickerCodes, with_readable_tickers

MOST_ROWS, MOST_FILES = 1 << 16, 1 << 8
"""Most rows and files that are read together."""
_TICKER = "ticker of the file"
"""Name of a column that is added for the tickers that folders and names say."""


class SmallFiles:
    """Reads small files.

    Parameters
    ----------
    files
        By their numbers.
    is_whole
        Whether all rows of a file are read, but for some tickers, and in the order of the file.
    codes
        Codes of tickers.
    watchers
        Filled with the watchers of each file that has any.
    """

    def __init__(
        self,
        files: Sequence[RecordingFile],
        is_whole: Callable[[RecordingFile], bool],
        codes: TickerCodes,
        watchers: MutableMapping[int, Watchers],
    ) -> None:
        self._files = files
        self._is_whole = is_whole
        self._codes = codes
        self._watchers = watchers
        self._decoding = Decoding()
        self._latest: tuple[int, Sequence[int]] = (-1, ())
        """What ``next_alike`` returned for the latest place: it is asked for it again."""

    def next_alike(self, numbers: Sequence[int], first: int) -> Sequence[int]:
        """Return the numbers from place ``first`` on whose files can be read together, as many as there can be.

        Parameters
        ----------
        numbers
            The same for every call.
        """
        if self._latest[0] != first:
            self._latest = first, self._find_alike(numbers, first)
        return self._latest[1]

    def _find_alike(self, numbers: Sequence[int], first: int) -> Sequence[int]:
        rows = 0
        for place in range(first, min(len(numbers), first + MOST_FILES)):
            file = self._files[numbers[place]]
            rows += file.rows
            if rows > MOST_ROWS or not self._is_whole(file) or not _are_alike(file, self._files[numbers[first]]):
                return numbers[first:place]
        return numbers[first : first + MOST_FILES]

    def read(self, numbers: Sequence[int], then: Sequence[int] = ()) -> tuple[Batch, int] | None:
        """Return the rows of files that are alike, and how many were read; None if they must be read one by one.

        Parameters
        ----------
        then
            The files that are read next: they are decoded in the meantime.
        """
        files = [self._files[number] for number in numbers]
        try:
            decoded = self._decoding.rows(files, [self._files[number] for number in then])
            rows = _joined([batch for batches in decoded for batch in batches])
            counts = np.array([sum(batch.num_rows for batch in batches) for batches in decoded], dtype=np.int64)
            if not np.array_equal(counts, [file.rows for file in files]):
                return None
            reader, layout = files[0].reader, files[0].layout
            if "ticker" in layout.constants:
                rows = rows.append_column(_TICKER, _tickers(files, counts))
                reader, layout = reader.with_tickers(_TICKER), layout.with_tickers(_TICKER)
            times = reader.times(rows, 0)
            starts = frozen(np.cumsum(counts) - counts)
            latest = frozen(np.array([file.first_available for file in files], dtype=np.int64))
            if times.known is not None or first_descent_in_pieces(times.available, starts, latest) >= 0:
                return None
            for file, first, count in zip(files, starts.tolist(), counts.tolist(), strict=True):
                if found := Watchers(file.checked.watches):
                    part = rows.slice(first, count)
                    found.see(part, reader.selected(part), 0)
                    self._watchers[file.index] = found
            origins = _origins(np.array(numbers, dtype=np.int64), starts, counts)
            batch = to_batch(reader, with_readable_tickers(rows, layout), times, self._codes, origins)
            return batch, len(origins)
        except (DataError, OrderError, pa.ArrowException, UnicodeDecodeError):
            return None

    def close(self) -> None:
        """End decoding ahead."""
        self._decoding.close()


def _tickers(files: Sequence[RecordingFile], counts: Int64s) -> pa.DictionaryArray[Any, Any]:
    """Return the tickers that the folders or names of files say, for every row."""
    places = np.repeat(np.arange(len(files), dtype=np.int32), counts)
    tickers = [file.layout.constants["ticker"] for file in files]
    return pa.DictionaryArray.from_arrays(places, pa.array(tickers, pa.string()))


def _are_alike(one: RecordingFile, other: RecordingFile) -> bool:
    """Return whether the rows of two files are read in the same way."""
    same_columns = one.schema.equals(other.schema) and one.text_columns == other.text_columns
    return same_columns and one.where_columns == other.where_columns and one.reader.reads_like(other.reader)


def _joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    table = pa.Table.from_batches(batches).combine_chunks()
    (rows,) = table.to_batches()
    return plain_rows(rows, plain_schema(rows.schema))


def _origins(numbers: Int64s, starts: Int64s, counts: Int64s) -> Int64s:
    rows = np.arange(counts.sum(), dtype=np.int64) - np.repeat(starts, counts)
    origins: Int64s = frozen(rows | np.repeat(numbers << ORIGIN_ROW_BITS, counts))
    return origins

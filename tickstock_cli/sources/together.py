"""Reads many small files at once: their rows are decoded file by file, and turned into numbers together.

What is done for every file costs more than its few rows, so this is for files of one layout that are read whole and are
in order. Where anything is otherwise, each file is read for itself (``FileStream``), which also finds the right words
for what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping, Sequence

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Batch
from tickstock_cli.errors import DataError, OrderError
from tickstock_cli.sources.alike import Stretches, are_alike, numbers_of, watch
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.ticker_codes import TickerCodes

MOST_ROWS, MOST_ROWS_IN_ONE_CALL, MOST_FILES = 1 << 16, 1 << 18, 1 << 8
"""Most rows and files that are read together."""
MOST_BYTES = 1 << 24
"""Most bytes of files that are."""
_AHEAD = 2
"""Times that files are decoded ahead, so that nobody waits."""


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
    decoding
        Decodes them; whoever made it closes it.
    """

    def __init__(
        self,
        files: Sequence[RecordingFile],
        is_whole: Callable[[RecordingFile], bool],
        codes: TickerCodes,
        watchers: MutableMapping[int, Watchers],
        decoding: Decoding,
    ) -> None:
        self._files = files
        self._is_whole = is_whole
        self._codes = codes
        self._watchers = watchers
        self._decoding = decoding
        self._alike: dict[int, Sequence[int]] = {}
        """By the place of the first, numbers of files that can be read together."""

    def next_alike(self, numbers: Sequence[int], first: int) -> list[Sequence[int]]:
        """Return the numbers from place ``first`` on whose files can be read together, and those that follow these.

        Parameters
        ----------
        numbers
            The same for every call.
        """
        found = []
        for _ in range(1 + _AHEAD):
            if first not in self._alike:
                self._alike[first] = self._find_alike(numbers, first)
            found.append(self._alike[first])
            first += len(found[-1])
        return found

    def _find_alike(self, numbers: Sequence[int], first: int) -> Sequence[int]:
        if first == len(numbers):
            return ()
        rows = size = 0
        most_rows = MOST_ROWS_IN_ONE_CALL if self._decoding.is_joint(self._files[numbers[first]]) else MOST_ROWS
        for place in range(first, min(len(numbers), first + MOST_FILES)):
            file = self._files[numbers[place]]
            rows += file.rows
            size += file.size
            fits = rows <= most_rows and size <= MOST_BYTES
            if not fits or not self._is_whole(file) or not are_alike(file, self._files[numbers[first]]):
                return numbers[first:place]
        return numbers[first : first + MOST_FILES]

    def read(self, numbers: Sequence[int], then: Sequence[Sequence[int]] = ()) -> tuple[Batch, int] | None:
        """Return the rows of files that are alike, and how many were read; None if they must be read one by one.

        Parameters
        ----------
        then
            The files that are read together after them: they are decoded in the meantime.
        """
        files = [self._files[number] for number in numbers]
        try:
            ahead = [[self._files[number] for number in some] for some in then]
            decoded = self._decoding.together(files, ahead)
            before = frozen(np.array([file.first_available for file in files], dtype=np.int64))
            stretches = Stretches(files, decoded.rows, decoded.counts, np.zeros_like(decoded.counts), before)
            found = numbers_of(stretches, self._codes)
            if found is None:
                return None
            watch(stretches, self._watchers)
            return found[0], decoded.rows.num_rows
        except (DataError, OrderError, pa.ArrowException, UnicodeDecodeError):
            return None

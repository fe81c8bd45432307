"""Reads files that follow one another in time as one stream, in chunks that do not end where a file does.

The next files are decoded in threads while the rows of earlier ones are turned into numbers. A chunk has the rows of as
many files as fill it: nothing is done for each file but opening and decoding it, and steps are chunks, without copies.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, MutableMapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from tickstock_cli.core.batch import Batch, Int64s
from tickstock_cli.errors import DataError, OrderError
from tickstock_cli.sources.alike import Stretches, are_alike, joined, numbers_of, watch
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.decoding import Decoding, Rows
from tickstock_cli.sources.plain_numbers import frozen
from tickstock_cli.sources.plan import Spans
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.ticker_codes import TickerCodes

OneByOne = Callable[[Sequence[RecordingFile], int], Generator[Batch, None, None]]
"""Yields the rows of files that are each read for itself, the first one from a row on."""


@dataclass(frozen=True, slots=True)
class Succession:
    """Files that are alike, are read whole, and follow one another in time.

    Parameters
    ----------
    starts, ends
        Bounds of the available times of each file, int64 ns, both inclusive. None starts before the end of the one
        before it; where both are equal, its number is higher.
    """

    files: Sequence[RecordingFile]
    starts: Int64s
    ends: Int64s


def successions(
    files: Sequence[RecordingFile], spans: Spans, may_join: Callable[[RecordingFile], bool]
) -> list[Succession]:
    """Return files as successions, as long as they can be, by their starts.

    Parameters
    ----------
    spans
        Their bounds.
    may_join
        Returns whether a file is read whole, and small enough; any other is a succession of its own.
    """
    starts, ends = spans.starts.tolist(), spans.ends.tolist()
    found: list[list[int]] = []
    latest: dict[pa.Schema, list[int]] = {}
    """By columns, the succession that the next file can join."""
    for place in sorted(range(len(files)), key=lambda place: (starts[place], files[place].index)):
        file = files[place]
        joins = may_join(file)
        if joins and (group := latest.get(file.schema)) is not None:
            last = files[group[-1]]
            is_later = (ends[group[-1]], last.index) < (starts[place], file.index)
            if is_later and are_alike(files[group[0]], file):
                group.append(place)
                continue
        found.append([place])
        if joins:
            latest[file.schema] = found[-1]
    return [Succession([files[place] for place in group], spans.starts[group], spans.ends[group]) for group in found]


class SuccessiveFiles:
    """The rows of a succession as one stream.

    Where a file is not as its footer says, or its rows need more care, it and all later ones are read one by one.

    Parameters
    ----------
    codes
        Codes of tickers.
    watchers
        Filled with the watchers of each file that has any.
    one_by_one
        Reads files one by one.
    chunk_rows
        Rows of every chunk but the last, and those that are decoded ahead.
    """

    at_rest = False

    def __init__(
        self,
        succession: Succession,
        codes: TickerCodes,
        watchers: MutableMapping[int, Watchers],
        one_by_one: OneByOne,
        chunk_rows: int,
    ) -> None:
        self._succession = succession
        self._codes = codes
        self._watchers = watchers
        self._one_by_one = one_by_one
        self._chunk_rows = chunk_rows
        self._decoding = Decoding()
        self._chunks = self._chunks_of(self._decoded())
        self._place, self._row, self._latest = 0, 0, succession.starts[0]
        """Place of the file of the next row, its number there, and the available time before it, int64 ns."""
        self._rest: Generator[Batch, None, None] | None = None

    def read(self) -> Batch | None:
        """Return the next rows, at least one, or None at the end.

        Raises
        ------
        DataError
            A file is damaged, or a bar's interval is not above 0.
        OrderError
            The rows of a file are not in order, and the options do not allow it.
        """
        while self._rest is None:
            try:
                chunk = next(self._chunks, None)
                if chunk is None:
                    return None
                batch = self._numbers(chunk)
            except (DataError, OrderError, pa.ArrowException, UnicodeDecodeError):
                batch = None
            if batch is None:
                self._decoding.close()
                self._rest = self._one_by_one(self._succession.files[self._place :], self._row)
            elif len(batch):
                return batch
        return next(self._rest, None)

    def _decoded(self) -> Iterator[Rows]:
        """Yield the rows of each file; the next files are decoded in the meantime."""
        files = self._succession.files
        ahead = behind = 0
        for place, file in enumerate(files):
            while behind < len(files) and (behind <= place or ahead < self._chunk_rows):
                ahead += files[behind].rows
                behind += 1
            ahead -= file.rows
            yield self._decoding.rows([file], files[place + 1 : behind])[0]

    def _chunks_of(self, decoded: Iterator[Rows]) -> Iterator[list[tuple[int, pa.RecordBatch]]]:
        """Yield the rows of each chunk: pieces of files, with the places of these."""
        pieces: list[tuple[int, pa.RecordBatch]] = []
        missing = self._chunk_rows
        for place, (file, batches) in enumerate(zip(self._succession.files, decoded, strict=True)):
            if sum(batch.num_rows for batch in batches) != file.rows:
                raise DataError(f"{file.path} has other rows than its footer says")
            for batch in batches:
                rest = batch
                while rest.num_rows >= missing:
                    yield [*pieces, (place, rest.slice(0, missing))]
                    rest = rest.slice(missing)
                    pieces, missing = [], self._chunk_rows
                if rest.num_rows:
                    pieces.append((place, rest))
                    missing -= rest.num_rows
        if pieces:
            yield pieces

    def _numbers(self, chunk: Sequence[tuple[int, pa.RecordBatch]]) -> Batch | None:
        """Return the selected rows of a chunk, and go behind it; None if they must be read one by one."""
        places, of_piece = np.unique([place for place, _ in chunk], return_inverse=True)
        counts = np.bincount(of_piece, [rows.num_rows for _, rows in chunk]).astype(np.int64)
        firsts, before = np.zeros_like(counts), self._succession.starts[places]
        if places[0] == self._place:
            firsts[0], before[0] = self._row, self._latest
        files = [self._succession.files[place] for place in places.tolist()]
        stretches = Stretches(files, joined([rows for _, rows in chunk]), counts, firsts, frozen(before))
        found = numbers_of(stretches, self._codes)
        if found is None:
            return None
        batch, latest = found
        if (latest > self._succession.ends[places]).any():
            return None
        watch(stretches, self._watchers)
        self._place, self._row = int(places[-1]), int(stretches.firsts[-1] + stretches.counts[-1])
        self._latest = int(latest[-1])
        return batch

    def close(self) -> None:
        """End decoding ahead."""
        self._decoding.close()
        if self._rest is not None:
            self._rest.close()

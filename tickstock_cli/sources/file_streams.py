"""The streams of a recording's files: what is read of each, when, and how many side by side."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np

from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, TickBatch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MAX_NS, MIN_NS
from tickstock_cli.sources.checks.running import Watchers
from tickstock_cli.sources.decoding import Decoding
from tickstock_cli.sources.gather import Gathering, HeldMemory
from tickstock_cli.sources.merge import MOST_CHUNK_ROWS, Waiting, chunk_rows, merged
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.order import AsRecorded, InOrder, OrderPolicy, latest_before
from tickstock_cli.sources.plan import Spans, most_at_once, own_readers
from tickstock_cli.sources.recording_file import RecordingFile
from tickstock_cli.sources.sort import SortedStream
from tickstock_cli.sources.stream import FileStream, Stream, earliest_of, has_none_of, is_of_another
from tickstock_cli.sources.successive import SuccessiveFiles, successions
from tickstock_cli.sources.ticker_codes import TickerCodes
from tickstock_cli.sources.ticker_order import refuse_if_sorted_by_ticker, remedy_of
from tickstock_cli.sources.together import SmallFiles

KINDS: dict[str, type[Batch]] = {"tick": TickBatch, "ohlcv": BarBatch, "fmv": FmvBatch}


class FileStreams:
    """Opens the streams of files.

    Parameters
    ----------
    positions
        Per file, the position to read from.
    unsorted
        Per file, whether it is sorted while it is read.
    watchers
        Filled with the watchers of each opened file, if it has any.
    decoding
        Decodes files that are read together; whoever made it closes it.
    """

    def __init__(
        self,
        files: Sequence[RecordingFile],
        options: ReadOptions,
        symbols: SymbolTable,
        temporary: TemporaryFolder,
        positions: Sequence[int],
        unsorted: Sequence[bool],
        watchers: dict[int, Watchers],
        decoding: Decoding,
    ) -> None:
        self._files = files
        self._options = options
        self._codes = TickerCodes(symbols, options.symbols)
        self._temporary = temporary
        self._positions = positions
        self._unsorted = unsorted
        self._watchers = watchers
        self._decoding = decoding

    def waiting(self, batch_rows: int) -> list[Waiting]:
        """Return the streams for the merge, which opens them in their turn."""
        needed = [file for file in self._files if self._is_needed(file)]
        spans = self._spans(needed)
        own = own_readers(spans)
        numbers = np.array([file.index for file in needed], dtype=np.int64)
        rows = chunk_rows(most_at_once(spans.only(own)), batch_rows)
        by_own_readers = [file for file, is_own in zip(needed, own, strict=True) if is_own]
        found: list[Waiting] = [self._in_turn(by_own_readers, spans.only(own), rows)]
        held = HeldMemory()
        for record, kind in KINDS.items():
            mine = ~own & np.array([file.record == record for file in needed], dtype=np.bool_)
            if mine.any():
                small = SmallFiles(self._files, self._is_whole, self._codes.another(), self._watchers, self._decoding)
                gathering = Gathering(
                    kind,
                    numbers[mine],
                    spans.only(mine),
                    self._open,
                    small,
                    held,
                    self._temporary,
                    chunk_rows(1, batch_rows),
                    self._is_plain([file for file, is_mine in zip(needed, mine, strict=True) if is_mine]),
                )
                found.append(gathering)
        return found

    def _in_turn(self, files: Sequence[RecordingFile], spans: Spans, rows: int) -> _InTurn:
        """Return the streams of files that have readers of their own, one for those that follow one another."""
        starts: list[int] = []
        streams: list[Callable[[], Stream]] = []
        for succession in successions(files, spans, lambda file: file.rows <= rows and self._is_read_whole(file)):
            starts.append(int(succession.starts[0]))
            if len(succession.files) == 1:
                streams.append(partial(self._open, succession.files[0].index, rows))
                continue
            one_by_one = partial(self._one_by_one, rows)
            codes = self._codes.another()
            streams.append(partial(SuccessiveFiles, succession, codes, self._watchers, one_by_one, rows))
        return _InTurn(starts, streams)

    def _one_by_one(self, rows: int, files: Sequence[RecordingFile], row: int) -> Generator[Batch, None, None]:
        """Yield the rows of files of one record type, the first one from a row on."""
        streams: list[Callable[[], Stream]] = [partial(self._open, file.index, rows) for file in files]
        if row:
            streams[0] = partial(self._open, files[0].index, rows, row)
        for emission in merged([_InTurn([self._earliest(file) for file in files], streams)]):
            yield from emission.batches

    def _is_read_whole(self, file: RecordingFile) -> bool:
        """Return whether a file is read whole, and no row of it is left out before it is decoded."""
        if self._options.where or not self._is_whole(file):
            return False
        wanted = self._options.symbols
        return not is_of_another(wanted, file) and not any(has_none_of(wanted, group) for group in file.groups)

    def _is_needed(self, file: RecordingFile) -> bool:
        """Return whether a file can have selected rows behind its position, by its footer."""
        index, start, end = file.index, self._options.start, self._options.end
        if not file.rows or (not self._unsorted[index] and self._positions[index] >= file.rows):
            return False
        if start is not None and file.latest is not None and max(file.latest, file.first_available) < start:
            return False
        return end is None or self._earliest(file) < end

    def _is_whole(self, file: RecordingFile) -> bool:
        """Return whether all rows of a file are read, but for some tickers, and in the order of the file."""
        start, end = self._options.start, self._options.end
        inside = start is None or file.first_available >= start
        inside &= end is None or (file.latest is not None and max(file.latest, file.first_available) < end)
        return inside and not self._positions[file.index] and not self._unsorted[file.index]

    def _is_plain(self, files: Sequence[RecordingFile]) -> bool:
        """Return whether all rows of files are read in their order, and available at their times."""
        options = self._options
        selects = options.symbols is not None or bool(options.where)
        moved = options.unsorted is not Unsorted.FAIL or selects
        return not moved and not any(file.record == "ohlcv" or "received_at" in file.layout.columns for file in files)

    def _earliest(self, file: RecordingFile) -> int:
        """Return a lower bound of the available times of a file's selected rows (int64 ns)."""
        latest = MIN_NS if self._unsorted[file.index] else file.first_available
        return earliest_of(file.groups, self._options, latest)

    def _spans(self, files: Sequence[RecordingFile]) -> Spans:
        known = [(file.latest, file.first_available) for file in files]
        latest = [MAX_NS if last is None else max(last, first) for last, first in known]
        facts = (
            [self._earliest(file) for file in files],
            latest,
            [file.rows for file in files],
            [file.open_bytes for file in files],
        )
        return Spans(*(np.array(fact, dtype=np.int64) for fact in facts))

    def _open(self, number: int, rows: int = MOST_CHUNK_ROWS, row: int = 0) -> FileStream | SortedStream:
        """Open a file at its position, or at a row whose watchers go on; it decodes at most so many rows at once."""
        file, position = self._files[number], row or self._positions[number]
        if self._unsorted[number]:
            in_file_order = self._file_stream(number, AsRecorded(file.first_available), rows)
            return SortedStream(in_file_order, self._options.sort_memory_bytes, self._temporary, position)
        lift_late = self._options.unsorted is Unsorted.REJECT
        order = InOrder(
            file.path,
            latest_before(file, position),
            lift_late=lift_late,
            zone=file.reader.zone,
            remedy=partial(remedy_of, file),
            on_late=None if self._options.judges_late else partial(refuse_if_sorted_by_ticker, file),
        )
        return self._file_stream(number, order, rows, position, self._watchers.get(number) if row else None)

    def _file_stream(
        self, number: int, order: OrderPolicy, rows: int, position: int = 0, watchers: Watchers | None = None
    ) -> FileStream:
        stream = FileStream(self._files[number], self._options, self._codes.another(), order, rows, position)
        if watchers is not None:
            stream.watchers = watchers
        elif stream.watchers:
            self._watchers[number] = stream.watchers
        return stream


class _InTurn:
    """Streams that are each opened when the merge reaches its first row.

    Parameters
    ----------
    starts
        Lower bounds of the available times of their rows (int64 ns), ascending.
    streams
        Open the streams.
    """

    def __init__(self, starts: Sequence[int], streams: Sequence[Callable[[], Stream]]) -> None:
        self._starts = starts
        self._streams = streams
        self._next = 0

    @property
    def earliest(self) -> int | None:
        return self._starts[self._next] if self._next < len(self._starts) else None

    def open(self) -> Stream:
        self._next += 1
        return self._streams[self._next - 1]()

    def close(self) -> None:
        """Do nothing: no file is open that the merge has not got."""

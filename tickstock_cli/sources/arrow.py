"""Rows as consecutive Arrow IPC streams from a pipe or a file: ``arrow:-``, ``arrow:PATH``.

1. Read the next stream's schema and recognise the record type of its rows; each stream can have another type.
2. Read its batches as they arrive. Rows that have arrived are yielded before a read that would wait.
3. A stream must end with the end-of-stream mark, and the input behind a stream; otherwise it was cut off.

Rows arrive in merge order: their available times must not descend across streams.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from tickstock_cli.core.batch import Batch, MergedBatch
from tickstock_cli.core.batch_file import TemporaryFolder
from tickstock_cli.core.marks import mark_of
from tickstock_cli.core.metrics import SourceHealth, SourceState
from tickstock_cli.core.stages import ArrivalOptions, Pace
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import DataError, OwnOutputError, UsageError
from tickstock_cli.sources.assemble import Assembler
from tickstock_cli.sources.columns import TickerCodes, frozen, with_ticker_dictionary
from tickstock_cli.sources.discover import FoundFile
from tickstock_cli.sources.interpretation import HEAD_ROWS, Interpretation, interpret
from tickstock_cli.sources.kept_rows import KeptRows
from tickstock_cli.sources.merge import Emission
from tickstock_cli.sources.options import ReadOptions, Unsorted
from tickstock_cli.sources.order import InOrder
from tickstock_cli.sources.params import SourceParams
from tickstock_cli.sources.pipe import Interrupted, PipeBytes
from tickstock_cli.sources.recognise import Layout, check_mapped, check_mapping, recognise
from tickstock_cli.sources.stream import to_batch

STANDARD_INPUT = "-"
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
_FILE_MAGIC = b"ARROW1"
_REMEDY = "write it in the order of available times, or continue with --late reject"


class ArrowParams(SourceParams):
    """How rows that come through a pipe are taken."""

    clock: Literal["auto", "rows", "wall"] = Field(
        default="auto",
        description="what market time passes by between rows: rows alone, or the wall clock; auto is the wall clock "
        "for rows that come in their own time, and rows alone for a recording that is piped in",
    )
    queue_rows: int = Field(
        default=262_144, ge=1, le=100_000_000, description="rows that may wait in memory; more wait on disk"
    )
    hold_back_ms: int = Field(
        default=5, ge=0, le=60_000, description="how long market time waits for rows on their way, in milliseconds"
    )


class ArrowStream:
    """Rows of one pipe or file of Arrow IPC streams.

    Parameters
    ----------
    path
        None is standard input.

    Notes
    -----
    Only one ``batches`` iterator can be active. Memory is that of the received batches.
    """

    Params = ArrowParams

    def __init__(self, path: str | None, options: ReadOptions) -> None:
        self.name = f"arrow:{STANDARD_INPUT if path is None else path}"
        self.symbols = SymbolTable()
        self.repeatable = path is not None and os.path.isfile(path)
        self._path = path
        self._options = options
        self._temporary = TemporaryFolder(options.sort_dir)
        self._kept = KeptRows(self.name, self._temporary)
        self._layouts: dict[pa.Schema, Layout] = {}
        self._known: dict[pa.Schema, Interpretation] = {}
        self._bytes: PipeBytes | None = None
        self._begun = False
        self._health = SourceHealth(SourceState.CONNECTING)

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: ReadOptions) -> Self:
        """Open a stream: ``-`` is standard input, any other target a named pipe or a file."""
        first, *others = map(str, targets)
        if others:
            raise UsageError(f"a run reads one Arrow stream, not arrow:{first} and arrow:{others[0]}; name one")
        if not first:
            raise UsageError("the target arrow: has no stream; write arrow:- for standard input, or arrow:PATH")
        if options.unsorted is Unsorted.SORT:
            raise UsageError(f"--sort sorts recordings, but arrow:{first} is read in the order of arrival: {_REMEDY}")
        check_mapping(options.columns)
        if first == STANDARD_INPUT:
            if sys.stdin is None or sys.stdin.isatty():
                raise UsageError("arrow:- reads standard input, but no pipe is connected to it; see docs/recordings.md")
            return cls(None, options)
        try:
            mode = os.stat(first).st_mode
        except OSError as error:
            raise DataError(f"cannot read arrow:{first}: {(error.strerror or str(error)).lower()}") from error
        if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
            raise DataError(f"cannot read arrow:{first}: it is not a file or a pipe")
        return cls(first, options)

    @property
    def paths(self) -> list[Path]:
        """The file; empty for a pipe."""
        return [Path(self._path)] if self._path is not None and self.repeatable else []

    @property
    def notes(self) -> list[str]:
        """The guesses about the streams received so far."""
        found = (guess.note for how in list(self._known.values()) for guess in how.guesses)
        return [f"in {self.name}, {note}" for note in dict.fromkeys(found) if note is not None]

    @property
    def rows(self) -> None:
        """None: unknown for a stream."""

    @property
    def bounds(self) -> tuple[int | None, int | None]:
        """The start and the end of the selection (int64 ns); None is no bound."""
        return self._options.start, self._options.end

    @property
    def is_live(self) -> bool:
        return not self.repeatable

    @property
    def arrival(self) -> ArrivalOptions:
        params = self._options.params or ArrowParams()
        return ArrivalOptions(params.queue_rows, params.hold_back_ms * 1_000_000, Pace(params.clock))

    def health(self) -> SourceHealth:
        return self._health

    @property
    def whole_span(self) -> None:
        """None: unknown for a stream."""

    @property
    def span(self) -> None:
        """None: unknown for a stream."""

    def batches(self, batch_rows: int, positions: Sequence[int] = ()) -> Iterator[MergedBatch]:
        """Yield the rows of all streams; the position is the number of rows read, selected or not.

        Raises
        ------
        UsageError
            The input can be read only once, and was read before.
        DataError
            The input is cut off, damaged or not an Arrow stream, or a bar's interval is not above 0.
        SchemaError
            The columns of a stream fit no record type, or have types that cannot be read.
        OrderError
            A row is available before one that arrived earlier.
        """
        if batch_rows < 1:
            raise UsageError(f"rows per batch is {batch_rows}, but 1 or more is allowed")
        if self._begun and not self.repeatable:
            raise UsageError(f"{self.name} can be read only once")
        self._begun = True
        (behind,) = positions or (0,)
        with self._guarded(0):
            source = self._bytes = PipeBytes(self._path)
        self._health = SourceHealth(SourceState.CONNECTED, time.time_ns())
        return Assembler(batch_rows, [behind], [False]).steps(self._emissions(source, behind))

    def _emissions(self, source: PipeBytes, behind: int) -> Iterator[Emission | None]:
        """Yield the selected rows; None before a read that can wait."""
        codes = TickerCodes(self.symbols, self._options.symbols)
        order: InOrder | None = None
        row, end = 0, self._options.end
        try:
            for rows in self._record_batches(source):
                if rows is None:
                    yield None
                    continue
                how = self._interpretation(rows)
                if self._options.keep_originals:
                    self._kept.keep(row, rows, how.layout)
                order = order or InOrder(
                    self.name,
                    how.first_available,
                    lift_late=self._options.unsorted is Unsorted.REJECT,
                    remedy=_REMEDY,
                )
                batch = self._batch(rows, how, order, codes, row, behind)
                if len(batch):
                    yield Emission([batch], [None], len(batch))
                row += rows.num_rows
                if end is not None and order.latest >= end:
                    return
        except Interrupted:
            return
        finally:
            source.release()
            self._health = SourceHealth(SourceState.ENDED, time.time_ns())

    def _record_batches(self, source: PipeBytes) -> Iterator[pa.RecordBatch | None]:
        """Yield the batches with rows of all streams; None before a read that would wait."""
        row = 0
        for streams in count():
            if not source.ready:
                yield None
            with self._guarded(row):
                stream = self._next_stream(source, streams)
            while stream is not None:
                if not source.ready:
                    yield None
                with self._guarded(row):
                    rows = next(stream, None)
                    if rows is None:
                        break
                    rows.validate(full=True)
                if rows.num_rows:
                    yield rows
                    row += rows.num_rows
            else:
                return
            if source.tail != END_OF_STREAM:
                raise DataError(
                    f"{self.name} is cut off behind row {row}: its writer ended before the end of the stream"
                )

    def _next_stream(self, source: PipeBytes, streams: int) -> Any:
        """Open the stream with number ``streams``, from 0; None at the end of the input."""
        following = source.peek()
        if not following and not streams:
            raise DataError(f"{self.name} is empty: its writer wrote no Arrow stream; see the errors of the writer")
        if not following:
            return None
        if following.startswith(_FILE_MAGIC):
            raise DataError(f"{self.name} is an Arrow file, not a stream: write it with pyarrow.ipc.new_stream")
        stream = pa.ipc.open_stream(source)  # type: ignore[arg-type]  # has what pyarrow needs of a file
        if (mark := mark_of(stream.schema)) is not None:
            raise OwnOutputError(f"{self.name} holds {mark} that tickstock wrote, not a recording")
        self._layout(stream.schema)
        return stream

    def _layout(self, schema: pa.Schema) -> Layout:
        """Return the layout of a stream: its record type and the names of its columns."""
        if schema not in self._layouts:
            layout = recognise(FoundFile(self.name, {}), schema, self._options.columns)
            check_mapped(self._options.columns, [(layout, schema.names)])
            self._layouts[schema] = layout
        return self._layouts[schema]

    def _interpretation(self, rows: pa.RecordBatch) -> Interpretation:
        """Return how rows of a schema are read, determined from the first ones."""
        if rows.schema not in self._known:
            layout = self._layout(rows.schema)
            head = with_ticker_dictionary(rows.slice(0, HEAD_ROWS), layout)
            self._known[rows.schema] = interpret(self.name, layout, head, self._options)
        return self._known[rows.schema]

    def _batch(
        self, rows: pa.RecordBatch, how: Interpretation, order: InOrder, codes: TickerCodes, first: int, behind: int
    ) -> Batch:
        """Return the selected rows from row ``behind`` on as numbers; ``first`` is the number of the first row."""
        rows = with_ticker_dictionary(rows, how.layout)
        times = order.settle(how.reader.times(rows, first), first)
        start, end = self._options.start, self._options.end
        low = max(0, behind - first, 0 if start is None else int(np.searchsorted(times.available, start)))
        high = rows.num_rows if end is None else int(np.searchsorted(times.available, end))
        low = min(low, high)
        numbers = frozen(np.arange(first + low, first + high, dtype=np.int64))
        return to_batch(how.reader, rows.slice(low, high - low), times.cut(low, high), codes, numbers)

    @contextmanager
    def _guarded(self, row: int) -> Iterator[None]:
        """Translate every error of reading a stream into a DataError of one line."""
        try:
            yield
        except DataError:
            raise
        except (pa.ArrowException, OSError, EOFError, ValueError, MemoryError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise DataError(
                f"cannot read {self.name} behind row {row}: it is damaged, cut off or not an Arrow stream ({reason})"
            ) from error

    def origins(self) -> KeptRows:
        """Return a look-up of the received rows."""
        return self._kept

    def interrupt(self) -> None:
        if self._bytes is not None:
            self._bytes.interrupt()

    def close(self) -> None:
        """Close the input and remove temporary files. Idempotent."""
        if self._bytes is not None:
            self._bytes.release()
        self._kept.discard()
        self._temporary.close()

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
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any, Self

import pyarrow as pa

from tickstock_cli.core.first_bytes import ARROW_FILE
from tickstock_cli.core.marks import mark_of
from tickstock_cli.core.memory_errors import raise_if_short
from tickstock_cli.core.stages import ArrivalOptions, Pace
from tickstock_cli.errors import DataError, OwnOutputError, UsageError
from tickstock_cli.sources.arrow_params import ArrowParams
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.pipe import Interrupted, PipeBytes
from tickstock_cli.sources.plain_columns import plain_types
from tickstock_cli.sources.row_stream import RowStream

STANDARD_INPUT = "-"
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"


class ArrowStream(RowStream):
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
        name = f"arrow:{STANDARD_INPUT if path is None else path}"
        super().__init__(name, options, repeatable=path is not None and os.path.isfile(path))
        self._path = path
        self._bytes: PipeBytes | None = None

    @classmethod
    def open(cls, targets: Sequence[str | Path], options: ReadOptions) -> Self:
        """Open a stream: ``-`` is standard input, any other target a named pipe or a file."""
        first, *others = map(str, targets)
        if others:
            raise UsageError(f"a run reads one Arrow stream, not arrow:{first} and arrow:{others[0]}; name one")
        if not first:
            raise UsageError("the target arrow: has no stream; write arrow:- for standard input, or arrow:PATH")
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
    def is_live(self) -> bool:
        return not self.repeatable

    @property
    def arrival(self) -> ArrivalOptions:
        params = self.options.params or ArrowParams()
        return ArrivalOptions(params.queue_rows, params.hold_back_ms * 1_000_000, Pace(params.clock))

    def record_batches(self) -> Iterator[pa.RecordBatch | None]:
        """Open the input, and yield the batches with rows of all streams; None before a read that would wait."""
        with self._guarded(0):
            self._bytes = PipeBytes(self._path)
        return self._until_interrupted(self._bytes)

    def end_reading(self) -> None:
        if self._bytes is not None:
            self._bytes.release()

    def _until_interrupted(self, source: PipeBytes) -> Iterator[pa.RecordBatch | None]:
        with suppress(Interrupted):
            yield from self._record_batches(source)

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
        if following.startswith(ARROW_FILE):
            raise DataError(f"{self.name} is an Arrow file, not a stream: write it with pyarrow.ipc.new_stream")
        stream = pa.ipc.open_stream(source)  # type: ignore[arg-type]  # has what pyarrow needs of a file
        if (mark := mark_of(stream.schema)) is not None:
            raise OwnOutputError(f"{self.name} holds {mark} that tickstock wrote, not a recording")
        self.layout(plain_types(stream.schema))
        return stream

    @contextmanager
    def _guarded(self, row: int) -> Iterator[None]:
        """Translate every error of reading a stream into a DataError of one line."""
        try:
            yield
        except DataError:
            raise
        except (pa.ArrowException, OSError, EOFError, ValueError, MemoryError) as error:
            raise_if_short(error)
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise DataError(
                f"cannot read {self.name} behind row {row}: it is damaged, cut off or not an Arrow stream ({reason})"
            ) from error

    def interrupt(self) -> None:
        if self._bytes is not None:
            self._bytes.interrupt()

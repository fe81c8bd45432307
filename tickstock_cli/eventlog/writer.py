"""The writing side: a log that grows.

1. An appended batch becomes an open block; open blocks are folded, so that they stay few.
2. As soon as they hold ``block_bytes``, they are closed into one block.
3. A closed block becomes a segment, and the journal is emptied; open blocks are written to the journal.
4. Retention deletes segments. Beyond the memory bound, closed blocks that are segments are dropped from memory.
5. Readers see the batch only after these steps: an event that a reader has seen survives the death of the process.

If step 3 fails, the events stay in memory, readers see them, ``problem`` names the reason, and the next append tries
again.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.counted import worded
from tickstock_cli.core.digest import EventDigest
from tickstock_cli.core.events import EVENT_SCHEMA
from tickstock_cli.core.files import sync
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError, SchemaError
from tickstock_cli.eventlog.blocks import Block, folded, joined, own
from tickstock_cli.eventlog.journal import JOURNAL, Journal
from tickstock_cli.eventlog.limits import LogLimits
from tickstock_cli.eventlog.manifest import RunInfo, RunSummary, manifest_of
from tickstock_cli.eventlog.retention import SegmentRetention
from tickstock_cli.eventlog.segments import Segment, write_segment
from tickstock_cli.eventlog.view import LogState, LogView
from tickstock_cli.storage.names import check_local

DEFAULT_LIMITS = LogLimits()


class EventLog(LogView):
    """A log that one thread appends to and any thread reads. ``finish`` completes it; ``close`` alone breaks it off.

    Parameters
    ----------
    folder
        Created if missing; must be empty.
    run
        The run whose events are appended.
    schema
        Columns of the events: at least those of ``EVENT_SCHEMA``. Its metadata holds the declarations of their kinds.

    Raises
    ------
    UsageError
        The folder is in an object store.
    OutputError
        The folder cannot be written, or is not empty.
    SchemaError
        A column of ``EVENT_SCHEMA`` is missing.
    """

    def __init__(
        self, folder: Path, run: RunInfo, limits: LogLimits = DEFAULT_LIMITS, schema: pa.Schema = EVENT_SCHEMA
    ) -> None:
        check_local(folder, "an event log")
        super().__init__(folder, run, schema, LogState((), (), 1, 1), limits.cache_bytes)
        missing = [field.name for field in EVENT_SCHEMA if schema.get_field_index(field.name) < 0]
        if missing:
            raise SchemaError(f"an event log needs the column {missing[0]} of every event")
        self._limits = limits
        self._retention = SegmentRetention(limits)
        self._hash = EventDigest(schema)
        self._segments: tuple[Segment, ...] = ()
        self._expired: list[Segment] = []
        self._closed: list[Block] = []
        self._open: list[Block] = []
        self._next = 1
        self._sealed = 1
        """Segments hold the events before this number; segments or the journal hold those before ``_journaled``."""
        self._journaled = 1
        self._manifest = manifest_of(run, schema)
        self._journal = self._begin()

    def append(self, events: pa.RecordBatch) -> int:
        """Append events, and return the sequence number of the next one.

        An append takes the whole batch or none of it. It never waits for readers.

        Raises
        ------
        OutputError
            The disk has refused writes until twice the memory bound was full; or the log is finished.
        SchemaError
            The events have other columns than the log.
        """
        if self.finished:
            raise OutputError(f"cannot write event log {self.folder}: the run is finished")
        if not events.schema.equals(self.schema):
            raise SchemaError(f"event log {self.folder} has other columns than the appended events")
        if self._is_full():
            self._save()
        if self._is_full():
            raise OutputError(f"{self._problem}; memory is full, so events from {self._next} on are refused")
        for piece in self._pieces(events):
            self._take(piece)
        self._save()
        self._publish()
        return self._next

    def finish(self) -> None:
        """Make all events durable and mark the log as finished. Idempotent; a failed call can be repeated.

        Raises
        ------
        OutputError
            A write failed; the events stay in memory as long as the process lives.
        """
        if self.finished:
            return
        self._close_block()
        self._save()
        self._publish()
        if self._problem is not None:
            raise OutputError(self._problem)
        digest = self._hash.hexdigest()
        finished = RunSummary(first=self._state.first, last=self._next - 1, digest=digest)
        try:
            self._delete_expired()
            for segment in self._segments:
                sync(segment.path)
            self._manifest.model_copy(update={"finished": finished}).write(self.folder)
        except OSError as error:
            raise OutputError(self._unwritable(error)) from error
        self.close()
        with suppress(OSError):  # a finished log is read without its journal
            (self.folder / JOURNAL).unlink()
        self._digest = digest
        self._publish(finished=True)

    def close(self) -> None:
        """Release the folder. Without ``finish`` before, the run counts as broken off. Idempotent."""
        self._journal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> Journal:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if found := sorted(entry.name for entry in os.scandir(self.folder)):
                raise OutputError(
                    f"cannot write event log {self.folder}: it is not empty ({found[0]}); name a new or empty folder"
                )
            journal = Journal(self.folder)
            try:
                self._manifest.write(self.folder)
            except OSError:
                journal.close()
                (self.folder / JOURNAL).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise OutputError(self._unwritable(error)) from error
        return journal

    def _pieces(self, events: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        """Yield pieces of a batch, each about the size of a block."""
        if not events.num_rows:
            return
        count = -(-pa.ipc.get_record_batch_size(events) // self._limits.block_bytes)
        rows = -(-events.num_rows // count)
        for start in range(0, events.num_rows, rows):
            yield own(events.slice(start, rows))

    def _take(self, events: pa.RecordBatch) -> None:
        self._open = folded([*self._open, Block(self._next, events)])
        self._next += events.num_rows
        if sum(block.size for block in self._open) >= self._limits.block_bytes:
            self._close_block()

    def _close_block(self) -> None:
        if self._open:
            self._closed.append(joined(self._open))
            self._open = []

    def _save(self) -> None:
        """Write all unwritten events, then free memory."""
        try:
            self._delete_expired()
            for block in self._closed:
                if block.first >= self._sealed:
                    self._seal(block)
            for block in self._open:
                if block.next > self._journaled:
                    begin = max(block.first, self._journaled)
                    self._journal.write(begin, block.events.slice(begin - block.first))
                    self._journaled = block.next
        except OSError as error:
            waiting = worded("{} {event waits|events wait} in memory", self._next - self._journaled)
            self._problem = f"{self._unwritable(error)}; {waiting}"
        else:
            self._problem = None
        self._free_memory()

    def _delete_expired(self) -> None:
        """Delete the segments that retention dropped at an earlier append: readers see that they are gone."""
        while self._expired:
            self._expired[0].path.unlink(missing_ok=True)
            del self._expired[0]

    def _seal(self, block: Block) -> None:
        segment = write_segment(self.folder, block)
        self._hash.update(block.events)
        self._sealed = block.next
        # The journal held at most the open blocks from before this block was closed.
        self._journaled = block.next
        newest: Any = pc.max(block.events.column("emitted_at"))
        expired = self._retention.add(segment, newest.as_py())
        for deleted in expired:
            self._damage.remove(deleted)
        self._expired += expired
        self._segments = (*self._segments, segment)[len(expired) :]
        self._journal.clear()

    def _free_memory(self) -> None:
        """Drop blocks from memory: those that retention dropped and, beyond the bound, those that are on disk."""
        held = self._held()
        kept = self._segments[0].first if self._segments else 1
        while self._closed:
            oldest = self._closed[0]
            if oldest.next > kept and (held <= self._limits.memory_bytes or oldest.next > self._sealed):
                return
            held -= oldest.footprint
            del self._closed[0]

    def _held(self) -> int:
        return sum(block.footprint for block in (*self._closed, *self._open))

    def _is_full(self) -> bool:
        return self._held() >= 2 * self._limits.memory_bytes

    def _publish(self, *, finished: bool = False) -> None:
        blocks = (*self._closed, *self._open)
        first = self._segments[0].first if self._segments else 1
        self._state = LogState(self._segments, blocks, first, self._next, finished)
        self._notify()

    def _unwritable(self, error: OSError) -> str:
        return f"cannot write event log {self.folder}: {os_error_hint(error)}"

"""The reading side of a log, the same for one that grows, one that is finished and one that broke off."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from tickstock_cli.core.declarations import declarations_of
from tickstock_cli.errors import DamagedError, DataError, ExpiredError
from tickstock_cli.eventlog.blocks import Block, concatenated, joined
from tickstock_cli.eventlog.cache import SegmentCache
from tickstock_cli.eventlog.callbacks import Callbacks
from tickstock_cli.eventlog.damage import Damage
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.segments import Segment, read_verified, unreadable
from tickstock_cli.eventlog.slices import LogSlice

TAIL_ROWS = 1_024
"""The most events at the end that are joined into one block. Readers that one append woke share the joined block."""
TAILS = 8
"""Joined blocks that are kept."""

Content = TypeVar("Content")


@dataclass(frozen=True, slots=True)
class LogState:
    """The immutable state of a log at one moment: a reader takes it once and needs no lock.

    ``segments`` and ``blocks`` may overlap; together they hold ``[first, next)`` without a gap.
    """

    segments: tuple[Segment, ...]
    blocks: tuple[Block, ...]
    """The newest events, up to the end."""
    first: int
    next: int
    finished: bool = False


class LogView:
    """Events with sequence numbers 1, 2, 3 …; all methods are safe in any thread.

    Parameters
    ----------
    folder
        Folder of the log.
    run
        The run that emitted the events.
    schema
        Columns of the events, with the declarations of their kinds in its metadata.
    state
        Segments and blocks at the start.
    cache_bytes
        Memory bound of the segments that are read back.
    """

    def __init__(self, folder: Path, run: RunInfo, schema: pa.Schema, state: LogState, cache_bytes: int) -> None:
        self.folder = folder
        self.run = run
        self.schema = schema.remove_metadata()
        self.declared = declarations_of(schema)
        """What the detectors of the run declare; empty in logs of older versions."""
        self._state = state
        self._cache = SegmentCache(cache_bytes)
        self._tails: dict[tuple[int, int], Block] = {}
        self._callbacks = Callbacks(f"event log {self.folder}")
        self._problem: str | None = None
        self._damage = Damage()
        self._digest: str | None = None
        self.broke_off_at: int | None = None
        """Wall time of the last write (ns since the epoch, UTC) of a run that broke off; None for other runs."""
        self._empty: pa.RecordBatch = pa.RecordBatch.from_pylist([], self.schema)

    @property
    def first_sequence(self) -> int:
        """Number of the oldest event still kept; without events, the number of the next one."""
        return self._state.first

    @property
    def next_sequence(self) -> int:
        """Number that the next event will get."""
        return self._state.next

    @property
    def finished(self) -> bool:
        """Whether the run is over and all its events are in the log."""
        return self._state.finished

    @property
    def digest(self) -> str | None:
        """Digest of all events of the run, equal to that of a replay into files; None before the log is finished."""
        return self._digest

    @property
    def problem(self) -> str | None:
        """One line that says what is wrong with the log; None = nothing.

        While the log grows: the reason why events cannot be written and wait in memory. After a run that broke off:
        the events that are lost. In any log: the segments that could not be read when they were read last.
        """
        return "; ".join(filter(None, (self._problem, self._damage.words()))) or None

    @property
    def damaged_events(self) -> int:
        """Number of events in segments that could not be read when they were read last."""
        return self._damage.events

    def check(self) -> int:
        """Verify the checksums of all segments, and return the number of events that cannot be read.

        Reads every file: about a second for each gigabyte. ``problem`` names the damaged files afterwards.
        """
        for segment in self._state.segments:
            with suppress(DataError):
                self._verified(segment, read_verified)
        return self.damaged_events

    def read(self, sequence: int, limit: int) -> LogSlice:
        """Return at most ``limit`` events from ``sequence`` on; none if there are none yet.

        Never waits. Costs microseconds for events in memory; older ones may need to be read from a file. A slice ends
        before a segment that cannot be read.

        Parameters
        ----------
        sequence
            The consumer's cursor: 1 to ``next_sequence``. The next read begins at the slice's ``next_sequence``.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        DamagedError
            The segment of ``sequence`` cannot be read; the error says where the log goes on.
        DataError
            The log never had this event.
        """
        state = self._state
        self._check(sequence, state)
        end = min(state.next, sequence + limit)
        parts: list[pa.RecordBatch] = []
        position = sequence
        while position < end:
            try:
                block = self._block(state, position)
            except DamagedError:
                if parts:
                    break
                raise
            start, stop = position - block.first, min(block.rows, end - block.first)
            parts.append(block.events.slice(start, stop - start))
            position = block.first + stop
        return LogSlice(sequence, concatenated(parts) if parts else self._empty)

    def readable(self, rows: int) -> Iterator[LogSlice]:
        """Yield all events that can be read, in slices of at most ``rows``; ``problem`` then counts the others."""
        place = self.first_sequence
        while place < self.next_sequence:
            try:
                part = self.read(place, rows)
            except DamagedError as error:
                place = error.next_sequence
            else:
                yield part
                place = part.next_sequence

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each append, at the end, and when damage is found; return what stops this.

        The appender's thread calls it, or the reader's that found the damage: it must be quick. An error in it is
        logged.
        """
        return self._callbacks.add(callback)

    def _notify(self) -> None:
        self._callbacks.call_all()

    def _check(self, sequence: int, state: LogState) -> None:
        if sequence < state.first:
            raise ExpiredError(
                f"event log {self.folder} no longer keeps event {sequence}: the oldest one is {state.first}",
                state.first,
            )
        if sequence > state.next:
            raise DataError(
                f"event log {self.folder} has no event {sequence}: the next one will be {state.next}; "
                "does the number belong to another run?"
            )

    def _block(self, state: LogState, sequence: int) -> Block:
        """Return a block that holds ``sequence``; short blocks near the end of the log are returned as one."""
        if state.blocks and sequence >= state.blocks[0].first:
            place = bisect_right(state.blocks, sequence, key=lambda block: block.first) - 1
            block = state.blocks[place]
            if block.next < state.next <= sequence + TAIL_ROWS:
                return self._tail(state.blocks[place:], sequence, state.next)
            return block
        place = bisect_right(state.segments, sequence, key=lambda segment: segment.first) - 1
        return self._verified(state.segments[place], self._cache.get)

    def _verified(self, segment: Segment, read: Callable[[Segment], Content]) -> Content:
        """Read a segment, and record whether that is possible. Raises ExpiredError or DamagedError."""
        try:
            content = read(segment)
        except FileNotFoundError as error:
            self._check(segment.first, self._state)
            self._report(segment)
            raise unreadable(segment, "the file is gone; restore it from a copy") from error
        except DamagedError:
            self._report(segment)
            raise
        self._damage.remove(segment)
        return content

    def _report(self, segment: Segment) -> None:
        if self._damage.add(segment):
            self._notify()

    def _tail(self, blocks: Sequence[Block], sequence: int, end: int) -> Block:
        if (tail := self._tails.get((sequence, end))) is not None:
            return tail
        begun = Block(sequence, blocks[0].events.slice(sequence - blocks[0].first))
        tail = joined([begun, *blocks[1:]])
        # A new dictionary instead of a lock: a reader in another thread may miss an entry, but never sees half of one.
        self._tails = {(sequence, end): tail, **dict(islice(self._tails.items(), TAILS - 1))}
        return tail

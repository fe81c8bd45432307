"""The reading side of a log, the same for one that grows, one that is finished and one that broke off."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from tickstock_cli.core.declarations import declarations_of
from tickstock_cli.errors import DataError, ExpiredError
from tickstock_cli.eventlog.blocks import Block, concatenated, joined
from tickstock_cli.eventlog.cache import SegmentCache
from tickstock_cli.eventlog.callbacks import Callbacks
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.segments import Segment
from tickstock_cli.eventlog.slices import LogSlice

TAIL_ROWS = 1_024
"""The most events at the end that are joined into one block. Readers that one append woke share the joined block."""
TAILS = 8
"""Joined blocks that are kept."""


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
        self._digest: str | None = None
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
        the events that are lost.
        """
        return self._problem

    def read(self, sequence: int, limit: int) -> LogSlice:
        """Return at most ``limit`` events from ``sequence`` on; none if there are none yet.

        Never waits. Costs microseconds for events in memory; older ones may need to be read from a file.

        Parameters
        ----------
        sequence
            The consumer's cursor: 1 to ``next_sequence``. The next read begins at the slice's ``next_sequence``.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        DataError
            The log never had this event, or a segment is damaged.
        """
        state = self._state
        self._check(sequence, state)
        end = min(state.next, sequence + limit)
        parts: list[pa.RecordBatch] = []
        position = sequence
        while position < end:
            block = self._block(state, position)
            start, stop = position - block.first, min(block.rows, end - block.first)
            parts.append(block.events.slice(start, stop - start))
            position = block.first + stop
        return LogSlice(sequence, concatenated(parts) if parts else self._empty)

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each append and at the end; return the function that stops this.

        The appender's thread calls it: it must be quick. An error in it is logged.
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
        segment = state.segments[place]
        try:
            return self._cache.get(segment)
        except FileNotFoundError as error:
            self._check(sequence, self._state)
            raise DataError(
                f"cannot read events {segment.first} to {segment.last}: {segment.path} is gone; restore it from a copy"
            ) from error

    def _tail(self, blocks: Sequence[Block], sequence: int, end: int) -> Block:
        if (tail := self._tails.get((sequence, end))) is not None:
            return tail
        begun = Block(sequence, blocks[0].events.slice(sequence - blocks[0].first))
        tail = joined([begun, *blocks[1:]])
        # A new dictionary instead of a lock: a reader in another thread may miss an entry, but never sees half of one.
        self._tails = {(sequence, end): tail, **dict(islice(self._tails.items(), TAILS - 1))}
        return tail

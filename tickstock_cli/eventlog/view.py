"""The reading side of a log, the same for one that grows, one that is finished and one that broke off."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pyarrow as pa

from tickstock_cli.errors import DataError, ExpiredError
from tickstock_cli.eventlog.blocks import Block, joined
from tickstock_cli.eventlog.cache import SegmentCache
from tickstock_cli.eventlog.filters import Filter
from tickstock_cli.eventlog.listeners import Listeners
from tickstock_cli.eventlog.manifest import RunInfo
from tickstock_cli.eventlog.segments import Segment
from tickstock_cli.eventlog.slices import LogSlice, Pick

TAIL_ROWS = 1_024
"""Up to so many of the newest events, which may lie in several small blocks, are joined once for all readers that
stand at the same place: those that were woken by the same append."""
TAILS = 8
"""Places that are remembered so."""

EXAMINED_ROWS = 65_536
"""The most events one reading looks at, so that a filter that nothing passes cannot keep a reader for long."""


@dataclass(frozen=True, slots=True)
class LogState:
    """The log at one moment, immutable: a reader takes it once and needs no lock.

    ``segments`` and ``blocks`` may hold the same events; together they hold ``[first, next)`` without a hole.
    """

    segments: tuple[Segment, ...]
    blocks: tuple[Block, ...]
    """The newest part, to the end."""
    first: int
    next: int
    finished: bool = False


class LogView:
    """Events with sequence numbers 1, 2, 3 …; all methods are safe in any thread.

    Parameters
    ----------
    folder
        Where the log lies.
    run
        Whose events it holds.
    schema
        Columns of the events.
    snapshot
        What there is.
    cache_bytes
        Bound of the memory for segments that are read back.
    """

    def __init__(self, folder: Path, run: RunInfo, schema: pa.Schema, snapshot: LogState, cache_bytes: int) -> None:
        self.folder = folder
        self.run = run
        self.schema = schema
        self._snapshot = snapshot
        self._cache = SegmentCache(cache_bytes)
        self._tails: dict[tuple[int, int], Block] = {}
        self._listeners = Listeners(f"event log {self.folder}")
        self._problem: str | None = None
        self._digest: str | None = None

    @property
    def first_sequence(self) -> int:
        """Number of the oldest event still kept; that of the next one if there is none."""
        return self._snapshot.first

    @property
    def next_sequence(self) -> int:
        """Number that the next event will get."""
        return self._snapshot.next

    @property
    def finished(self) -> bool:
        """Whether the run is over and all its events are in the log."""
        return self._snapshot.finished

    @property
    def digest(self) -> str | None:
        """Digest of all events of the run, as a replay into files gives it; None before it is finished."""
        return self._digest

    @property
    def problem(self) -> str | None:
        """What is wrong with the log, in one line; None = nothing.

        While it grows: why events cannot be written, and wait in memory. Of a run that broke off: what is lost.
        """
        return self._problem

    @property
    def healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self._problem is None

    def read(self, sequence: int, limit: int, where: Filter | None = None) -> LogSlice:
        """Return at most ``limit`` events from ``sequence`` on; none if there are none yet.

        Gives what is there and does not wait. Costs microseconds in the newest part; behind it may read a file.

        Parameters
        ----------
        sequence
            The consumer's cursor: 1 to ``next_sequence``. The next reading begins at the slice's ``next_sequence``.
        where
            Events that do not pass are left out, and do not count to ``limit``.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        DataError
            There never was such an event, or a segment is damaged.
        """
        snapshot = self._snapshot
        self._check(sequence, snapshot)
        end = min(snapshot.next, sequence + EXAMINED_ROWS)
        picks: list[Pick] = []
        position = sequence
        while position < end and limit > 0:
            block = self._block(snapshot, position, end)
            start, stop = position - block.first, min(block.rows, end - block.first)
            if where is None:
                pick = Pick(block, start, min(stop, start + limit), None)
            else:
                rows = block.passing(where, start, stop)
                pick = Pick(block, start, stop if len(rows) <= limit else int(rows[limit]), rows[:limit])
            if pick.count:
                picks.append(pick)
            limit -= pick.count
            position = block.first + pick.stop
        return LogSlice(self.schema, sequence, position, tuple(picks))

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called after each append and at the end, and return what ends it.

        It is called in the appender's thread: it must be quick, and should not fail. What it raises is logged.
        """
        return self._listeners.add(callback)

    def _notify(self) -> None:
        self._listeners.tell()

    def _check(self, sequence: int, snapshot: LogState) -> None:
        if sequence < snapshot.first:
            raise ExpiredError(
                f"event log {self.folder} no longer keeps event {sequence}: the oldest one is {snapshot.first}",
                snapshot.first,
            )
        if sequence > snapshot.next:
            raise DataError(
                f"event log {self.folder} has no event {sequence}: the next one will be {snapshot.next}; "
                "is the number of another run?"
            )

    def _block(self, snapshot: LogState, sequence: int, end: int) -> Block:
        """Return a block with the event ``sequence``; one that reaches ``end``, if that is cheap."""
        if snapshot.blocks and sequence >= snapshot.blocks[0].first:
            place = bisect_right(snapshot.blocks, sequence, key=lambda block: block.first) - 1
            block = snapshot.blocks[place]
            if block.next < end <= sequence + TAIL_ROWS:
                return self._tail(snapshot.blocks[place:], sequence, end)
            return block
        place = bisect_right(snapshot.segments, sequence, key=lambda segment: segment.first) - 1
        segment = snapshot.segments[place]
        try:
            return self._cache.get(segment)
        except FileNotFoundError as error:
            self._check(sequence, self._snapshot)
            raise DataError(
                f"cannot read events {segment.first} to {segment.last}: {segment.path} is gone; restore it from a copy"
            ) from error

    def _tail(self, blocks: Sequence[Block], sequence: int, end: int) -> Block:
        if (tail := self._tails.get((sequence, end))) is not None:
            return tail
        begun = Block(sequence, blocks[0].events.slice(sequence - blocks[0].first))
        tail = joined([begun, *blocks[1:]])
        # A new dictionary instead of a lock: readers in other threads may lose an entry, never meet half of one.
        self._tails = {(sequence, end): tail, **dict(islice(self._tails.items(), TAILS - 1))}
        return tail

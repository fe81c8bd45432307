"""The arrival queue: rows of a live source wait here for the run, in the order in which they came.

    source ── reader thread ──▶ queue (bounded in rows) ──▶ driver
                                  └─▶ disk, where the queue is full ─▶

The reader does not wait for the run, because a sender cuts off a live feed that is not read. Rows that find no room go
to disk and are queued later, in order. The reader waits only if the disk accepts no rows; that is reported.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from threading import Condition, Event, Thread
from types import TracebackType
from typing import Self

import numpy as np

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import ArrivalMetrics, QueueMetrics, SourceHealth
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.spill import Spill
from tickstock_cli.errors import OutputError

QUEUE_ROWS = 262_144
TOGETHER_ROWS = 8_192
"""Limit of the rows, about, up to which waiting batches are taken together."""
GATHER_FROM = 2
GATHER_SECONDS = 0.005
"""With this many batches waiting, the reader waits up to this time for more rows to arrive."""
STOP_LOOK_SECONDS = 0.1
"""Interval at which a reader that waits for room checks whether the run has ended."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """Rows that arrived: one batch, or several that waited together.

    Parameters
    ----------
    at
        When the last of them arrived, by the run's clock (ns).
    due
        When their rows are due: at the pace of the wall clock, from the first row on.
    """

    batch: MergedBatch
    at: int
    due: Schedule

    @classmethod
    def of(cls, batch: MergedBatch, at: int) -> Arrival:
        """Return a batch that arrived at ``at``."""
        return cls(batch, at, Schedule(at, batch.watermark, 1.0))

    @classmethod
    def joined(cls, arrivals: Sequence[Arrival]) -> Arrival:
        """Return consecutive arrivals, at least one, as one."""
        batch = MergedBatch.joined([arrival.batch for arrival in arrivals])
        return cls(batch, arrivals[-1].at, arrivals[0].due)


class ArrivalQueue:
    """The queue of one live run; use as a context, which runs the reader.

    Parameters
    ----------
    came
        Set when there is a batch to take, at the end, and on a failure.
    limit_rows
        Limit of the rows in memory; a larger batch enters an empty queue alone.
    report
        Called with the problem of the disk, and with None once it works again; from the reader's thread.
    wall
        ns since the epoch, UTC.
    stamps
        Whether rows get their time of arrival as available time, because the sender stamps none.
    """

    def __init__(
        self,
        clock: Clock,
        came: Event,
        limit_rows: int = QUEUE_ROWS,
        report: Callable[[str | None], None] = lambda problem: None,  # noqa: ARG005
        wall: Callable[[], int] = time.time_ns,
        stamps: bool = False,
    ) -> None:
        self._stamps = stamps
        self._stamp = 0
        self._clock = clock
        self._came = came
        self._limit = limit_rows
        self._report = report
        self._wall = wall
        self._waiting: deque[Arrival] = deque()
        self._depth = 0
        self._peak = 0
        self._received = 0
        self._taken = 0
        self._problem: str | None = None
        self._spilled_total = 0
        self._last_row: int | None = None
        self._spill = Spill()
        self._changed = Condition()
        self._ended = False
        self._closed = False
        self._error: BaseException | None = None
        self._thread: Thread | None = None

    def read(self, batches: Iterator[MergedBatch]) -> None:
        """Read ``batches`` in a thread, until they end or the context is left."""
        self._thread = Thread(target=self._read, args=(batches,), name="tickstock-arrivals", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        self._spill.close()

    @property
    def ended(self) -> bool:
        """Whether the source has ended and all its rows were taken."""
        with self._changed:
            return self._ended and not self._waiting and not len(self._spill)

    @property
    def has_waiting(self) -> bool:
        """Whether a batch waits."""
        with self._changed:
            return bool(self._waiting) or bool(len(self._spill))

    def take(self) -> Arrival | None:
        """Return the oldest batch; None if none waits now.

        Raises
        ------
        DataError
            The source failed, and all rows before the failure were taken.
        OutputError
            Rows on disk cannot be read back.
        """
        with self._changed:
            if not self._waiting and len(self._spill):
                spilled, batch = self._spill.oldest()
                self._spill.drop()
                self._taken += len(batch)
                self._changed.notify_all()
                return Arrival.of(batch, spilled.received)
            if self._waiting:
                return Arrival.joined(self._take_together())
            if self._error is not None:
                raise self._error
            return None

    def _take_together(self) -> list[Arrival]:
        """Take waiting batches, oldest first, up to a number of rows: each step has a fixed cost."""
        taken = [self._waiting.popleft()]
        rows = len(taken[0].batch)
        while self._waiting and rows + len(self._waiting[0].batch) <= TOGETHER_ROWS:
            taken.append(self._waiting.popleft())
            rows += len(taken[-1].batch)
        self._depth -= rows
        self._taken += rows
        self._changed.notify_all()
        return taken

    def metrics(self, late: int, source: SourceHealth) -> ArrivalMetrics:
        """Return the metrics as of now; from any thread."""
        with self._changed:
            spilled = sum(self._spill.rows.values())
            oldest = self._waiting[0].at if self._waiting else None
            queue = QueueMetrics(
                self._depth,
                self._peak,
                self._limit,
                spilled,
                None if oldest is None else (self._clock.now() - oldest) / 1e6,
            )
            if self._problem is not None and source.problem is None:
                source = replace(source, problem=self._problem)
            unfed = self._received - self._taken
            return ArrivalMetrics(queue, self._received, unfed, self._spilled_total, late, self._last_row, source)

    def _read(self, batches: Iterator[MergedBatch]) -> None:
        try:
            for batch in batches:
                if not self._put(batch):
                    break
                self._pause()
        except BaseException as error:  # noqa: BLE001 - raised by the driver, after the rows before it
            self._error = error
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._ended = True
            self._came.set()

    def _put(self, batch: MergedBatch) -> bool:
        """Queue a batch; return whether the run still takes rows."""
        with self._changed:
            # Under the lock: if a driver reads the clock and then finds the queue empty, all later rows get a later
            # stamp.
            arrival = self._stamped(batch)
            batch = arrival.batch
            self._received += len(batch)
            if len(batch):
                self._last_row = self._wall()
            if not self._must_spill(batch):
                if self._problem is not None:
                    self._note(None)
            elif self._spilled(arrival):
                self._came.set()
                return not self._closed
            while not self._closed and self._depth and self._depth + len(batch) > self._limit:
                self._changed.wait(STOP_LOOK_SECONDS)
            if self._closed:
                return False
            self._waiting.append(arrival)
            self._depth += len(batch)
            self._peak = max(self._peak, self._depth)
        self._came.set()
        return True

    def _pause(self) -> None:
        """Wait a moment for more rows while the run is behind, because every batch has a fixed cost."""
        with self._changed:
            if len(self._waiting) >= GATHER_FROM and not self._closed:
                self._changed.wait(GATHER_SECONDS)

    def _stamped(self, batch: MergedBatch) -> Arrival:
        """Return a batch with its time of arrival; with ``stamps`` its rows become available then."""
        at = self._clock.now()
        if not self._stamps or not len(batch):
            return Arrival.of(batch, at)
        self._stamp = max(self._stamp + 1, self._wall())
        return Arrival.of(batch.available_at_once(self._stamp), at)

    def _must_spill(self, batch: MergedBatch) -> bool:
        """Return whether rows go to disk: there is no room, or earlier rows are there."""
        return bool(len(self._spill)) or bool(self._depth and self._depth + len(batch) > self._limit)

    def _note(self, problem: str | None) -> None:
        """Set the problem of the disk; metrics and alerts show it as a problem of the source."""
        self._problem = problem
        self._report(problem)

    def _spilled(self, arrival: Arrival) -> bool:
        """Write a batch to disk; return whether it was written."""
        try:
            self._spill.write(arrival.batch, arrival.at, None)
        except OutputError as error:
            self._note(f"{error}; the source waits instead")
            while not self._closed and len(self._spill):
                self._changed.wait(STOP_LOOK_SECONDS)
            return False
        self._note(None)
        self._spilled_total += len(arrival.batch)
        return True


def lifted(batch: MergedBatch, watermark: int) -> tuple[MergedBatch, int]:
    """Return a batch none of whose rows is available before ``watermark``, and the number of rows that were.

    A row that arrives after market time has passed its available time becomes available at the watermark.
    """
    late = 0
    parts = []
    for part in (batch.ticks, batch.bars, batch.fmvs):
        behind = int(np.searchsorted(part.available_at, watermark))
        late += behind
        parts.append(part.available_from(watermark) if behind else part)
    if not late:
        return batch, 0
    ticks, bars, fmvs = parts
    return MergedBatch(ticks, bars, fmvs, batch.first, max(batch.watermark, watermark), batch.positions), late  # type: ignore[arg-type]  # each part keeps its type

"""The recorder of a live run: takes rows from the reader's thread and events from the run's, and writes both.

1. ``rows`` and ``observe`` only queue.
2. A thread takes everything that waits, at least once a second: first rows are written and made durable, then events.
   An event is told after all rows up to its time were queued, so events on disk are always of rows on disk.
3. Hours that are over are finished in the background (`recording.writer`).

A disk that takes nothing stops the recording and not the run: the problem is reported, rows wait in bounded memory, and
those without room are counted and noted in ``gaps.jsonl``. The recording goes on when there is room. What was recorded
stays, however the run ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from threading import Event, Lock, RLock, Thread
from types import TracebackType
from typing import ClassVar, Self

import pyarrow as pa

from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.feed import FeedListener, Gap, WireError
from tickstock_cli.core.hour_files import EVENTS
from tickstock_cli.core.marks import OutputMark, marked
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.recording.folder import GAPS, WIRE_ERRORS, RecordedFolder
from tickstock_cli.recording.hours import Hours
from tickstock_cli.recording.manifest import append_lines, read_lines
from tickstock_cli.recording.pending import MOST_ROWS, Lost, Pending, Taken
from tickstock_cli.recording.retention import Retention
from tickstock_cli.recording.writer import HourWriter

FLUSH_NS = 500_000_000
"""Interval of writing. Writing takes time, too, and at most 2 s of rows may be lost."""
MOST_WIRE_ERRORS = 1_000

_TYPES = {len(schema): type_ for type_, schema in RECORDED.items()}
"""Type of rows by the number of their columns: to compare whole schemas would cost more than all else per frame."""


@dataclass(frozen=True, slots=True)
class RecordingHealth:
    """The state of a recording.

    Parameters
    ----------
    rows, events
        Rows and events on disk, of this run.
    waiting
        Rows and events in memory.
    rows_not_recorded, events_not_recorded
        Those that found no room in memory while the disk took none.
    problem
        Why nothing can be written; None if all is well.
    """

    rows: int
    events: int
    waiting: int
    rows_not_recorded: int
    events_not_recorded: int
    problem: str | None


class Recorder(FeedListener, Tap):
    """Records one live run into a folder: listener of its feed, and tap of its run. A context, which runs its thread.

    Parameters
    ----------
    folder
        Locked by the caller until the recorder is closed.
    event_schema
        That of the run's events; ``build.build_event_schema`` returns it.
    report
        Called with the reason why nothing can be written, and with None once it can; in the recorder's thread.
    wall
        ns since the epoch, UTC: an hour without further rows is finished once it is over.
    clock
        Spaces the writes.
    most_rows
        Limit of the rows and events in memory.
    """

    needs_rows: ClassVar[bool] = False

    def __init__(
        self,
        folder: RecordedFolder,
        calendar: Calendar,
        event_schema: pa.Schema,
        *,
        retention: Retention | None = None,
        report: Callable[[str | None], None] = lambda problem: None,  # noqa: ARG005
        wall: Callable[[], int] = time.time_ns,
        clock: Clock | None = None,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._folder = folder
        self._event_schema = marked(event_schema, OutputMark.EVENTS)
        self._report = report
        self._wall = wall
        self._clock = clock or SystemClock()
        self._pending = Pending(most_rows)
        self._unwritten = Taken()
        self._writer = HourWriter(folder, Hours(folder.path, calendar), retention or Retention(), self._clock)
        self._wire_errors = len(read_lines(folder.path / WIRE_ERRORS))
        self._context: TapContext | None = None
        self._problem: str | None = None
        self._written = dict.fromkeys((*RECORDED, EVENTS), 0)
        self._lost_before = Lost()
        self._waiting = Lock()
        """Guards ``_pending``; held briefly."""
        self._writing = RLock()
        """Guards everything that is written."""
        self._ended = Event()
        self._thread = Thread(target=self._run, name="tickstock-recorder", daemon=True)
        self._is_closed = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        typed = [(_TYPES[batch.num_columns], batch) for batch in batches]
        with self._waiting:
            self._pending.add(typed)

    def gap(self, gap: Gap) -> None:
        with self._waiting:
            self._pending.add_line(self._folder.path / GAPS, gap.as_dict())

    def wire_error(self, error: WireError) -> None:
        with self._waiting:
            if self._wire_errors < MOST_WIRE_ERRORS:
                self._wire_errors += 1
                self._pending.add_line(self._folder.path / WIRE_ERRORS, asdict(error))

    def begin(self, context: TapContext) -> None:
        self._context = context

    def observe(self, step: TapStep) -> None:
        if not len(step.events):
            return
        assert self._context is not None  # a run begins its taps
        found = self._context.to_arrow(step.events)
        events = pa.RecordBatch.from_arrays(
            [found.column(name) for name in self._event_schema.names], schema=self._event_schema
        )
        with self._waiting:
            self._pending.add([(EVENTS, events)])

    def health(self) -> RecordingHealth:
        """Return the state as of now; from any thread."""
        with self._waiting:
            lost, waiting = self._pending.lost, self._pending.count
            rows = sum(count for type_, count in self._written.items() if type_ != EVENTS)
            return RecordingHealth(
                rows,
                self._written[EVENTS],
                waiting,
                self._lost_before.rows + lost.rows,
                self._lost_before.events + lost.events,
                self._problem,
            )

    def flush(self) -> None:
        """Write everything that waits; a problem is reported, not raised."""
        with self._writing:
            with self._waiting:
                self._unwritten.extend(self._pending.take())
            try:
                self._write()
                self._writer.finish_past(self._wall())
                self._writer.check()
            except OSError as error:
                self._note(f"cannot record to {self._folder.path}: {os_error_hint(error)}")
            except Exception as error:  # noqa: BLE001 - alerts go on, whatever is wrong with the recording
                self._note(f"cannot record to {self._folder.path}: {error!r}")
            else:
                self._note(None)

    def close(self, *, finish: bool = True) -> None:
        """Write everything that waits, end the thread, and finish all hours. Idempotent.

        Parameters
        ----------
        finish
            Whether unfinished hours are finished; otherwise their journals stay, for `recover`.
        """
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._writing:
            if self._is_closed:
                return
            self._is_closed = True
            self.flush()
            try:
                self._writer.close(finish=finish)
            except (OSError, pa.ArrowException) as error:
                reason = os_error_hint(error) if isinstance(error, OSError) else str(error)
                self._note(f"cannot finish the recording in {self._folder.path}: {reason}; run tickstock recover")

    def _run(self) -> None:
        due = self._clock.now() + FLUSH_NS
        while not self._clock.wait(self._ended, due):
            due = self._clock.now() + FLUSH_NS
            self.flush()

    def _write(self) -> None:
        """Write rows, then events, then lines, as far as the disk takes them. Raises OSError."""
        try:
            self._write_all(self._unwritten.rows)
            self._write_all(self._unwritten.events)
        finally:
            with self._waiting:
                parts = (self._unwritten.rows, self._unwritten.events, self._pending.rows, self._pending.events)
                self._pending.count = sum(batch.num_rows for part in parts for _, batch in part)
        self._note_lost()
        while self._unwritten.lines:
            path = self._unwritten.lines[0][0]
            append_lines(path, [line for other, line in self._unwritten.lines if other == path])
            self._unwritten.lines = [line for line in self._unwritten.lines if line[0] != path]

    def _write_all(self, waiting: list[tuple[str, pa.RecordBatch]]) -> None:
        before = _counts(waiting)
        try:
            self._writer.write(waiting)
        finally:
            after = _counts(waiting)
            with self._waiting:
                for type_, count in before.items():
                    self._written[type_] += count - after.get(type_, 0)

    def _note_lost(self) -> None:
        """Note rows that were not recorded, now that there is room."""
        with self._waiting:
            lost, self._pending.lost = self._pending.lost, Lost()
            self._lost_before.rows += lost.rows
            self._lost_before.events += lost.events
        if lost.rows or lost.events:
            reason = f"not recorded: {self._problem or 'the disk was too slow'}"
            self._unwritten.lines.append((self._folder.path / GAPS, lost.as_gap(reason)))

    def _note(self, problem: str | None) -> None:
        if problem != self._problem:
            self._problem = problem
            self._report(problem)


def _counts(waiting: Sequence[tuple[str, pa.RecordBatch]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for type_, batch in waiting:
        counts[type_] = counts.get(type_, 0) + batch.num_rows
    return counts

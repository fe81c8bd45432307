"""A run: source -> core -> outputs, under a driver, with checkpoints, from the first row to the last file closed.

1. resume, if asked to: core, outputs and source go to where the checkpoint stood;
2. the driver steps; each step's events go to the outputs, its rejected rows to theirs;
3. now and then, behind a whole batch, a checkpoint;
4. the end: all windows close, or, if the run was stopped, a last checkpoint and what was emitted so far;
5. the ledger must balance, and every output gets its final name; on any failure none does.

A run that keeps snapshots can go back: core, source and counts go to the newest one before the time asked for, and
rows are fed again from there. The core is a pure function, so what it tells again is what it told; outputs leave it
out, and everything at the end is that of a run that never went back.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.stages import OriginalRows, Source
from tickstock_cli.engine.checkpoint import CheckpointStore, Position
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.drivers import Pacer, flat_out
from tickstock_cli.engine.live import LiveDriver
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.pipeline import DirectPipeline, Drained, Pipeline
from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.engine.rejection import in_merge_order, strict_error
from tickstock_cli.engine.snapshots import RunPosition, Snapshot, Snapshots
from tickstock_cli.engine.tally import Tally
from tickstock_cli.errors import LedgerError, OutputError

READ_AHEAD = 2
"""Batches decoded before they are needed."""
PACED_BATCH_ROWS = 8_192
"""Rows decoded at once for a paced run: checkpoints lie between batches, and a slow market takes long for one."""
CHECKPOINT_EVERY_NS = 10_000_000_000


class RowSink(Protocol):
    """Where rejected rows go."""

    def write(self, rows: pa.Table) -> None:
        """Take rows."""

    def finish(self) -> None:
        """See ``Sink.finish``."""

    def commit(self) -> None:
        """See ``Sink.commit``."""

    def abort(self) -> None:
        """See ``Sink.abort``."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run; none of it changes an event."""

    batch_rows: int = 262_144
    strict: bool = False
    resume: bool = False
    checkpoint_every_ns: int = CHECKPOINT_EVERY_NS
    columns: Mapping[str, str] | None = None
    """Our column names -> the recording's, for messages."""


@dataclass(frozen=True, slots=True)
class SpeedFigures:
    """Times recorded time asked for (None = flat out) and reached, and how late rows were, in ms.

    ``last`` is the speed at the end, where the user changed it on the way.
    """

    requested: float | None
    achieved: float
    lateness_ms: dict[str, float] | None
    last: float | None = None

    @property
    def asked(self) -> tuple[float | None, ...]:
        """The speed at the beginning, and the one at the end if it is another."""
        return (self.requested,) if self.last in (None, self.requested) else (self.requested, self.last)


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run did. ``rows`` and times are of this run alone; ledger, tally and digest include what it resumed.

    ``rows_before`` is the rows of the runs that it resumed; ``drained`` what a running system did when it was stopped.
    """

    ledger: Ledger
    tally: Tally
    digest: str
    rows: int
    market_seconds: float
    seconds: float
    peak_rss_bytes: int
    speed: SpeedFigures
    interrupted: bool
    rows_before: int = 0
    drained: Drained | None = None

    @property
    def rows_per_second(self) -> float:
        """Rows of all types over wall time."""
        return self.rows / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Return the figures of ``--json``."""
        return {
            "ledger": self.ledger.as_dict(),
            "events": self.tally.events,
            "digest": self.digest,
            "seconds": self.seconds,
            "rows_per_second": self.rows_per_second,
            "peak_rss_bytes": self.peak_rss_bytes,
            "speed": {
                "requested": "max" if self.speed.requested is None else self.speed.requested,
                "achieved": self.speed.achieved,
                "lateness_ms": self.speed.lateness_ms or {"p50": None, "p99": None, "max": None},
            },
            "interrupted": self.interrupted,
            "drained": None if self.drained is None else asdict(self.drained),
        }


class Run:
    """One pass over a source. Use ``execute`` once.

    Parameters
    ----------
    core
        Shares its symbol table with ``source``.
    rejects
        Where rejected rows go; None only counts them.
    store
        Where checkpoints go; None writes none.
    pipeline
        How rows get to ``core``; None steps it directly.
    snapshots
        What a paced run keeps to go back to; None: it goes forward only.
    arriving
        Drives the run in place of what the speed asks for: rows are fed as they come, late or not.
    """

    def __init__(
        self,
        source: Source,
        core: Core,
        outputs: Outputs,
        control: Control,
        observer: Observer,
        options: RunOptions,
        rejects: RowSink | None = None,
        store: CheckpointStore | None = None,
        clock: Clock | None = None,
        pipeline: Pipeline | None = None,
        snapshots: Snapshots | None = None,
        arriving: LiveDriver | None = None,
    ) -> None:
        self._source = source
        self._core = core
        self._outputs = outputs
        self._control = control
        self._observer = observer
        self._options = options
        self._rejects = rejects
        self._store = store
        self._clock = clock or SystemClock()
        self._pipeline = pipeline or DirectPipeline(core)
        self._pipeline.connect(self._take)
        self._arriving = arriving
        self._pacer: Pacer | LiveDriver | None = None
        self._snapshots = snapshots
        self._jumped = False
        self._retraced = 0
        self._watermark = 0
        self._rejected = 0
        self._rejects_written = 0
        self._originals: OriginalRows | None = None
        self._rows = 0
        self._rows_behind_positions = 0
        self._first_time = 0
        self._market_time = 0
        self._positions: tuple[int, ...] = ()
        self._last_checkpoint = 0

    def execute(self) -> RunResult:
        """Run to the end of the input, or until stopped.

        Raises
        ------
        DataError
            The recordings are unreadable or unsorted, or a row was rejected under ``strict``.
        OutputError
            An output or a checkpoint cannot be written.
        LedgerError
            A row or an event is unaccounted for.
        """
        try:
            return self._execute()
        except BaseException:
            self._outputs.abort()
            if self._rejects is not None:
                self._rejects.abort()
            raise
        finally:
            if self._originals is not None:
                self._originals.close()

    def _execute(self) -> RunResult:
        self._begin()
        begun = self._clock.now()
        self._last_checkpoint = begun
        rows_before, first = self._rows, self._market_time or None
        pacer = self._pacer = self._driver()
        requested = self._control.speed
        batch_rows = self._options.batch_rows if pacer is None else min(self._options.batch_rows, PACED_BATCH_ROWS)
        while (target := self._read(pacer, batch_rows)) is not None:
            self._jump(target)
        interrupted = self._control.stopped
        drained = self._pipeline.settle()
        interrupted = interrupted or (drained is not None and drained.rows_dropped > 0)  # stopped only a moment ago
        self._end(interrupted)
        seconds = (self._clock.now() - begun) / 1e9
        market_seconds = (self._market_time - (first or self._first_time)) / 1e9
        moving = seconds - (pacer.paused_ns / 1e9 if pacer else 0)
        return RunResult(
            self._core.ledger,
            self._outputs.tally,
            self._outputs.digest.hexdigest(),
            self._rows - rows_before,
            market_seconds,
            seconds,
            peak_rss_bytes(),
            SpeedFigures(
                requested,
                (market_seconds + self._retraced / 1e9) / moving if moving > 0 else 0.0,
                pacer.lateness.as_dict() if pacer else None,
                self._control.speed,
            ),
            interrupted,
            rows_before,
            drained,
        )

    def _driver(self) -> Pacer | LiveDriver | None:
        """Return what decides when rows are fed; None is flat out."""
        if self._arriving is not None or self._control.speed is None:
            return self._arriving
        return Pacer(self._clock, self._control)

    def _read(self, pacer: Pacer | LiveDriver | None, batch_rows: int) -> int | None:
        """Read to the end, to a stop or to a seek, and return the market time of the seek."""
        source, control = self._source, self._control
        batches_ahead = Prefetch(
            source.batches(batch_rows, self._positions), READ_AHEAD, lambda: control.stopped, source.interrupt
        )
        with batches_ahead as batches:
            if pacer is not None:
                return pacer.run(self._prepared(batches), self)
            flat_out(batches, self, control)
            return None

    def _prepared(self, batches: Iterable[MergedBatch]) -> Iterator[MergedBatch]:
        """Return the batches, with everything made ready before the first: the schedule begins when it is taken."""
        for number, batch in enumerate(batches):
            if not number:
                self._pipeline.prepare(batch)
            yield batch

    def step(self, batch: MergedBatch) -> None:
        """Compute a batch; see ``drivers.Stepper``."""
        if not self._rows:
            self._first_time = int(batch.available_at()[0])
        self._feed(batch)
        self._rows += len(batch)
        self._rows_behind_positions += len(batch)
        self._market_time = self._watermark = batch.watermark
        self._observer.advanced(self._rows, self._market_time)

    def advance(self, watermark: int) -> int:
        """Let market time pass without a row; see ``drivers.Stepper``."""
        self._feed(MergedBatch.empty(0, watermark))
        self._watermark = max(self._watermark, watermark)
        return self._pipeline.next_release()

    def batch_done(self, batch: MergedBatch) -> None:
        """Write a checkpoint if the last one is long ago; see ``drivers.Stepper``."""
        self._positions = batch.positions
        self._rows_behind_positions = 0
        if self._control.stopped:
            return
        if self._snapshots is not None and self._snapshots.is_due(self._market_time):
            self._snapshots.take(*self._settled())
        if self._store is not None and not self._is_behind():
            now = self._clock.now()
            if now - self._last_checkpoint >= self._options.checkpoint_every_ns:
                self._save()
                self._last_checkpoint = now

    def must_jump(self, target: int) -> bool:
        if self._snapshots is None:
            return False
        return target + 1 < self._watermark or self._snapshots.before(target).place.rows > self._rows

    def arrived(self, target: int) -> None:
        self._settle()
        if self._jumped:
            self._jumped = False
            self._outputs.go_on()
            self._observer.jumped(target, self._outputs.released)

    def _jump(self, target: int) -> None:
        """Go to the newest snapshot on the way to a market time; first remember a place that nobody has been beyond."""
        assert self._snapshots is not None  # else nothing leads here
        state, place = self._settled()
        if self._control.stopped:
            return
        try:
            if not self._is_behind():
                self._snapshots.move_frontier(state, place)
            self._go_to(self._snapshots.before(target))
        except OutputError as error:  # the run is whole and goes on where it is
            self._snapshots.report(str(error))
            self._control.arrived(target)

    def _go_to(self, snapshot: Snapshot) -> None:
        place, state = snapshot.place, snapshot.state()
        ledger = Ledger(place.ledger)
        if state is None:
            self._core.forget(ledger)
        else:
            self._core.restore(state, ledger)
        self._retraced += self._market_time - (place.market_time or self._first_time)
        self._positions, self._rows, self._rows_behind_positions = place.positions, place.rows, 0
        self._market_time, self._watermark = place.market_time, place.watermark
        self._first_time = place.first_time or self._first_time
        self._rejected = place.rejects
        self._outputs.go_to(place.events)
        self._jumped = True

    def _is_behind(self) -> bool:
        """Return whether the run has gone back, and not come again to where it was."""
        frontier = self._snapshots.frontier if self._snapshots is not None else None
        if frontier is None:
            return False
        return self._rows < frontier.place.rows or self._outputs.released < frontier.place.events

    def _settled(self) -> tuple[dict[str, NDArray[Any]], RunPosition]:
        """Wait until everything fed is told; give all state, and where it belongs."""
        self._settle()
        self._move_positions()
        return self._core.state(), RunPosition(
            self._positions,
            self._core.ledger.as_dict(),
            self._rows,
            self._outputs.released,
            self._rejected,
            self._first_time,
            self._market_time,
            self._watermark,
        )

    def _settle(self) -> None:
        self._pipeline.settle()
        self._outputs.drain()

    def _feed(self, batch: MergedBatch) -> None:
        self._pipeline.feed(batch, self._pacer.schedule if self._pacer is not None else None)

    def _take(self, result: StepResult) -> None:
        self._outputs.write(result.events)
        if result.rejected and (self._options.strict or self._rejects is not None):
            if self._originals is None:
                self._originals = self._source.origins()
            origins, reasons = in_merge_order(result.rejected)
            if self._options.strict:
                raise strict_error(self._originals, int(origins[0]), reasons[0], self._options.columns or {})
            known = min(len(origins), self._rejects_written - self._rejected)  # by a run that has gone back
            self._rejected += len(origins)
            if known < len(origins):
                self._rejects_written = self._rejected
                self._write_rejects(self._originals.table(origins[known:], reasons[known:]))

    def _write_rejects(self, table: pa.Table) -> None:
        if self._rejects is not None:
            self._rejects.write(table)
            if self._store is not None:
                self._store.keep_rejects(table)

    def _begin(self) -> None:
        if self._snapshots is not None:
            self._snapshots.begin(self._core.ledger.as_dict())
        if self._store is None:
            return
        if not self._options.resume:
            self._store.begin()
        else:
            state, position = self._store.load()
            self._source.symbols.add(position.tickers)
            self._core.restore(state, Ledger(position.ledger))
            self._rows, self._first_time, self._market_time = position.rows, position.first_time, position.market_time
            self._watermark = position.market_time
            self._positions = tuple(position.rows_by_file)
            for batch in self._store.kept_events():
                self._outputs.write(batch)
            for batch in self._store.kept_rejects():
                self._rejected += len(batch)
                self._rejects_written = self._rejected
                if self._rejects is not None:
                    self._rejects.write(pa.Table.from_batches([batch]))
            self._outputs.drain()
        self._outputs.listen(self._store.keep_events)

    def _save(self) -> None:
        assert self._store is not None  # callers have looked
        drained = self._pipeline.settle()
        if drained is not None and drained.rows_dropped:
            return  # state without these rows is no place to go on from; the checkpoint before it is
        self._outputs.drain()
        symbols = self._core.known_tickers()
        position = Position(
            self._positions, symbols, self._core.ledger.as_dict(), self._rows, self._first_time, self._market_time
        )
        self._store.save(self._core.state(), position)

    def _move_positions(self) -> None:
        """Find where the input stands if the run ended within a batch, by reading the batch's first part again."""
        if self._rows_behind_positions:
            part = next(self._source.batches(self._rows_behind_positions, self._positions))
            self._positions = part.positions
            self._rows_behind_positions = 0

    def _end(self, interrupted: bool) -> None:
        if interrupted and self._snapshots is not None and self._snapshots.frontier is not None and self._is_behind():
            self._go_to(self._snapshots.frontier)
        if interrupted:
            if self._store is not None:
                self._move_positions()
                self._save()
            self._outputs.write(self._core.interrupt())
        else:
            self._outputs.write(self._core.finish())
        self._outputs.drain()
        self._core.ledger.check()
        emitted = self._core.ledger["coordinator.emitted"]
        if not self._outputs.tally.events == self._outputs.released == emitted:
            raise LedgerError(f"ledger does not balance: emitted {emitted}, written {self._outputs.tally.events}")
        self._outputs.finish()
        if self._rejects is not None:
            self._rejects.finish()
            self._rejects.commit()
        self._outputs.commit()


def peak_rss_bytes() -> int:
    """Return the greatest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

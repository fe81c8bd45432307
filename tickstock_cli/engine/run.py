"""A run: source -> core -> outputs, under a driver, with checkpoints, from the first row to the last file closed.

1. resume, if asked to: core, outputs and source go to where the checkpoint stood;
2. the driver steps; each step's events go to the outputs, its rejected rows to theirs;
3. now and then, behind a whole batch, a checkpoint;
4. the end: all windows close, or, if the run was stopped, a last checkpoint and what was emitted so far;
5. the ledger must balance, and every output gets its final name; on any failure none does.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.ledger import Ledger
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.checkpoint import CheckpointStore, Position
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.drivers import Pacer, flat_out
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.pipeline import DirectPipeline, Pipeline
from tickstock_cli.engine.prefetch import Prefetch
from tickstock_cli.engine.rejection import OriginalRows, in_merge_order, strict_error
from tickstock_cli.engine.tally import Tally
from tickstock_cli.errors import LedgerError

READ_AHEAD = 2
"""Batches decoded before they are needed."""
PACED_BATCH_ROWS = 8_192
"""Rows decoded at once for a paced run: checkpoints lie between batches, and a slow market takes long for one."""
CHECKPOINT_EVERY_NS = 10_000_000_000


class Source(Protocol):
    """What a run reads from; see `sources.recordings.Recordings`."""

    @property
    def symbols(self) -> SymbolTable:
        """The run's symbol table, filled while reading."""

    def batches(self, batch_rows: int, positions: tuple[int, ...] = ()) -> Iterator[MergedBatch]:
        """Read rows in merge order, behind the given positions."""

    def origins(self) -> OriginalRows:
        """Give a look-up of original rows."""


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

    ``rows_before`` is the rows of the runs that it resumed.
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

    @property
    def rows_per_second(self) -> float:
        """Rows of all types over wall time."""
        return self.rows / self.seconds if self.seconds else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Give the figures of ``--json``."""
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
        self._pacer: Pacer | None = None
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
        pacer = self._pacer = Pacer(self._clock, self._control) if self._control.speed is not None else None
        requested = self._control.speed
        batch_rows = self._options.batch_rows if pacer is None else min(self._options.batch_rows, PACED_BATCH_ROWS)
        with Prefetch(self._source.batches(batch_rows, self._positions), READ_AHEAD) as batches:
            if pacer is None:
                flat_out(batches, self, self._control)
            else:
                pacer.run(self._prepared(batches), self)
        interrupted = self._control.stopped
        self._end(interrupted)
        seconds = (self._clock.now() - begun) / 1e9
        market_seconds = (self._market_time - (first or self._first_time)) / 1e9
        moving = seconds - (pacer.standing / 1e9 if pacer else 0)
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
                market_seconds / moving if moving > 0 else 0.0,
                pacer.lateness.as_dict() if pacer else None,
                self._control.speed,
            ),
            interrupted,
            rows_before,
        )

    def _prepared(self, batches: Iterable[MergedBatch]) -> Iterator[MergedBatch]:
        """Give the batches, with everything made ready before the first: the schedule begins when it is taken."""
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
        self._market_time = batch.watermark
        self._observer.advanced(self._rows, self._market_time)

    def advance(self, watermark: int) -> int:
        """Let market time pass without a row; see ``drivers.Stepper``."""
        self._feed(MergedBatch.empty(0, watermark))
        return self._pipeline.next_release()

    def batch_done(self, batch: MergedBatch) -> None:
        """Write a checkpoint if the last one is long ago; see ``drivers.Stepper``."""
        self._positions = batch.positions
        self._rows_behind_positions = 0
        if self._store is not None and not self._control.stopped:
            now = self._clock.now()
            if now - self._last_checkpoint >= self._options.checkpoint_every_ns:
                self._save()
                self._last_checkpoint = now

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
            self._write_rejects(self._originals.table(origins, reasons))

    def _write_rejects(self, table: pa.Table) -> None:
        if self._rejects is not None:
            self._rejects.write(table)
            if self._store is not None:
                self._store.keep_rejects(table)

    def _begin(self) -> None:
        if self._store is None:
            return
        if not self._options.resume:
            self._store.begin()
        else:
            state, position = self._store.load()
            self._source.symbols.add(position.tickers)
            self._core.restore(state, Ledger(position.ledger))
            self._rows, self._first_time, self._market_time = position.rows, position.first_time, position.market_time
            self._positions = tuple(position.rows_by_file)
            for batch in self._store.kept_events():
                self._outputs.write(batch)
            for batch in self._store.kept_rejects():
                if self._rejects is not None:
                    self._rejects.write(pa.Table.from_batches([batch]))
            self._outputs.drain()
        self._outputs.listen(self._store.keep_events)

    def _save(self) -> None:
        assert self._store is not None  # callers have looked
        self._pipeline.settle()
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
        self._pipeline.settle()
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
        if self._outputs.tally.events != emitted:
            raise LedgerError(f"ledger does not balance: emitted {emitted}, written {self._outputs.tally.events}")
        self._outputs.finish()
        if self._rejects is not None:
            self._rejects.finish()
            self._rejects.commit()
        self._outputs.commit()


def peak_rss_bytes() -> int:
    """Give the greatest resident memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

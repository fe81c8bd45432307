"""A run: one pass forward over a source, from a position to the end of the input, a stop or a seek.

1. The driver reads batches and steps; the outputs get each step's events, and its rejected rows.
2. Taps see every step on the run's thread.
3. After a whole batch the run writes a checkpoint or a snapshot, if one is due.

`engine.execution` executes a request: it resumes, follows seeks, and finishes the outputs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from threading import get_ident
from typing import TYPE_CHECKING, Any
from weakref import WeakMethod

from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.stages import Source
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.drivers import Driver, FlatOut
from tickstock_cli.engine.observer import Observer
from tickstock_cli.engine.output_states import OutputState
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.engine.pipeline import DirectPipeline, Drained, Pipeline, TakeResult
from tickstock_cli.engine.position import RunPosition
from tickstock_cli.engine.snapshots import Snapshots
from tickstock_cli.engine.taps import Taps, TapStep
from tickstock_cli.errors import OutputError

if TYPE_CHECKING:
    from tickstock_cli.engine.checkpoint import CheckpointStore
    from tickstock_cli.engine.rejection import RejectedRows
    from tickstock_cli.engine.shadow import Shadow

CHECKPOINT_EVERY_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run; none of it changes an event."""

    batch_rows: int = 262_144
    strict: bool = False
    resume: bool = False
    checkpoint_every_ns: int = CHECKPOINT_EVERY_NS
    columns: Mapping[str, str] | None = None
    """Our column names -> the recording's, for messages."""
    keep_partial: bool = False
    """Whether the outputs of a stopped run get the suffix ``.partial`` even if nothing stands under their names."""


@dataclass(frozen=True, slots=True)
class InitialState:
    """State of an earlier run that a run goes on from; its counts begin at 0.

    Parameters
    ----------
    arrays
        State of the core, by name. No event waits in it.
    tickers
        Those of the state, by code.
    floor
        int64 ns UTC; every row of the run must be available later.
    shadow
        State of the shadow's core, for the same tickers; none: the shadow begins anew.
    """

    arrays: Mapping[str, NDArray[Any]]
    tickers: tuple[str, ...]
    floor: int
    shadow: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class RunParts:
    """The parts of a run. After a seek, the next run gets the same parts.

    Parameters
    ----------
    core
        Shares its symbol table with ``source``.
    rejects
        Takes rejected rows; None only counts them.
    store
        Writes checkpoints; None writes none.
    pipeline
        Brings rows to ``core``; None steps it directly.
    driver
        Decides when rows are fed; None: by the speed of ``control``.
    snapshots
        Positions to seek from; None: a user cannot seek back.
    shadow
        Another configuration that gets the same rows; not together with ``store``.
    initial
        State to go on from, if the run resumes no checkpoint; None: that before the first row.
    """

    source: Source
    core: Core
    outputs: Outputs
    control: Control
    observer: Observer
    options: RunOptions = field(default_factory=RunOptions)
    rejects: RejectedRows | None = None
    store: CheckpointStore | None = None
    clock: Clock = field(default_factory=SystemClock)
    pipeline: Pipeline | None = None
    driver: Driver | None = None
    snapshots: Snapshots | None = None
    taps: Taps = field(default_factory=Taps)
    shadow: Shadow | None = None
    initial: InitialState | None = None
    checkpoints: OutputState = field(init=False)
    """The state of ``store`` as an output."""

    def __post_init__(self) -> None:
        self.checkpoints = OutputState("checkpoint")
        if self.store is not None:
            name = f"checkpoint {self.store.folder}"
            self.checkpoints = self.outputs.states.add(name, "checkpoints", is_result=False)

    def ready_pipeline(self) -> Pipeline:
        """Return the pipeline, the direct one where none was named, with the shadow beside it."""
        if self.pipeline is None:
            self.pipeline = DirectPipeline(self.core)
        if self.shadow is None:
            return self.pipeline
        from tickstock_cli.engine.shadow import ShadowedPipeline

        return ShadowedPipeline(self.pipeline, self.shadow)

    def ready_driver(self) -> Driver:
        """Return the driver, by the speed of ``control`` where none was named."""
        if self.driver is None:
            self.driver = FlatOut(self.control) if self.control.speed is None else self._pacer()
        return self.driver

    def _pacer(self) -> Driver:
        from tickstock_cli.engine.pacer import Pacer  # with its histograms, of no use to a replay flat out

        return Pacer(self.clock, self.control)


def _weakly(method: TakeResult) -> TakeResult:
    """Return what calls a method of a run, but does not hold the run.

    A run holds its pipeline: held in turn, both would keep the core's memory until a full garbage collection.
    """
    its = WeakMethod(method)

    def take(result: StepResult) -> None:
        found = its()
        assert found is not None  # results come while the run executes
        found(result)

    return take


def _numbered_from(first: int, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
    """Return batches of a source, whose rows count from 0, as those behind ``first`` rows of the run."""
    return (batch.behind(first) for batch in batches) if first else batches


class Run:
    """One pass forward. Use ``execute`` once.

    Parameters
    ----------
    position
        The position of core, taps and outputs.
    """

    def __init__(self, parts: RunParts, position: RunPosition) -> None:
        self._parts = parts
        self._core = parts.core
        self._control = parts.control
        self._pipeline = parts.ready_pipeline()
        self._driver = parts.ready_driver()
        self._pipeline.connect(_weakly(self._take))
        self._rows = position.rows
        self._rows_behind_positions = 0
        self._positions = position.positions
        self._first_time = position.first_time
        self._market_time = position.market_time
        self._watermark = position.watermark
        self._last_checkpoint = parts.clock.now()
        self._untapped: deque[TapStep] = deque()
        self._thread = get_ident()

    def execute(self) -> int | None:
        """Run to the end of the input, a stop or a seek.

        Returns
        -------
        int or None
            The market time of a seek that needs a snapshot; None at the end and after a stop.

        Raises
        ------
        DataError
            The recordings are unreadable or unsorted, or a row was rejected under ``strict``.
        OutputError
            An output or a checkpoint cannot be written.
        """
        source = self._parts.source
        batch_rows = min(self._parts.options.batch_rows, self._driver.batch_rows)
        read = _numbered_from(self._rows, source.batches(batch_rows, self._positions))
        if self._driver.feeds_whole_batches:
            read = self._pipeline.ahead(read)
        with self._driver.read_ahead(read, source.interrupt) as batches:
            return self._driver.run(batches, self)

    def prepare(self, batch: MergedBatch) -> None:
        self._pipeline.prepare(batch)

    def step(self, batch: MergedBatch) -> None:
        if not self._rows and len(batch):
            self._first_time = int(batch.available_at()[0])
        self._feed(batch)
        self._rows += len(batch)
        self._rows_behind_positions += len(batch)
        self._market_time = self._watermark = batch.watermark
        self._parts.observer.advanced(self._rows, self._market_time)

    def advance(self, watermark: int) -> int:
        self._feed(MergedBatch.empty(0, watermark))
        self._watermark = max(self._watermark, watermark)
        return self._pipeline.next_release()

    def next_release(self) -> int:
        return self._pipeline.next_release()

    def show(self, market_time: int) -> None:
        self._parts.observer.advanced(self._rows, market_time)

    def idle(self) -> None:
        self._deliver()

    def batch_done(self, batch: MergedBatch) -> None:
        self._positions = batch.positions
        self._rows_behind_positions = 0
        if self._control.stopped:
            return
        snapshots, store = self._parts.snapshots, self._parts.store
        if snapshots is not None and snapshots.is_due(self._market_time):
            snapshots.take(*self.settled())
        if store is not None and not self.is_behind():
            now = self._parts.clock.now()
            if now - self._last_checkpoint >= self._parts.options.checkpoint_every_ns:
                self.save()
                self._last_checkpoint = now

    def needs_snapshot(self, target: int) -> bool:
        snapshots = self._parts.snapshots
        if snapshots is None:
            return False
        return target + 1 < self._watermark or snapshots.before(target).place.rows > self._rows

    def arrived(self, target: int) -> None:
        self.settle()
        if self._parts.outputs.is_catching_up:
            self._parts.outputs.resume()
            self._parts.observer.jumped(target, self._parts.outputs.released)

    def is_behind(self) -> bool:
        """Return whether an earlier run of this request was further, before a seek back."""
        frontier = self._parts.snapshots.frontier if self._parts.snapshots is not None else None
        if frontier is None:
            return False
        return self._rows < frontier.place.rows or self._parts.outputs.released < frontier.place.events

    def settle(self) -> Drained | None:
        """Wait until everything fed is computed, tapped and written."""
        drained = self._pipeline.settle()
        self._deliver()
        self._parts.taps.settle()
        self._parts.outputs.drain()
        return drained

    def settled(self) -> tuple[dict[str, NDArray[Any]], RunPosition]:
        """Settle; return all state, including that of taps, and its position."""
        self.settle()
        return self._settled()

    def position(self) -> RunPosition:
        """Return the position of the run."""
        rejects = self._parts.rejects
        return RunPosition(
            self._positions,
            self._core.ledger.as_dict(),
            self._rows,
            self._parts.outputs.released,
            0 if rejects is None else rejects.count,
            self._first_time,
            self._market_time,
            self._watermark,
        )

    def save(self) -> None:
        """Write a checkpoint, unless rows were dropped or a tap failed: a run cannot go on from state without them.

        If that fails, the former one stays valid, and the run goes on.
        """
        assert self._parts.store is not None  # callers have looked
        drained = self.settle()
        if (drained is not None and drained.rows_dropped) or not self._parts.taps.are_whole:
            return
        state, position = self._settled()
        checkpoints = self._parts.checkpoints
        try:
            self._parts.store.save(state, position, self._core.known_tickers())
        except OutputError as error:
            checkpoints.missing += 1
            self._parts.outputs.states.fail(checkpoints, error)
            self._parts.outputs.states.check()
        else:
            checkpoints.rows += 1
            checkpoints.error = None

    def end(self, events: EventRows, watermark: int) -> None:
        """Take the last events, which the end of the input or a stop released."""
        self._take(StepResult(events, (), watermark))
        self._deliver()
        self._parts.outputs.drain()

    def _settled(self) -> tuple[dict[str, NDArray[Any]], RunPosition]:
        self._find_positions()
        shadow = {} if self._parts.shadow is None else self._parts.shadow.state()
        return {**self._core.state(), **self._parts.taps.state(), **shadow}, self.position()

    def _find_positions(self) -> None:
        """Find the source's positions within a batch, by reading the batch's first part again."""
        if self._rows_behind_positions:
            part = next(self._parts.source.batches(self._rows_behind_positions, self._positions))
            self._positions = part.positions
            self._rows_behind_positions = 0

    def _feed(self, batch: MergedBatch) -> None:
        self._pipeline.feed(batch, self._driver.schedule)
        self._deliver()

    def _take(self, result: StepResult) -> None:
        """Take a step's result: on the run's thread, or on the pump of a running system."""
        self._parts.outputs.write(result.events)
        if result.rejected and self._parts.rejects is not None:
            self._parts.rejects.write(result.rejected)
        if len(self._parts.taps):
            rows = JudgedRows.none() if result.rows is None else result.rows
            self._untapped.append(TapStep(rows, result.events, result.watermark))
            if get_ident() != self._thread:
                self._control.changed.set()  # wakes a waiting driver: there is a step for the taps

    def _deliver(self) -> None:
        """Pass the computed steps to the taps, on the run's thread."""
        while self._untapped:
            self._parts.taps.observe(self._untapped.popleft())

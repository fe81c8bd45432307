"""The running system: queues, channel instances, router, collector and publisher around one core.

    feed ──▶ router ──▶ instances (queue, batching, breaker) ──▶ collector ──▶ coordinator ──▶ publish

Nothing here decides an event: with any queues, batches, instances and faults, events, ledger and digest are those of a
flat-out run over the same rows. A full queue blocks the source; no row is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from tickstock_cli.build import AddedDetectors, build_core, build_encoder, build_event_schema
from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock, SystemClock
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.metrics import ChannelStatus
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.core.stages import Sink
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.engine.pipeline import Drained
from tickstock_cli.errors import OutputError, SystemBrokenError, UsageError
from tickstock_cli.monitoring.handlers import Handler
from tickstock_cli.runtime.begun import BegunWork
from tickstock_cli.runtime.building import build_instances, build_router, checked_settings, instance_names
from tickstock_cli.runtime.chunks import Chunk, ShardChunk
from tickstock_cli.runtime.collector import Collector
from tickstock_cli.runtime.draining import Draining
from tickstock_cli.runtime.entrance import RecordEntrance
from tickstock_cli.runtime.feeding import Feeder
from tickstock_cli.runtime.instance import Finished, ProcessingChannel
from tickstock_cli.runtime.linear import LINEAR, LinearPath
from tickstock_cli.runtime.live_time import LiveTime, market_clock_of
from tickstock_cli.runtime.observer import RuntimeObserver
from tickstock_cli.runtime.publication import Publication
from tickstock_cli.runtime.records import Data
from tickstock_cli.runtime.reporting import SystemReporter
from tickstock_cli.runtime.results import EventProcessingResult
from tickstock_cli.runtime.rollout import Rollout
from tickstock_cli.runtime.stream import BUFFER_EVENTS, EventStream
from tickstock_cli.runtime.supervision import Supervision
from tickstock_cli.runtime.work import process, process_or_undo
from tickstock_cli.sources.rows import RowIngest
from tickstock_cli.warmup import warm_up_logged

if TYPE_CHECKING:
    from tickstock_cli.runtime.serving import SystemServer
    from tickstock_cli.serving.server import Address

ENDED = "the system has ended: it takes no more rows; build a new one"


class MultiChannelSystem:
    """The whole running system. It belongs to the asyncio loop that starts it.

    ``async with`` starts the system. Leaving the block processes what is queued, releases the last events and commits
    the sinks; after an exception the sinks are aborted.

    Parameters
    ----------
    settings
        Settings, or nested values of those that differ from their defaults: ``{"tick_channel": {"instances": 2}}``.
        None is all defaults.
    core
        Computes the events; nothing else steps it meanwhile. None: a new one.
    detectors
        Detectors that run beside those of ``settings``, by name: a class that conforms to `core.stages.Detector`, or
        such a class and its parameters.
    sinks
        Get every released event: sinks, or targets such as ``events.parquet``. Opened at the start, committed
        together at the end. Rows wait while a sink is far behind.
    publish
        Called on the loop with every step's result, in output order.
    handlers
        Called with alerts, as is the logger ``tickstock.alerts``.
    clock, wall
        Monotonic time for queues and metrics, and ns since the epoch for what people read.
    observer
        Observes every batch and every published event.
    rollout
        Whether only a share of the tickers takes the channels, ``pipeline.rollout_percent`` of the settings at the
        start, and the others take the linear path beside them.

    Examples
    --------
    See docs/embedding.md.
    """

    def __init__(
        self,
        settings: Settings | Mapping[str, Any] | None = None,
        core: Core | None = None,
        *,
        detectors: AddedDetectors | None = None,
        sinks: Sequence[Sink | str] = (),
        clock: Clock | None = None,
        publish: Callable[[StepResult], None] | None = None,
        handlers: Sequence[Handler] = (),
        wall: Callable[[], int] = time.time_ns,
        observer: RuntimeObserver | None = None,
        rollout: bool = False,
    ) -> None:
        settings = checked_settings(settings, core, detectors)
        self._owns_core = core is None
        core = core if core is not None else build_core(settings, SymbolTable())
        self.core = core
        self._settings = settings
        self.market_time: int | None = None
        """The market time (ns UTC) up to which rows are processed; None before the first row."""
        self._publication = Publication(build_encoder(settings, core.symbols), build_event_schema(settings))
        self._sinks = tuple(sinks)
        self.has_ended = False
        """Whether the system takes no more rows, because it was finished or shut down."""
        self._clock = clock or SystemClock()
        self._observer = observer
        self._publish = publish
        self._broken: BaseException | None = None
        self._collector = Collector(core, self._published)
        self._executor = ThreadPoolExecutor(
            len(instance_names(settings)) - 1,
            "tickstock-channel",
        )
        self._instances = build_instances(
            settings,
            core.symbols,
            self._clock,
            self._process,
            self._process_linear if rollout else None,
            self._executor,
            self._finished,
            self._leave,
            self._break,
        )
        self._linear = LinearPath(core.channels)
        self.rollout = (
            Rollout(settings.pipeline.rollout_percent, core.symbols, self._instances[LINEAR][0]) if rollout else None
        )
        """The gradual rollout; None: all tickers take the channels."""
        self._entrance = RecordEntrance(
            RowIngest(core.symbols, settings.recordings.interval_seconds),
            self._publication.encoder,
            self._clock,
            ready=self._ready_for_rows,
            feed=self.feed,
            check=self._check,
            came=lambda watermark: self._live_time.came(watermark),
        )
        self.router = build_router(
            settings, self._instances, core.symbols, self._clock, self._entrance.accept, self.rollout
        )
        self.reporter = SystemReporter(
            settings.monitoring,
            self._instances,
            self.router,
            handlers,
            self._clock,
            wall,
            self._works,
            lambda: self._broken,
            self.rollout,
        )
        self._feeder = Feeder(
            settings,
            core,
            self._instances,
            self.router,
            self._collector,
            self._clock,
            check=self._check,
            report=self.reporter.report,
        )
        self._live_time = LiveTime(
            market_clock_of(settings, wall), self._clock, self.next_release, self._entrance.pass_to
        )
        self._begun = BegunWork()
        instances = list(self.instances())
        self._draining = Draining(
            settings.system, instances, self.reporter, self._clock, self.settle, self._break, self._check
        )
        self._supervision = Supervision(
            instances,
            self.router,
            self.rollout,
            self.reporter,
            self._begun,
            settings.monitoring.interval_ms / 1000,
            is_broken=lambda: self._broken is not None,
            ended=self._ended,
        )
        self._starting: asyncio.Task[None] | None = None
        self._finishing: asyncio.Task[Drained] | None = None
        self._finish_heard = False
        self._ending: asyncio.Task[Drained] | None = None
        self._passing: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def initialize_system(self) -> bool:
        """Load or compile every kernel, open the sinks, start every instance and the monitor. Idempotent.

        Returns
        -------
        bool
            Whether the system is ready.

        Raises
        ------
        UsageError
            The system was shut down, or no sink writes such a target.
        OutputError
            A sink cannot be opened.
        """
        if self._ending is not None:
            raise UsageError(ENDED)
        if self._watch is None:
            if self._starting is None or self._starting.done():
                self._starting = self._begun.begin(self._start())
            await asyncio.shield(self._starting)
        return self.is_system_ready()

    async def _start(self) -> None:
        outputs = self._publication.open_outputs(self._sinks) if self._sinks else None
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, warm_up_logged, self._settings)
        except BaseException:
            if outputs is not None:
                await self._publication.drop(outputs)
            raise
        self.reporter.start()
        for instance in self.instances():
            instance.start()
        self._watch = asyncio.create_task(self._supervision.run(), name="tickstock-monitor")
        self._catching_up = asyncio.create_task(self._feeder.catch_up(), name="tickstock-spill")
        if self._owns_core:  # whoever hands in a core drives market time
            self._passing = asyncio.create_task(self._live_time.run(), name="tickstock-live-time")
        for task in (self._watch, self._catching_up, self._passing):
            if task is not None:
                task.add_done_callback(self._ended)
        self.reporter.update()  # otherwise health would report "not ready" until the monitor's first interval

    async def __aenter__(self) -> Self:
        try:
            await self.initialize_system()
        except BaseException as error:
            await self._publication.abort(SystemBrokenError(f"the system did not start: {error!r}"))
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            await self._publication.abort(SystemBrokenError(f"the system was ended by an error: {error!r}"))
            await self.shutdown(0.0)
            return
        try:
            if not self.has_ended:
                await self.finish()
        finally:
            await self.shutdown()

    def events(self, buffer_events: int = BUFFER_EVENTS) -> EventStream:
        """Return an asynchronous iterator over the events that are released from now on, until the system ends.

        Every call returns a stream of its own, which holds the events that its consumer has not taken yet.

        Parameters
        ----------
        buffer_events
            Events that the stream may hold. A consumer that falls behind by more gets `SlowConsumerError` after them.

        Raises
        ------
        UsageError
            The system has ended, or ``buffer_events`` is below 1.
        """
        return self._publication.stream(buffer_events)

    def serve(self, address: str | Address = "127.0.0.1:0", folder: Path | None = None) -> SystemServer:
        """Return a server of the events that are released from its start on; use as an asynchronous context.

        It serves the page, WebSocket, ``/status``, ``/metrics`` and ``/health``.

        Parameters
        ----------
        address
            ``HOST:PORT``, port 0 being any free one; or an `Address`, with a token for example.
        folder
            Keeps the event log; must be new or empty. None: a temporary one, gone with the server.

        Raises
        ------
        UsageError
            The address is none.
        """
        from tickstock_cli.runtime.serving import SystemServer  # imports a web server, which most systems do without

        return SystemServer(self, self._settings, self._publication, address, folder)

    async def finish(self, seconds: float | None = None) -> Drained:
        """End the input: process what is queued, close every window, release the last events and commit the sinks.

        No row may follow. Streams and clients of a server get the last events. The system still answers questions
        about its status, until ``shutdown``. The work goes on if the caller is cancelled; ``shutdown`` waits for it.

        Parameters
        ----------
        seconds
            How long rows that are queued may take; see ``drain``.

        Raises
        ------
        UsageError
            The system does not run.
        OutputError
            A sink could not be written, or not within ``system.stop_seconds``; no sink has its final name.
        SystemBrokenError
            See ``feed``.
        """
        self.check_running()
        self.has_ended = True
        self._finishing = self._begun.begin(self._finish(seconds))
        try:
            return await asyncio.shield(self._finishing)
        finally:
            self._finish_heard = self._finishing.done()

    async def _finish(self, seconds: float | None) -> Drained:
        await _cancelled(self._passing)
        drained = await self.drain(seconds)
        self._release(self.core.finish())
        self.core.ledger.check()
        await self._write_outputs()
        return drained

    def is_system_ready(self) -> bool:
        """Return whether it takes rows: it is started, and neither broken nor ended; every channel has an instance."""
        return not self.has_ended and self._works()

    def _works(self) -> bool:
        """Return whether rows would be processed; also at the end, when it takes none any more."""
        return (
            self._watch is not None
            and self._broken is None
            and all(
                any(instance.status is ChannelStatus.ACTIVE for instance in instances)
                for instances in self._instances.values()
            )
        )

    def instances(self) -> Iterator[ProcessingChannel]:
        """Return every instance of every channel."""
        for instances in self._instances.values():
            yield from instances

    async def process_tick_data(self, data: Data) -> EventProcessingResult:
        """Process trades: a record, a mapping or object with its fields, several of them, or Arrow rows.

        Rows count in the order of the calls. Calls may overlap; each returns when its own rows are processed.

        Raises
        ------
        SchemaError, pydantic.ValidationError
            The data is something else, or has a field of a wrong type.
        UsageError
            The system does not run.
        OutputError
            A sink failed.
        SystemBrokenError
            See ``feed``.
        """
        return await self.router.route_data(data, "tick")

    async def process_ohlcv_data(self, data: Data) -> EventProcessingResult:
        """Process finished bars; see ``process_tick_data``."""
        return await self.router.route_data(data, "ohlcv")

    async def process_fmv_data(self, data: Data) -> EventProcessingResult:
        """Process fair market values; see ``process_tick_data``."""
        return await self.router.route_data(data, "fmv")

    async def advance(self, market_time: int) -> list[dict[str, Any]]:
        """Advance market time to ``market_time`` (ns UTC) without a row, and return the events that this releases.

        Raises as ``process_tick_data`` does.
        """
        return await self._entrance.advance(market_time)

    async def prepare(self, batch: MergedBatch) -> None:
        """Make room for the tickers of the first rows, and look up their days. Nothing has been fed yet."""
        self.core.prepare(batch)
        await self._feeder.grow()

    async def feed(self, batch: MergedBatch, schedule: Schedule | None = None) -> list[Chunk]:
        """Queue rows behind all rows fed before; wait while a queue is full. A batch without rows advances market time.

        Parameters
        ----------
        schedule
            When rows are due, if they come on a schedule; latencies count from it.

        Returns
        -------
        list
            The chunks of these rows; ``published`` of each is set when it is processed. Rows that were spilled to
            disk are in none of them.

        Raises
        ------
        SystemBrokenError
            A channel failed in a way that leaves its state undefined.
        """
        return await self._feeder.feed(batch, schedule)

    async def set_rollout_percent(self, percent: float) -> None:
        """Set the share of the tickers that take the channels, in percent; tickers that fell back take them again, too.

        Returns when the tickers have changed sides; a batch under way is finished before.

        Raises
        ------
        UsageError
            The system has no rollout, or the share is not 0 to 100.
        """
        if self.rollout is None:
            raise UsageError("the system has no gradual rollout to change: start it with --pipeline rollout")
        if not 0 <= percent <= 100:
            raise UsageError(f"the share of a rollout must be 0 to 100 percent, was {percent:g}")
        self.rollout.set_percent(percent)
        await self._begun.finished(self.router.align())

    def next_release(self) -> int:
        """Return the market time (int64 ns) at which events may be released although no row comes."""
        return self._feeder.next_release()

    async def settle(self) -> None:
        """Wait until all rows fed are processed and their events released."""
        await self._feeder.settle()

    def flush(self) -> None:
        """Have every instance process the rows that it holds back to make a batch."""
        self._feeder.flush()

    async def drain(self, seconds: float | None = None) -> Drained:
        """Wait until all rows fed are processed and their events released, then drop the rows that are still queued.

        Dropped rows are counted in the ledger (``tick.dropped_on_stop``), and events detected so far are released. A
        batch under way is always finished.

        Parameters
        ----------
        seconds
            How long to wait before rows are dropped. None: the setting ``system.drain_seconds``.

        Raises
        ------
        SystemBrokenError
            See ``feed``.
        """
        return await self._draining.drain(seconds)

    async def shutdown(self, seconds: float | None = None) -> Drained:
        """Process what is queued, as ``drain`` does, and end every part.

        Sinks are committed with what was released. Windows stay open, unless ``finish`` was awaited before. The work
        goes on if the caller is cancelled; a further call waits for it. No wait is without a bound:
        ``system.stop_seconds`` for a batch under way, and again for the outputs.

        Raises
        ------
        OutputError
            A sink could not be written, or not within ``system.stop_seconds``.
        """
        if self._ending is None:
            self._ending = self._begun.begin(self._shutdown(seconds))
        return await asyncio.shield(self._ending)

    async def _shutdown(self, seconds: float | None) -> Drained:
        interrupts = self._owns_core and not self.has_ended
        self.has_ended = True  # first: a row that came during the waits below would get no result
        if self._finishing is not None:
            await asyncio.wait({self._finishing})  # has bounds of its own
        await _cancelled(self._passing)
        try:
            drained = await self._drained_or_aborted(seconds, interrupts)
            await self._write_outputs()
            if self._finishing is not None and not self._finish_heard:
                self._finishing.result()
        finally:
            await self._end()
        return drained

    async def _drained_or_aborted(self, seconds: float | None, interrupts: bool) -> Drained:
        try:
            drained = await self.drain(seconds)
            if interrupts:
                self._release(self.core.interrupt())
        except SystemBrokenError as error:
            drained = Drained(rows_dropped=self.queued_rows())
            await self._publication.abort(error)
        return drained

    async def _write_outputs(self) -> None:
        """End every stream and commit every output."""
        limit = self._settings.system.stop_seconds
        late = OutputError(
            f"the outputs are not written after {limit:g} s (system.stop_seconds): a sink does not return; "
            "what it has is under its temporary name"
        )
        await self._begun.within(limit, self._publication.finish(), late)

    async def _end(self) -> None:
        """End every task, instance and thread; a thread that does not return cannot be ended."""
        warm = self._starting is None or self._starting.done()
        for task in (self._starting, self._watch, self._catching_up, self._passing):
            await _cancelled(task)
        self._watch = self._catching_up = self._passing = None
        limit = self._settings.system.stop_seconds
        ended = await asyncio.gather(*(instance.stop(limit) for instance in self.instances()))
        late = OutputError(f"the disk of spilled rows has not answered for {limit:g} s (system.stop_seconds)")
        await self._begun.within(limit, asyncio.to_thread(self._feeder.close), late)
        self._executor.shutdown(wait=warm and all(ended))

    def queued_rows(self) -> int:
        """Return the number of rows in all queues, those on disk included."""
        return sum(instance.depth for instance in self.instances()) + self._feeder.spilled_rows

    def get_system_status(self) -> dict[str, Any]:
        """Return the dashboard document as of now."""
        self.reporter.update()
        return self.reporter.dashboard()

    def _process(self, parts: Sequence[ShardChunk], workspace: Workspace) -> BatchOutcome:
        run = process if self.rollout is None else process_or_undo
        return run(self.core.channels, parts, self._feeder.capacity, workspace)

    def _process_linear(self, parts: Sequence[ShardChunk], workspace: Workspace) -> BatchOutcome:  # noqa: ARG002 - `Process`
        return self._linear.process(parts, self._feeder.capacity)

    def _fallen_back(self, done: Finished) -> Finished:
        """Have the tickers on which a detector failed fall back; return the batch without them."""
        if self.rollout is None:
            return done
        rows = sum(len(part) for part in done.parts)
        if done.outcome.failures and done.instance is not self.rollout.linear:
            done = self.router.fall_back(done)
        self.rollout.processed(done, rows - sum(len(part) for part in done.parts))
        return done

    def _finished(self, done: Finished) -> None:
        done = self._fallen_back(done)
        self.reporter.rows.add(sum(len(part) for part in done.parts))
        if self._observer is not None:
            self._observer.processed(done)
        self._collector.finished(done)
        if self._collector.has_events and done.instance.record in ("tick", LINEAR):
            # Events of ticks are released once all rows before them are processed, so no row waits for a full batch.
            self.flush()
        self._feeder.note_progress()

    def _leave(self, part: ShardChunk) -> None:
        self.reporter.rows_dropped += len(part)
        self._collector.dropped(part)
        self._feeder.note_progress()

    def _published(self, result: StepResult, chunk: Chunk) -> None:
        if len(result.events):
            now = self._clock.now()
            result.events["released"] = now
            self.reporter.events.add(len(result.events))
            late = self.reporter.latency.record(result.events, chunk, now)
            if self._observer is not None:
                self._observer.published(result.events, late)
            self._publication.publish(result.events)
        if self._publish is not None and (len(result.events) or result.rejected or result.rows is not None):
            self._publish(result)
        self._publication.observe(result)
        self.market_time = chunk.batch.watermark
        chunk.end(result)

    def _release(self, events: EventRows) -> None:
        """Release the events of the end of the input."""
        if len(events):
            events["released"] = self._clock.now()
            self.reporter.events.add(len(events))
            self._publication.publish(events)

    def check_running(self) -> None:
        """Raise the error that keeps the system from taking rows.

        Raises
        ------
        UsageError
            The system was not started, or has ended.
        """
        if self.has_ended:
            raise UsageError(ENDED)
        if self._watch is None:
            raise UsageError("the system does not run: use `async with`, or await its initialize_system(), first")

    async def _ready_for_rows(self) -> None:
        """Wait while sinks are far behind; raise the error that keeps the system from taking rows."""
        await self._publication.room()
        self.check_running()

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Break the system if one of its tasks has failed, because rows would wait for ever without it."""
        if not task.cancelled() and self._broken is None and (error := task.exception()) is not None:
            self._break(error)

    def _break(self, error: BaseException) -> None:
        self._broken = self._broken or error
        self._publication.end_streams(self._broken_error(error))
        self._collector.abandon()
        for instance in self.instances():
            instance.unbind()
        self._feeder.note_progress()

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken_error(self._broken) from self._broken

    @staticmethod
    def _broken_error(cause: BaseException) -> SystemBrokenError:
        if isinstance(cause, OutputError):  # rows on disk; every channel is whole
            return SystemBrokenError(str(cause))
        return SystemBrokenError(f"a channel failed and left its state undefined: {cause}")


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    """Cancel a task, and wait until it has ended."""
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

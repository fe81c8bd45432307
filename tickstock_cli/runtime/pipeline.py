"""The running system as a run's pipeline: its asyncio loop in a thread of its own, fed from the run's thread.

A third thread, the pump, passes results on, so that neither a source that waits for its next row nor a slow sink delays
events or the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, suppress
from queue import Empty, Queue
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from anyio.from_thread import start_blocking_portal

from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.events import join_events
from tickstock_cli.core.garbage import freeze_gc, unfreeze_gc
from tickstock_cli.core.metrics import RolloutMetrics
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.core import StepResult
from tickstock_cli.engine.pipeline import Drained, TakeResult
from tickstock_cli.errors import SystemBrokenError
from tickstock_cli.runtime.system import MultiChannelSystem

MAX_BACKLOG = 1_000
"""Limit of the results that wait for the pump; beyond it the source waits."""
MOST_AT_ONCE = 256
"""Limit of the results that are passed on together."""
LOOK_SECONDS = 0.1
"""Interval at which a wait for the system checks whether the run has been stopped."""

ENDED = "the system has ended"

ResultT = TypeVar("ResultT")
Publish = Callable[[StepResult], None]


class LoopThread:
    """An asyncio loop in a thread (anyio's blocking portal); use as a context.

    The end of the context cancels the coroutines that run and refuses more; callers that wait for them get an error.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._portal = self._stack.enter_context(start_blocking_portal(name="tickstock-runtime"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._portal.call(self._portal.stop, True)
        self._stack.close()

    def call(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine on the loop and wait for its result.

        Raises
        ------
        SystemBrokenError
            The loop has ended, or ended before the coroutine did.
        """
        try:
            return self.submit(work).result()
        except CancelledError as error:
            raise SystemBrokenError(ENDED) from error

    def submit(self, work: Coroutine[Any, Any, ResultT]) -> Future[ResultT]:
        """Run a coroutine on the loop and return its future.

        Raises
        ------
        SystemBrokenError
            The loop has ended.
        """
        try:
            return self._portal.start_task_soon(lambda: work)
        except RuntimeError as error:
            work.close()
            raise SystemBrokenError(ENDED) from error


class MultiChannelPipeline:
    """Feeds a running system; use as a context, which starts it and shuts it down.

    Parameters
    ----------
    build
        Builds the system on its loop; gets the function to publish results with.
    stopped
        Returns whether the run has been stopped. From then on every wait for the system is a drain with a time limit,
        because a channel that hangs must not keep the run from ending.
    keeps_time
        Whether rows are due at some wall time. Then no garbage collection during the run visits the objects from
        before it, which takes one collection at the start.
    """

    def __init__(
        self,
        thread: LoopThread,
        build: Callable[[Publish], MultiChannelSystem],
        stopped: Callable[[], bool] = lambda: False,
        keeps_time: bool = True,
    ) -> None:
        self._keeps_time = keeps_time
        self._thread = thread
        self._build = build
        self._stopped = stopped
        self._drained: Drained | None = None
        self._results: Queue[StepResult | None] = Queue()
        self._take: TakeResult | None = None
        self._error: BaseException | None = None
        self._next_release = 0
        self._pump = Thread(target=self._run_pump, name="tickstock-pump", daemon=True)
        self.last_status: dict[str, Any] = {}
        """The dashboard document at the shutdown of the system."""

    def __enter__(self) -> Self:
        self.system = self._thread.call(self._start())
        self._pump.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeps_time:
            unfreeze_gc()  # first: what follows may raise, and the process may go on
        self.last_status = self._thread.call(self._end(None if error is None else 0.0))
        self._results.put(None)
        self._pump.join()

    def call(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine on the system's loop and wait for its result; from any other thread."""
        return self._thread.call(work)

    def rollout(self) -> RolloutMetrics | None:
        """Return both sides of a gradual rollout as of now; None without one."""
        return self._thread.call(self._rollout())

    def connect(self, take: TakeResult) -> None:
        self._take = take

    def prepare(self, batch: MergedBatch) -> None:
        """Prepare the system and, if the run keeps time, exclude permanent objects from garbage collection."""
        self._thread.call(self.system.prepare(batch))
        if self._keeps_time:
            freeze_gc()

    def ahead(self, batches: Iterator[MergedBatch]) -> Iterator[MergedBatch]:
        return batches

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> None:
        if self._results.qsize() > MAX_BACKLOG:
            self._results.join()
        self._check()
        self._next_release = self._wait(self._thread.submit(self._feed(batch, schedule)))

    def next_release(self) -> int:
        return self._next_release

    def settle(self) -> Drained | None:
        if self._stopped():
            self._drain()
        else:
            self._wait(self._thread.submit(self.system.settle()))
        self._results.join()
        self._check()
        return self._drained

    def _wait(self, work: Future[ResultT]) -> ResultT:
        """Wait for the system; once the run has been stopped, for the drain time at most."""
        while not work.done():
            if self._stopped():
                self._drain()
                break
            with suppress(TimeoutError):
                return work.result(LOOK_SECONDS)
        return work.result()

    def _drain(self) -> None:
        self._drained = (self._drained or Drained()) + self._thread.call(self.system.drain())

    async def _feed(self, batch: MergedBatch, schedule: Schedule | None) -> int:
        await self.system.feed(batch, schedule)
        return self.system.next_release()

    async def _rollout(self) -> RolloutMetrics | None:
        rollout = self.system.rollout
        return None if rollout is None else rollout.metrics()

    async def _start(self) -> MultiChannelSystem:
        system = self._build(self._results.put)
        await system.initialize_system()
        return system

    async def _end(self, seconds: float | None) -> dict[str, Any]:
        status = self.system.get_system_status()
        if seconds is None and not (self._drained or Drained()).rows_dropped:
            self.system.reporter.end_alerts()
            status = self.system.reporter.dashboard()
        await self.system.shutdown(seconds)
        return status

    def _run_pump(self) -> None:
        open_ended = True
        while open_ended:
            waiting = [self._results.get()]
            with suppress(Empty):
                while len(waiting) < MOST_AT_ONCE:
                    waiting.append(self._results.get_nowait())
            results = [result for result in waiting if result is not None]
            open_ended = len(results) == len(waiting)
            try:
                if results and self._error is None and self._take is not None:
                    self._take(_as_one(results))
            except BaseException as error:  # noqa: BLE001  (raised by the next call of the run's own thread)
                self._error = error
            finally:
                for _ in waiting:
                    self._results.task_done()

    def _check(self) -> None:
        if self._error is not None:
            raise self._error


def _as_one(results: Sequence[StepResult]) -> StepResult:
    """Return consecutive results as one: a busy market gives hundreds a second, and each call has a cost."""
    rows = [result.rows for result in results if result.rows is not None]
    return StepResult(
        join_events([result.events for result in results]),
        tuple(part for result in results for part in result.rejected),
        results[-1].watermark,
        JudgedRows.joined(rows) if rows else None,
    )

"""The running system as a run's pipeline: its asyncio loop in a thread of its own, fed from the run's thread."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.engine.core import StepResult
from tickstock_cli.engine.schedule import Schedule
from tickstock_cli.runtime.system import Drained, MultiChannelSystem

ResultT = TypeVar("ResultT")
Publish = Callable[[StepResult], None]


class LoopThread:
    """An asyncio loop that runs in a thread until it is closed; use as a context."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="tickstock-runtime", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def call(self, work: Coroutine[Any, Any, ResultT]) -> ResultT:
        """Run a coroutine on the loop and wait for what it gives."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()


class MultiChannelPipeline:
    """Feeds a running system; use as a context, which starts it and shuts it down.

    Parameters
    ----------
    build
        Builds the system, on the loop that it will run on, given what it is to publish to.
    """

    def __init__(self, thread: LoopThread, build: Callable[[Publish], MultiChannelSystem]) -> None:
        self._thread = thread
        self._build = build
        self._results: deque[StepResult] = deque()
        self.drained: Drained | None = None

    def __enter__(self) -> Self:
        self.system = self._thread.call(self._start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drained = self._thread.call(self.system.shutdown())

    def feed(self, batch: MergedBatch, schedule: Schedule | None) -> Sequence[StepResult]:
        """See ``engine.pipeline.Pipeline``."""
        self._thread.call(self.system.feed(batch, schedule))
        return self._taken()

    def settle(self) -> Sequence[StepResult]:
        """See ``engine.pipeline.Pipeline``."""
        self._thread.call(self.system.settle())
        return self._taken()

    def _taken(self) -> list[StepResult]:
        return [self._results.popleft() for _ in range(len(self._results))]

    async def _start(self) -> MultiChannelSystem:
        system = self._build(self._results.append)
        await system.initialize_system()
        return system

"""A channel instance with a backlog: several batches in one trip to a thread, each of them still a batch of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.isolation import Failure
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.clock import SystemClock
from tickstock_cli.core.metrics import BreakerState
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.runtime.batching import Batching, Strategy
from tickstock_cli.runtime.breaker import BreakerLimits, CircuitBreaker
from tickstock_cli.runtime.channel_history import ChannelHistory
from tickstock_cli.runtime.chunks import Chunk, ShardChunk, whole_parts
from tickstock_cli.runtime.instance import BATCHES_A_TRIP, Finished, ProcessingChannel
from tickstock_cli.runtime.metrics import Meter
from tickstock_cli.testing import SECOND, ListSource, Tick, new_york

START = new_york("2026-03-02", "10:00:00")
MS = 1_000_000
BATCH_ROWS = 10


class CountingExecutor(ThreadPoolExecutor):
    """One thread that counts what it is given to do."""

    def __init__(self) -> None:
        super().__init__(1)
        self.trips = 0

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """See ``Executor``."""
        self.trips += 1
        return super().submit(work, *args, **kwargs)


class Desk:
    """A tick instance whose queue holds 200 rows and whose batches hold 10, and what it made of them.

    Parameters
    ----------
    bad
        Orders of rows on which a detector fails, as long as they are in it.
    """

    def __init__(self, bad: set[int]) -> None:
        self.executor = CountingExecutor()
        self.finished: list[Finished] = []
        self._bad = bad
        clock = SystemClock()
        self.breaker = CircuitBreaker(BreakerLimits(1, 0.5, 20, 50 * MS, 1), clock)
        self.instance = ProcessingChannel(
            "tick-1",
            "tick",
            1,
            queue_rows=200,
            batching=Batching(Strategy.SIZE, BATCH_ROWS, 100 * MS, 25 * MS),
            breaker=self.breaker,
            meter=Meter(
                "tick-1", "tick", queue_limit=200, timeout_ns=25 * MS, wait_ns=0, window_ns=SECOND, clock=clock
            ),
            history=ChannelHistory(SymbolTable(["ABC"]), clock),
            clock=clock,
            process=self._process,
            executor=self.executor,
            finished=self.finished.append,
            dropped=lambda _: None,
            broken=lambda _: None,
        )

    def _process(self, parts: Sequence[ShardChunk], workspace: Workspace) -> BatchOutcome:  # noqa: ARG002 - the instance's
        failing = [int(order) for part in parts for order in part.rows.order if int(order) in self._bad]
        self._bad.difference_update(failing)
        failures = [Failure("highlow", 0, BATCH_ROWS, "cannot bear this row") for _ in failing]
        return BatchOutcome(failures=failures)

    def orders(self) -> list[list[int]]:
        """Return the rows of every batch processed, by their place in the merge order."""
        return [[int(order) for part in done.parts for order in part.rows.order] for done in self.finished]


def rows(count: int) -> ShardChunk:
    """Return a part of so many ticks, a second apart."""
    source = ListSource([Tick("ABC", START + n * SECOND, 100.0) for n in range(count)])
    batch = next(source.batches())
    (part,) = whole_parts(Chunk.of(batch, 0, None))
    return part


def tell(story: Callable[[Desk], Coroutine[Any, Any, None]], bad: set[int] | None = None) -> Desk:
    """Tell a story of a desk on a loop of its own."""

    async def begun() -> Desk:
        desk = Desk(bad or set())
        try:
            async with asyncio.timeout(60):
                await story(desk)
        finally:
            await desk.instance.stop(30.0)
            desk.executor.shutdown()
        return desk

    return asyncio.run(begun())


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something to come true."""
    while not condition():
        await asyncio.sleep(0.002)


def test_a_backlog_is_processed_in_few_calls_and_the_same_batches() -> None:
    """Eight thousand bars at the top of a minute are eighty batches; eighty trips to a thread took longer than they."""

    async def story(desk: Desk) -> None:
        assert desk.instance.offer(rows(200))
        desk.instance.start()
        await until(lambda: len(desk.finished) == 20)

    desk = tell(story)

    assert desk.orders() == [list(range(n, n + BATCH_ROWS)) for n in range(0, 200, BATCH_ROWS)]
    assert desk.instance.snapshot().whole.batches == 20
    assert 200 / BATCH_ROWS / BATCHES_A_TRIP <= desk.executor.trips < 20


def test_no_batch_begins_before_the_breaker_knows_a_failed_one() -> None:
    """The other batches return to the front of the queue, and are processed in order once the breaker allows it."""
    states: list[BreakerState] = []

    async def story(desk: Desk) -> None:
        assert desk.instance.offer(rows(100))
        desk.instance.start()
        await until(lambda: len(desk.finished) == 3)
        states.append(desk.breaker.state)
        await until(lambda: len(desk.finished) == 10)

    desk = tell(story, bad={25})

    assert states == [BreakerState.OPEN]
    assert desk.orders() == [list(range(n, n + BATCH_ROWS)) for n in range(0, 100, BATCH_ROWS)]
    assert desk.instance.snapshot().whole.failed == BATCH_ROWS
    assert desk.instance.depth == 0


def test_rows_that_may_return_to_the_queue_keep_their_room() -> None:
    """A queue's bound holds although a trip's later batches may return to it."""
    depths: list[int] = []

    async def story(desk: Desk) -> None:
        assert desk.instance.offer(rows(200))
        desk.instance.start()
        more = rows(100)
        while not desk.instance.offer(more):
            await desk.instance.room()
        depths.append(desk.instance.snapshot().queue.max_depth)
        await until(lambda: len(desk.finished) == 30)
        depths.append(desk.instance.snapshot().queue.max_depth)

    tell(story, bad={5})

    assert max(depths) <= 200

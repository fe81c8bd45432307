"""A channel instance: a bounded queue in front of one channel, drained in batches by one task.

    put ──▶ queue (bounded in rows) ──▶ batching ──▶ breaker ──▶ process (in a thread) ──▶ finished

An instance owns shards. It processes one batch at a time, so that rows of one ticker never overtake each other. Moving
its shards and growing state need its ``idle`` lock.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchOutcome
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.channel_debug import BatchCost, ChannelDebug
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import BreakerState, ChannelMetrics, ChannelStatus
from tickstock_cli.runtime.batching import BatchDecision, Batching, LoadMeter
from tickstock_cli.runtime.breaker import CircuitBreaker
from tickstock_cli.runtime.channel_history import ChannelHistory
from tickstock_cli.runtime.chunks import ShardChunk
from tickstock_cli.runtime.metrics import Meter

Process = Callable[[Sequence[ShardChunk], Workspace], BatchOutcome]
"""Processes parts of one record type; see `runtime.work`."""

FAILED_SHARE = 0.1
"""A batch counts as a failure for the breaker if more of its rows failed: one bad ticker opens no breaker."""

BATCHES_A_TRIP = 16
"""Batches of a backlog that one call in a thread processes: for a small batch, the call costs more than the work."""

TRIP_NS = 5_000_000
"""A call that has taken longer begins no further batch, so that moves of shards and the loop do not wait."""

RANKS = {"tick": 0, "ohlcv": 1, "fmv": 2}
"""Order of the record types of a chunk in one queue: bars and fair values wait for the ticks of their chunk."""

Taken = list[tuple[int, ShardChunk]]
"""A batch taken from the queue: parts, each with the time at which it was queued."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A processed batch: its outcome, its instance, and its times by the clock."""

    instance: ProcessingChannel
    parts: Sequence[ShardChunk]
    outcome: BatchOutcome
    started: int
    ended: int


class ProcessingChannel:
    """One instance of a channel. Everything but ``process`` happens on one asyncio loop.

    Parameters
    ----------
    name, record
        ``tick-1`` and ``tick``.
    number
        Of all instances in the system; events carry it.
    queue_rows
        The queue's bound; a part that is larger enters an empty queue alone.
    finished
        Called with every processed batch.
    dropped
        Called with every part that is dropped.
    broken
        Called with an error that leaves state undefined: the system must stop.
    """

    def __init__(
        self,
        name: str,
        record: str,
        number: int,
        *,
        queue_rows: int,
        batching: Batching,
        breaker: CircuitBreaker,
        meter: Meter,
        history: ChannelHistory,
        clock: Clock,
        process: Process,
        executor: Executor,
        finished: Callable[[Finished], None],
        dropped: Callable[[ShardChunk], None],
        broken: Callable[[BaseException], None],
    ) -> None:
        self.name = name
        self.record = record
        self.number = number
        self.idle = asyncio.Lock()
        self.owned_shards: tuple[int, ...] = ()
        self.history = history
        """What it did lately."""
        self._status = ChannelStatus.INITIALIZING
        self._queue_rows = queue_rows
        self._batching = batching
        self._breaker = breaker
        self._meter = meter
        self._load = LoadMeter()
        self._clock = clock
        self._process = process
        self._executor = executor
        self._finished = finished
        self._dropped = dropped
        self._broken = broken
        self._queue: deque[tuple[int, ShardChunk]] = deque()
        self._depth = 0
        self._spilled = 0
        self._promised = 0
        """Rows taken whose batch may return to the queue."""
        self._under_way: int | None = None
        """When the oldest rows of the current batch were queued."""
        self._flush = False
        self._given_up = False
        self._unbound = False
        self._woken = asyncio.Event()
        self._room = asyncio.Event()
        self._workspace = Workspace()
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> ChannelStatus:
        """What it is doing."""
        return self._status

    @status.setter
    def status(self, status: ChannelStatus) -> None:
        if status is not self._status:
            self.history.change("status", f"{self._status} to {status}")
        self._status = status

    @property
    def depth(self) -> int:
        """Rows in the queue."""
        return self._depth

    def start(self) -> None:
        """Start taking rows from the queue."""
        if self._task is None or self._task.done():
            self.status = ChannelStatus.ACTIVE
            self._task = asyncio.create_task(self._run(), name=f"tickstock-{self.name}")

    def pause(self) -> None:
        """Stop taking rows from the queue."""
        if self.status is ChannelStatus.ACTIVE:
            self.status = ChannelStatus.PAUSED

    def resume(self) -> None:
        """Take rows again."""
        if self.status is ChannelStatus.PAUSED:
            self.status = ChannelStatus.ACTIVE
            self._woken.set()

    async def kill(self) -> None:
        """End the task as a crash would, after the current batch. Other rows stay queued."""
        self.status = ChannelStatus.ERROR
        await self._end_task()

    async def stop(self, seconds: float) -> bool:
        """End for good. A batch under way is finished first, unless it takes longer than ``seconds``.

        Rows stay queued.

        Returns
        -------
        bool
            Whether no batch is under way.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._end_task()
        except TimeoutError:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
            return False
        finally:
            self.status = ChannelStatus.SHUTDOWN
        return True

    def offer(self, part: ShardChunk) -> bool:
        """Queue a part, and return whether there was room. After ``give_up``, the part is dropped."""
        if self._given_up:
            self._dropped(part)
        elif self.has_room(len(part)):
            self._append(part)
        else:
            return False
        return True

    async def room(self) -> None:
        """Wait until rows have left a full queue."""
        self._room.clear()
        self.flush()
        await self._room.wait()

    def has_room(self, rows: int) -> bool:
        """Return whether a part of ``rows`` rows could be queued now."""
        taken = self._depth + self._promised
        return not taken or taken + rows <= self._queue_rows or self._unbound

    def note_spilled(self, rows: int) -> None:
        """Set the number of rows that wait on disk for this instance."""
        self._spilled = rows
        self._note_depth()

    def put_back(self, parts: Sequence[ShardChunk]) -> None:
        """Queue parts taken from another instance, even beyond the bound.

        Queued rows of their tickers come later in merge order.
        """
        now = self._clock.now()
        waiting = [part for _, part in self._queue]
        self._queue.clear()
        self._queue.extend((now, part) for part in sorted([*parts, *waiting], key=_queue_order))
        self._depth += sum(len(part) for part in parts)
        self._note_depth()
        self._woken.set()

    def take_away(self, moving: NDArray[np.bool_], record: str | None = None) -> list[ShardChunk]:
        """Remove and return the queued rows of some tickers.

        Parameters
        ----------
        moving
            By ticker code; the last entry is for rows without a ticker.
        record
            Only rows of this type; None: all rows.
        """
        gone: list[ShardChunk] = []
        staying: list[tuple[int, ShardChunk]] = []
        for since, part in self._queue:
            if record not in (None, part.record):
                staying.append((since, part))
                continue
            stays, goes = part.split(moving)
            if not goes.empty:
                gone.append(goes)
            if not stays.empty:
                staying.append((since, stays))
            if not goes.empty and not stays.empty:
                goes.counted()
        self._queue = deque(staying)
        self._depth = sum(len(part) for _, part in staying)
        self._note_depth()
        self._room.set()
        return gone

    def give_up(self) -> None:
        """Drop all queued and all later rows; only the current batch is still processed."""
        self._given_up = True
        waiting = [part for _, part in self._queue]
        self._queue.clear()
        self._depth = 0
        self._note_depth()
        self._room.set()
        for part in waiting:
            self._dropped(part)

    def unbind(self) -> None:
        """Accept all rows from now on: the system is broken, and a source that waits for room must get the error."""
        self._unbound = True
        self._room.set()

    def flush(self) -> None:
        """Process all queued rows without waiting for a full batch."""
        if self._queue and not self._flush:
            self._flush = True
            self._woken.set()

    def snapshot(self) -> ChannelMetrics:
        """Return its metrics as of now."""
        oldest = self._under_way if self._under_way is not None else self._queue[0][0] if self._queue else None
        return self._meter.snapshot(self.status, self._breaker.figures(), len(self.owned_shards), oldest)

    def debug(self, wall_minus_clock: int) -> ChannelDebug:
        """Return what it did lately, in detail; ``wall_minus_clock`` turns its times into ns since the epoch, UTC."""
        load, history = self._load.load(self._clock.now()), self.history
        batching = self._batching
        return ChannelDebug(
            self.snapshot(),
            wall_minus_clock,
            BatchCost(batching.strategy, batching.max_rows, batching.max_wait_ns, load.batch_ns, load.row_ns),
            history.unhealthy,
            self.owned_shards,
            history.batches(),
            history.slowest(),
            history.shares(),
            history.errors(),
            history.changes(),
            history.depths(),
        )

    def take_peak(self) -> int:
        """Return the greatest depth of the queue since the last call."""
        return self._meter.take_peak()

    def _append(self, part: ShardChunk) -> None:
        now = self._clock.now()
        self._queue.append((now, part))
        self._depth += len(part)
        self._load.arrived(len(part), now)
        self._note_depth()
        self._woken.set()

    async def _run(self) -> None:
        while True:
            wait = self._next_wait()
            if self._queue and not self._ready():
                await self._until_ready(self._queue[0][1].chunk.ticks_done)
            elif wait is None:
                await self._sleep(None)
            elif wait > 0:
                await self._sleep(wait)
            else:
                await self._take_and_process()

    def _next_wait(self) -> int | None:
        """Return the ns to wait before a batch can be taken: 0 = now, None = until rows arrive or the state changes."""
        if not self._ready() or self.status is not ChannelStatus.ACTIVE:
            return None
        now = self._clock.now()
        half_open_at = self._breaker.half_open_at
        if half_open_at is not None:
            return max(1, half_open_at - now)
        take = self._decide(now)
        if take.rows:
            return 0
        return None if take.wait_until_ns is None else max(1, take.wait_until_ns - now)

    def _ready(self) -> bool:
        """Return whether the oldest rows can be processed: bars and fair values need the lookups of earlier ticks."""
        if not self._queue:
            return False
        part = self._queue[0][1]
        return part.record == "tick" or part.chunk.ticks_done.is_set()

    def _decide(self, now: int) -> BatchDecision:
        # Lookups of other channels are no rows, and never wait.
        flush = self._flush or not self._depth
        return self._batching.take(max(self._depth, 1), self._queue[0][0], now, self._load.load(now), flush)

    async def _take_and_process(self) -> None:
        # Rows are taken only under the lock: a move of shards or a growth of state finds them queued or processed.
        async with self.idle:
            if self._next_wait() != 0 or not self._breaker.allows():
                return
            batches = self._take_batches()
            self._promised = sum(len(part) for taken in batches[1:] for _, part in taken)
            self._under_way = batches[0][0][0]
            try:
                loop = asyncio.get_running_loop()
                done = await loop.run_in_executor(self._executor, self._process_batches, batches)
            except BaseException as error:
                self.status = ChannelStatus.ERROR
                self._broken(error)
                raise
            self._under_way = None
            self._return(batches[len(done) :])
            self._promised = 0
            self._room.set()
            for taken, finished in zip(batches, done, strict=False):
                self._note(taken, finished)
        for finished in done:
            self._finished(finished)

    def _process_batches(self, batches: Sequence[Taken]) -> list[Finished]:
        """Process batches one after the other, in a thread; end early after a failed batch, or when it takes long."""
        done: list[Finished] = []
        begun = self._clock.now()
        for taken in batches:
            parts = [part for _, part in taken]
            started = self._clock.now()
            outcome = self._process(parts, self._workspace)
            done.append(Finished(self, parts, outcome, started, self._clock.now()))
            if outcome.failures or done[-1].ended - begun >= TRIP_NS:
                break
        return done

    def _take_batches(self) -> list[Taken]:
        """Take the next batch, or several of a backlog, unless the breaker needs the outcome of each."""
        batches = [self._take(self._decide(self._clock.now()).rows)]
        if self._breaker.state is BreakerState.CLOSED:
            while len(batches) < BATCHES_A_TRIP and self._next_wait() == 0:
                batches.append(self._take(self._decide(self._clock.now()).rows))
        return batches

    def _return(self, batches: Sequence[Taken]) -> None:
        """Put batches that were taken and not begun back at the front of the queue, or drop them after ``give_up``."""
        if self._given_up:
            for taken in batches:
                for _, part in taken:
                    self._dropped(part)
            return
        for taken in reversed(batches):
            self._queue.extendleft(reversed(taken))
            self._depth += sum(len(part) for _, part in taken)
        if batches:
            self._queue = deque(sorted(self._queue, key=lambda each: _queue_order(each[1])))
            self._note_depth()

    def _take(self, rows: int) -> Taken:
        """Take parts of ``rows`` rows in all from the queue; the last one is cut."""
        taken: Taken = []
        while self._ready() and (rows > 0 or not len(self._queue[0][1])):
            since, part = self._queue.popleft()
            if len(part) > rows:
                part, rest = part.cut(rows)
                rest.counted()
                self._queue.appendleft((since, rest))
            taken.append((since, part))
            rows -= len(part)
            self._depth -= len(part)
        if not self._queue:
            self._flush = False
        self._note_depth()
        self._room.set()
        return taken

    def _note(self, taken: Taken, finished: Finished) -> None:
        outcome, started, ended = finished.outcome, finished.started, finished.ended
        rows = sum(len(part) for _, part in taken)
        failed = min(rows, sum(failure.rows for failure in outcome.failures))
        events = sum(map(len, outcome.events))
        self._load.processed(rows, ended - started)
        arrivals = [(since, len(part)) for since, part in taken if len(part)]
        self._meter.batch(started, ended, arrivals, events=events, failed=failed)
        self.history.batch(taken, started, ended, events=events, failed=failed, failures=outcome.failures)
        if failed > FAILED_SHARE * rows:
            self._breaker.failed(outcome.failures[0].reason)
        else:
            self._breaker.succeeded()

    def _note_depth(self) -> None:
        self._meter.queue(self._depth, self._spilled)
        self.history.depth(self._depth)

    async def _until_ready(self, ticks_done: asyncio.Event) -> None:
        """Wait until ticks are processed, or until they may have come to the front of this queue themselves."""
        if self.record in RANKS:  # then no tick comes to this queue
            await ticks_done.wait()
            return
        self._woken.clear()
        waits = [asyncio.ensure_future(event.wait()) for event in (ticks_done, self._woken)]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _sleep(self, ns: int | None) -> None:
        self._woken.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(None if ns is None else ns / 1e9):
                await self._woken.wait()

    async def _end_task(self) -> None:
        if self._task is not None:
            async with self.idle:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)  # its error was reported by ``broken``


def _queue_order(part: ShardChunk) -> tuple[int, int]:
    """Return the place of a part in a queue: by merge order, and in a chunk by record type."""
    return part.chunk.batch.first, RANKS[part.record]

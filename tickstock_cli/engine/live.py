"""The live driver: rows are fed as they arrive, and market time passes between them.

1. A reader thread puts arriving rows into the arrival queue.
2. The driver feeds the queued rows, oldest first.
3. Between rows it advances market time as far as a waiting event needs, by the run's market clock, so that every event
   is released shortly after its window's end although no row arrives. Observers see market time go on.

The same rows with the same available times give the same events as a replay: market time passes only if an event
waits, and a row whose available time has passed becomes available when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import ArrivalMetrics, SourceHealth
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.engine.arrival_queue import QUEUE_ROWS, Arrival, ArrivalQueue, lifted
from tickstock_cli.engine.control import Control
from tickstock_cli.engine.drivers import Stepper
from tickstock_cli.engine.lateness import Lateness
from tickstock_cli.engine.market_clock import LOOK_NS, MarketClock, next_look

NEVER = 2**63 - 1


class LiveDriver:
    """Feeds batches as they arrive.

    Parameters
    ----------
    market
        Market time between rows.
    due
        When rows are due, if the source has a schedule; latencies count from it. None: when they arrive.
    queue_rows
        Limit of the rows that wait in memory.
    stamps
        Whether rows get their time of arrival as available time.
    tickers
        Number of the tickers that are expected; 0 if it is unknown.
    health
        Returns the state of the source.
    report
        Called with the problem of the queue's disk, and with None once it works again.
    """

    batch_rows = 262_144
    feeds_whole_batches = False
    paused_ns = 0

    def __init__(
        self,
        clock: Clock,
        control: Control,
        market: MarketClock,
        due: Schedule | None = None,
        queue_rows: int = QUEUE_ROWS,
        stamps: bool = False,
        health: Callable[[], SourceHealth] = SourceHealth,
        report: Callable[[str | None], None] = lambda problem: None,  # noqa: ARG005
        tickers: int = 0,
    ) -> None:
        self.tickers = tickers
        self._clock = clock
        self._control = control
        self._market = market
        self._due = due
        self._health = health
        self._queue = ArrivalQueue(clock, control.changed, queue_rows, report, stamps=stamps)
        self._lateness = Lateness()
        self._fed = due
        self._watermark = 0
        self._next_release = NEVER
        self._late = 0

    @property
    def schedule(self) -> Schedule | None:
        """When the last fed rows were due."""
        return self._fed

    @property
    def late(self) -> int:
        """Number of rows that arrived after market time had passed their available time."""
        return self._late

    def lateness_ms(self) -> dict[str, float] | None:
        return None if self._due is None else self._lateness.as_dict()

    def arrivals(self) -> ArrivalMetrics:
        return self._queue.metrics(self._late, self._health())

    def read_ahead(
        self, batches: Iterator[MergedBatch], interrupt: Callable[[], None]
    ) -> AbstractContextManager[Iterator[MergedBatch]]:
        return self._reading(batches, interrupt)

    @contextmanager
    def _reading(
        self, batches: Iterator[MergedBatch], interrupt: Callable[[], None]
    ) -> Iterator[Iterator[MergedBatch]]:
        with self._queue as queue:
            queue.read(batches)
            try:
                yield iter(())  # the driver takes from the queue
            finally:
                interrupt()

    def run(self, batches: Iterable[MergedBatch], stepper: Stepper) -> int | None:  # noqa: ARG002 - the queue has them
        begun = False
        while not self._control.stopped:
            self._control.changed.clear()  # before the checks: an arrival from here on ends the wait below
            arrival = self._queue.take()
            if arrival is not None:
                if not begun and len(arrival.batch):
                    stepper.prepare(arrival.batch)
                    begun = True
                self._feed(arrival, stepper)
            elif self._queue.ended:
                break
            elif not self._control.stopped:
                self._clock.wait(self._control.changed, self._pass_time(stepper))
        return None

    def _feed(self, arrival: Arrival, stepper: Stepper) -> None:
        batch = arrival.batch
        if not len(batch):
            self._pass_to(batch.watermark, stepper)
            stepper.batch_done(batch)
            return
        batch, late = lifted(batch, self._watermark)
        self._late += late
        self._market.came(batch.watermark, arrival.at)
        self._fed = self._due or arrival.due
        stepper.step(batch)
        self._watermark = batch.watermark
        self._next_release = stepper.next_release()
        if self._due is not None:
            self._lateness.record(np.maximum(self._clock.now() - self._due.due_times(batch.available_at()), 0.0))
        stepper.batch_done(batch)

    def _pass_time(self, stepper: Stepper) -> int:
        """Advance market time as far as a waiting event needs; return when to check again, by the clock."""
        stepper.idle()
        now = self._clock.now()
        market = self._market.passed(now)
        if market is None:
            return now + LOOK_NS
        if self._queue.has_waiting:
            return now  # its rows come first, whether they arrived before or after the clock was read
        if self._next_release <= market:
            self._pass_to(self._next_release, stepper)
        stepper.show(max(market, self._watermark))
        return next_look(self._market.schedule, self._next_release, now)

    def _pass_to(self, watermark: int, stepper: Stepper) -> None:
        self._watermark = max(self._watermark, watermark)
        self._next_release = stepper.advance(self._watermark)

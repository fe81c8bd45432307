"""The mutable meter of a channel instance, and the immutable metrics that it returns.

Metrics of the whole run and of a sliding window come from the same records: a record goes into the newest bucket of
the window, and a bucket older than the window is added to the whole. Latency is recorded once for all rows that
arrived together (3 µs a record), never row by row.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import (
    BreakerMetrics,
    ChannelMetrics,
    ChannelStatus,
    IntervalMetrics,
    LatencyMetrics,
    QueueMetrics,
)
from tickstock_cli.measurement.histogram import Histogram

_PERCENTS = np.array([50, 99, 99.9])

BUCKETS = 10
"""Buckets of a sliding window, which moves by one bucket at a time."""


class Meter:
    """Collects the metrics of one channel instance. For one thread; what ``snapshot`` returns is for any.

    Parameters
    ----------
    name, channel
        See `ChannelMetrics`.
    queue_limit
        Rows that fit into the queue.
    timeout_ns
        A batch whose processing takes longer counts as a timeout.
    wait_ns
        The longest wait in the queue that batching grants a row.
    window_ns
        Length of the sliding window.
    """

    def __init__(
        self,
        name: str,
        channel: str,
        *,
        queue_limit: int,
        timeout_ns: int,
        wait_ns: int,
        window_ns: int,
        clock: Clock,
    ) -> None:
        self._name = name
        self._channel = channel
        self._queue_limit = queue_limit
        self._timeout_ns = timeout_ns
        self._wait_ns = wait_ns
        self._clock = clock
        self._started = clock.now()
        self._whole = _Tally()
        self._window = _Window(window_ns, self._started, _Tally, self._whole.add)
        self._depth = 0
        self._max_depth = 0
        self._peak = 0
        self._spilled = 0

    def queue(self, depth: int, spilled: int = 0) -> None:
        """Record the depth of the queue after a change, and the rows that wait on disk."""
        self._depth = depth
        self._max_depth = max(self._max_depth, depth)
        self._spilled = spilled
        self._peak = max(self._peak, depth)

    def take_peak(self) -> int:
        """Return the greatest depth of the queue since the last call, or since the start."""
        peak, self._peak = self._peak, self._depth
        return peak

    def batch(
        self, started_ns: int, ended_ns: int, arrivals: Iterable[tuple[int, int]], *, events: int, failed: int = 0
    ) -> None:
        """Record a batch.

        Parameters
        ----------
        started_ns, ended_ns
            When its processing began and ended, by the clock.
        arrivals
            Pairs: when rows arrived in the queue, and how many.
        events
            Events that the batch caused.
        failed
            Rows that failed.
        """
        tally = self._window.newest(ended_ns)
        rows = 0
        for arrived_ns, count in arrivals:
            tally.latency.record(ended_ns - arrived_ns, count)
            rows += count
        tally.processing.record(ended_ns - started_ns, 1)
        tally.processed += rows - failed
        tally.failed += failed
        tally.events += events
        tally.batches += 1
        tally.timeouts += ended_ns - started_ns > self._timeout_ns

    def snapshot(
        self, status: ChannelStatus, breaker: BreakerMetrics, shards: int = 0, oldest_ns: int | None = None
    ) -> ChannelMetrics:
        """Return the metrics as of now; ``oldest_ns`` is when the oldest unfinished row arrived, by the clock."""
        now = self._clock.now()
        recent = _Tally()
        for tally in self._window.contents(now):
            recent.add(tally)
        whole = _Tally()
        whole.add(self._whole)
        whole.add(recent)
        return ChannelMetrics(
            self._name,
            self._channel,
            status,
            now,
            now - self._started,
            whole.metrics(now - self._started),
            recent.metrics(self._window.length(now)),
            QueueMetrics(
                self._depth,
                self._max_depth,
                self._queue_limit,
                self._spilled,
                None if oldest_ns is None else (now - oldest_ns) / 1e6,
            ),
            breaker,
            self._timeout_ns / 1e6,
            self._wait_ns / 1e6,
            shards,
        )


class Rate:
    """A count, and its rate over a sliding window. For one thread."""

    def __init__(self, window_ns: int, clock: Clock) -> None:
        self._clock = clock
        self._window = _Window(window_ns, clock.now(), _Count, lambda _: None)
        self.total = 0
        """The count since the start."""

    def add(self, count: int) -> None:
        """Add to the count."""
        self.total += count
        self._window.newest(self._clock.now()).count += count

    def per_second(self) -> float:
        """Return the mean rate over the window, or over the time since the start if that is shorter."""
        now = self._clock.now()
        counted = sum(part.count for part in self._window.contents(now))
        length = self._window.length(now)
        return counted * 1e9 / length if length else 0.0


T = TypeVar("T")


class _Window(Generic[T]):
    """The latest ``BUCKETS`` buckets of time, each with its content; ``retire`` gets the content of older ones."""

    def __init__(self, window_ns: int, started: int, empty: Callable[[], T], retire: Callable[[T], None]) -> None:
        self._bucket_ns = max(1, window_ns // BUCKETS)
        self._started = started
        self._empty = empty
        self._retire = retire
        self._buckets: deque[tuple[int, T]] = deque()

    def newest(self, now: int) -> T:
        """Return the content of the newest bucket."""
        number = self._number(now)
        if not self._buckets or self._buckets[-1][0] < number:
            self._retire_old(number)
            self._buckets.append((number, self._empty()))
        return self._buckets[-1][1]

    def contents(self, now: int) -> Iterator[T]:
        """Return the content of every bucket, oldest first."""
        self._retire_old(self._number(now))
        return (content for _, content in self._buckets)

    def length(self, now: int) -> int:
        """Return the ns that the window spans: the newest bucket is not over, and no bucket begins before the start."""
        first = max(0, self._number(now) - BUCKETS + 1)
        return now - self._started - first * self._bucket_ns

    def _number(self, now: int) -> int:
        return (now - self._started) // self._bucket_ns

    def _retire_old(self, newest: int) -> None:
        while self._buckets and self._buckets[0][0] <= newest - BUCKETS:
            self._retire(self._buckets.popleft()[1])


@dataclass(slots=True)
class _Count:
    count: int = 0


class Durations:
    """Durations: percentiles from a histogram of microseconds; maximum and mean are exact to the nanosecond."""

    def __init__(self) -> None:
        self.microseconds = Histogram()
        self.sum_ns = 0
        self.max_ns = 0

    def record(self, duration_ns: int, count: int) -> None:
        duration_ns = max(0, duration_ns)  # a row may be early against its schedule
        self.microseconds.record_value(-(-duration_ns // 1000), count)  # rounded up: never better than the truth
        self.sum_ns += duration_ns * count
        self.max_ns = max(self.max_ns, duration_ns)

    def add(self, other: Durations) -> None:
        self.microseconds.add(other.microseconds)
        self.sum_ns += other.sum_ns
        self.max_ns = max(self.max_ns, other.max_ns)

    def metrics(self) -> LatencyMetrics:
        count = self.microseconds.count
        if not count:
            return LatencyMetrics()
        # A percentile is the upper end of a counter's range, which may lie above the greatest duration recorded.
        p50, p99, p999 = (min(us / 1e3, self.max_ns / 1e6) for us in self.microseconds.percentiles_us(_PERCENTS))
        return LatencyMetrics(count, p50, p99, p999, self.max_ns / 1e6, self.sum_ns / count / 1e6)


@dataclass(slots=True)
class _Tally:
    """Counts and durations of a bucket, or of several."""

    processed: int = 0
    failed: int = 0
    events: int = 0
    batches: int = 0
    timeouts: int = 0
    latency: Durations = field(default_factory=Durations)
    processing: Durations = field(default_factory=Durations)

    def add(self, other: _Tally) -> None:
        self.processed += other.processed
        self.failed += other.failed
        self.events += other.events
        self.batches += other.batches
        self.timeouts += other.timeouts
        self.latency.add(other.latency)
        self.processing.add(other.processing)

    def metrics(self, length_ns: int) -> IntervalMetrics:
        return IntervalMetrics(
            length_ns / 1e9,
            self.processed,
            self.failed,
            self.events,
            self.batches,
            self.timeouts,
            self.latency.metrics(),
            self.processing.metrics(),
        )

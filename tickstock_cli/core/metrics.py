"""Figures of the running system as immutable snapshots: what channels, router and system measured, and when.

`runtime` makes them, `monitoring` judges them, and they end in the dashboard document. A figure that nothing was
measured for is None, never 0. ``at`` is the clock's time (ns of `core.clock.Clock`); only ``wall`` is a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class ChannelStatus(StrEnum):
    """Where a channel instance stands in its life."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    PAUSED = "paused"
    ERROR = "error"
    SHUTDOWN = "shutdown"


class BreakerState(StrEnum):
    """What a circuit breaker lets through: all, nothing, or a few trials."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of a breaker's state; ``at`` in ns of the clock."""

    at: int
    before: BreakerState
    after: BreakerState
    reason: str


@dataclass(frozen=True, slots=True)
class BreakerMetrics:
    """A breaker's state now, how often it has opened, and its latest transitions, oldest first."""

    state: BreakerState = BreakerState.CLOSED
    opened: int = 0
    transitions: tuple[Transition, ...] = ()


@dataclass(frozen=True, slots=True)
class LatencyMetrics:
    """A histogram read off, in ms; percentiles are at most 0.1 % and 1 µs too high. None without records."""

    count: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None
    mean_ms: float | None = None


@dataclass(frozen=True, slots=True)
class IntervalMetrics:
    """What happened in a stretch of time.

    Parameters
    ----------
    seconds
        Length of the stretch.
    processed, failed
        Rows whose processing came to an end, and rows whose processing raised an error.
    events
        Events that the rows caused, before coordination.
    timeouts
        Batches whose processing took longer than the channel's timeout. They were finished all the same.
    latency
        Per row: from its arrival in the queue to the end of its processing.
    processing
        Per batch: its processing alone.
    """

    seconds: float
    processed: int
    failed: int
    events: int
    batches: int
    timeouts: int
    latency: LatencyMetrics
    processing: LatencyMetrics

    @property
    def rows_per_second(self) -> float:
        """Rows per second, failed ones included."""
        return (self.processed + self.failed) / self.seconds if self.seconds else 0.0

    @property
    def events_per_second(self) -> float:
        """Events per second."""
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def success_rate(self) -> float | None:
        """Share of rows that did not fail, 0 to 1; None if there were none."""
        rows = self.processed + self.failed
        return self.processed / rows if rows else None


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """A bounded queue, in rows.

    Parameters
    ----------
    spilled
        Rows that wait on disk because they found no room.
    oldest_ms
        Age of the oldest row that is not finished, queued or under way; None if there is none. It tells of a
        channel that stands still, which latencies of finished rows cannot.
    """

    depth: int
    max_depth: int
    limit: int
    spilled: int = 0
    oldest_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ChannelMetrics:
    """One channel instance at one moment.

    Parameters
    ----------
    name, channel
        The instance (``tick-1``) and its channel (``tick``).
    uptime_ns
        Since the instance was started.
    whole, recent
        Since the start, and in the sliding window that alerts and health look at.
    timeout_ms, wait_ms
        The channel's processing timeout, and how long its batching may let a row wait.
    shards
        How many of the 64 shards it owns.
    """

    name: str
    channel: str
    status: ChannelStatus
    at: int
    uptime_ns: int
    whole: IntervalMetrics
    recent: IntervalMetrics
    queue: QueueMetrics
    breaker: BreakerMetrics
    timeout_ms: float
    wait_ms: float
    shards: int = 0

    @property
    def latency_limit_ms(self) -> float:
        """How old a row may be when its processing ends: the wait its batching grants, and the timeout."""
        return self.wait_ms + self.timeout_ms


@dataclass(frozen=True, slots=True)
class RouterMetrics:
    """The router at one moment: rows by record type, decisions, what could not be routed, shards moved."""

    strategy: str
    decisions: int = 0
    errors: int = 0
    moves: int = 0
    rows_by_type: Mapping[str, int] = field(default_factory=dict)
    decision_mean_us: float | None = None


class SourceState(StrEnum):
    """What a source of arriving rows is doing."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """A source of arriving rows at one moment. What a source does not have, such as subscriptions, is None.

    Parameters
    ----------
    since_wall
        When it came to this state, ns since the epoch, UTC; None if unknown.
    authenticated
        Whether the sender has accepted its key.
    wanted, acknowledged
        Subscriptions asked for, and those confirmed.
    reconnects
        Connections made again after a loss.
    problem
        What is wrong, in words; None: nothing.
    """

    state: SourceState = SourceState.CONNECTED
    since_wall: int | None = None
    authenticated: bool | None = None
    wanted: int | None = None
    acknowledged: int | None = None
    reconnects: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ArrivalMetrics:
    """The arrival queue in front of a live run, and its source.

    Parameters
    ----------
    received
        Rows that have come.
    spilled_total
        Rows that went through the disk because they found no room.
    late
        Rows that came after market time had passed their available time; they count as available on arrival.
    last_row_wall
        When the latest row came, ns since the epoch, UTC; None before the first.
    """

    queue: QueueMetrics
    received: int = 0
    spilled_total: int = 0
    late: int = 0
    last_row_wall: int | None = None
    source: SourceHealth = field(default_factory=SourceHealth)


@dataclass(frozen=True, slots=True)
class SystemMetrics:
    """The whole system at one moment.

    Parameters
    ----------
    wall
        The same moment as ``at``, in ns since the epoch, UTC.
    ready
        Whether it takes rows.
    rows, events
        Rows processed, and events emitted after coordination, since the start.
    memory_bytes
        Resident memory of the process.
    problems
        Parts apart from channels that do not work at this moment, by name, with what is wrong with them:
        ``{"event log": "no space left on device"}``.
    clients
        Connected clients; None if nothing is served.
    arrivals
        The arrival queue and its source; None where rows do not arrive.
    catching_up
        Whether rows came as fast as they were taken lately, because the run went to another time: full queues and old
        rows are what that is made of.
    """

    at: int
    wall: int
    uptime_ns: int
    ready: bool
    rows: int
    events: int
    rows_per_second: float
    events_per_second: float
    memory_bytes: int
    problems: Mapping[str, str] = field(default_factory=dict)
    router: RouterMetrics | None = None
    arrivals: ArrivalMetrics | None = None
    clients: int | None = None
    catching_up: bool = False

"""Metrics of the running system as immutable values: of channels, router and system, with their time.

`runtime` measures them, `monitoring` evaluates them, and the dashboard document shows them. A metric without a
measurement is None, never 0. ``at`` is the clock's time (ns of `core.clock.Clock`); only ``wall`` is a date.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # it imports pyarrow
    from tickstock_cli.core.feed import Gap


class ChannelStatus(StrEnum):
    """State of a channel instance."""

    INITIALIZING = "initializing"
    ACTIVE = "active"
    PAUSED = "paused"
    ERROR = "error"
    SHUTDOWN = "shutdown"


class BreakerState(StrEnum):
    """State of a circuit breaker: closed passes all batches, open none, half-open a few trials."""

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
    """State of a breaker, number of openings, and its latest transitions, oldest first."""

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

    def as_dict(self) -> dict[str, float | None]:
        """Return the percentiles, maximum and mean in ms, as documents show them."""
        return {
            "p50": self.p50_ms,
            "p99": self.p99_ms,
            "p99.9": self.p999_ms,
            "max": self.max_ms,
            "mean": self.mean_ms,
        }


@dataclass(frozen=True, slots=True)
class IntervalMetrics:
    """Rows, events and latencies of an interval.

    Parameters
    ----------
    seconds
        Length of the interval.
    processed, failed
        Rows that were processed, and rows whose processing raised an error.
    events
        Events that the rows caused, before coordination.
    timeouts
        Batches whose processing took longer than the channel's timeout. They were processed nevertheless.
    latency
        Per row: from its arrival in the queue to the end of its processing.
    processing
        Per batch: its processing only.
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
        """Share of rows without an error, 0 to 1; None without rows."""
        rows = self.processed + self.failed
        return self.processed / rows if rows else None


@dataclass(frozen=True, slots=True)
class QueueMetrics:
    """A bounded queue, in rows.

    Parameters
    ----------
    spilled
        Rows that wait on disk because the queue was full.
    oldest_ms
        Age of the oldest unfinished row, queued or in processing; None without one. It shows a blocked channel, which
        latencies of finished rows do not.
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
        Time since the start of the instance.
    whole, recent
        Since the start, and in the sliding window that alerts and health use.
    timeout_ms, wait_ms
        The channel's processing timeout, and the longest wait of a row for its batch.
    shards
        Number of the 64 shards that it owns.
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
        """Latency limit of a row: the longest wait for its batch plus the timeout."""
        return self.wait_ms + self.timeout_ms


@dataclass(frozen=True, slots=True)
class RouterMetrics:
    """The router at one moment: rows by record type, decisions, routing errors, moved shards."""

    strategy: str
    decisions: int = 0
    errors: int = 0
    moves: int = 0
    rows_by_type: Mapping[str, int] = field(default_factory=dict)
    decision_mean_us: float | None = None


@dataclass(frozen=True, slots=True)
class SideMetrics:
    """One side of a gradual rollout, since the start.

    Parameters
    ----------
    tickers
        Tickers that take this side now.
    processed, failed
        Rows that were processed, and rows whose processing raised an error. A row that failed on the multi-channel path
        and was processed on the linear one counts on both sides.
    events
        Events that the rows caused, before coordination.
    latency
        Per row: from its due time on a schedule, else from its arrival in the system, to the end of its processing.
    """

    tickers: int
    processed: int
    failed: int
    events: int
    latency: LatencyMetrics

    @property
    def success_rate(self) -> float | None:
        """Share of rows without an error, 0 to 1; None without rows."""
        rows = self.processed + self.failed
        return self.processed / rows if rows else None

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "tickers": self.tickers,
            "processed": self.processed,
            "failed": self.failed,
            "events": self.events,
            "success_rate": self.success_rate,
            "latency_ms": self.latency.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class RolloutMetrics:
    """A gradual rollout: both paths beside each other.

    Parameters
    ----------
    percent, shards
        Share of the tickers for the multi-channel path that was asked for, and how many of the 64 shards it is.
    fallbacks
        Number of times that a ticker fell back to the linear path since the start.
    fallen
        Why each ticker fell back that has not returned, by ticker.
    """

    percent: float
    shards: int
    multi: SideMetrics
    linear: SideMetrics
    fallbacks: int = 0
    fallen: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "percent": self.percent,
            "shards": self.shards,
            "multi": self.multi.as_dict(),
            "linear": self.linear.as_dict(),
            "fallbacks": self.fallbacks,
            "fallen": dict(self.fallen),
        }


class SourceState(StrEnum):
    """What a source of arriving rows is doing."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class RelayHealth:
    """A relay of a feed to local clients at one moment.

    Parameters
    ----------
    clients
        Clients that are subscribed now.
    connections
        Connections so far.
    rows
        Rows that clients wanted and that were sent or queued for them.
    events
        Events written to clients; one for each client that gets it.
    waiting
        Rows that wait for the relay.
    dropped
        Rows that found no room there.
    cut_off
        Clients that were cut off: they did not read, or rows were dropped.
    buffered_bytes, fullest_buffer_bytes, buffer_limit_bytes
        Bytes that wait for all clients together and for the slowest one, and the limit for each.
    """

    clients: int = 0
    connections: int = 0
    rows: int = 0
    events: int = 0
    waiting: int = 0
    dropped: int = 0
    cut_off: int = 0
    buffered_bytes: int = 0
    fullest_buffer_bytes: int = 0
    buffer_limit_bytes: int = 0

    def as_dict(self) -> dict[str, int]:
        """Return it as JSON values."""
        return asdict(self)


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
    doing
        What it is doing, in the words of its vendor, such as ``subscribing``; None: what the state says.
    silent
        Subscriptions that were confirmed, and of which no row has come.
    lag_ms
        From the time of the latest row to when it was received.
    gaps
        Interruptions since the run began.
    gaps_today
        Those of them that lasted into the exchange's present day.
    last_gap
        The latest of them; one that lasts comes before one that has ended.
    relay
        The relay of the feed to local clients; None without one.
    """

    state: SourceState = SourceState.CONNECTED
    since_wall: int | None = None
    authenticated: bool | None = None
    wanted: int | None = None
    acknowledged: int | None = None
    reconnects: int | None = None
    problem: str | None = None
    doing: str | None = None
    silent: int | None = None
    lag_ms: float | None = None
    gaps: int | None = None
    last_gap: Gap | None = None
    gaps_today: int | None = None
    relay: RelayHealth | None = None

    @property
    def words(self) -> str:
        """What it is doing, in words."""
        return self.doing or str(self.state)


@dataclass(frozen=True, slots=True)
class ArrivalMetrics:
    """The arrival queue in front of a live run, and its source.

    Parameters
    ----------
    received
        Rows that have come.
    unfed
        Those of them that the run has not been given: they wait, or were left behind when it was stopped.
    spilled_total
        Rows that went through the disk because they found no room.
    late
        Rows that came after market time had passed their available time; they count as available on arrival.
    last_row_wall
        When the latest row came, ns since the epoch, UTC; None before the first.
    """

    queue: QueueMetrics
    received: int = 0
    unfed: int = 0
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
        Whether the system accepts rows.
    rows, events
        Rows processed, and events emitted after coordination, since the start.
    memory_bytes
        Resident memory of the process.
    problems
        Failed parts other than channels, by name, with the reason: ``{"event log": "no space left on device"}``.
    clients
        Connected clients; None without a server.
    arrivals
        The arrival queue and its source; None where rows do not arrive.
    rollout
        The gradual rollout; None where all rows take one path.
    catching_up
        Whether the run is catching up after a seek: rows arrive at full speed, so full queues and old rows are normal.
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
    rollout: RolloutMetrics | None = None

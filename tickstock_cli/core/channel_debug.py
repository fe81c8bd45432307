"""Debug information of a channel instance as immutable values: what it did lately, in detail.

`runtime.channel_history` records it; `monitoring` finds performance issues in it and shows it. Times are ns of the
clock, as in `core.metrics`; durations are ns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tickstock_cli.core.metrics import ChannelMetrics


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """One processed batch.

    Parameters
    ----------
    at
        When its processing ended.
    wait_ns
        The longest wait of its rows, from the queue to the beginning of the processing.
    service_ns
        Duration of the processing.
    """

    at: int
    rows: int
    wait_ns: int
    service_ns: int
    events: int
    failed: int


@dataclass(frozen=True, slots=True)
class SlowTicker:
    """The slowest row of a ticker: ``latency_ns`` from its arrival in the queue to the end of its processing."""

    ticker: str
    at: int
    latency_ns: int
    service_ns: int


@dataclass(frozen=True, slots=True)
class TickerShare:
    """A ticker's rows, and its share of the processing time by the number of its rows, 0 to 1."""

    ticker: str
    rows: int
    share: float


@dataclass(frozen=True, slots=True)
class RowError:
    """An error of a detector on one ticker: how many rows failed, and the first of them."""

    at: int
    ticker: str
    detector: str
    reason: str
    rows: int
    first_row: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """A change of an instance's status, health or circuit breaker, or of the shards that it owns."""

    at: int
    what: str
    text: str


@dataclass(frozen=True, slots=True)
class Depth:
    """The most rows that the queue held in a second."""

    at: int
    rows: int


@dataclass(frozen=True, slots=True)
class BatchCost:
    """Batching at the latest load: the cost of a call, and of a row beyond it, in ns."""

    strategy: str
    max_rows: int
    max_wait_ns: int
    call_ns: float
    row_ns: float


@dataclass(frozen=True, slots=True)
class ChannelDebug:
    """What one instance did lately; every list oldest first, except ``slowest`` and ``shares``: greatest first.

    Parameters
    ----------
    wall_minus_clock
        What turns a time of the clock into ns since the epoch, UTC.
    unhealthy
        Why the router keeps shards away from it; None if it is healthy.
    shards
        The numbers of the shards that it owns.
    """

    metrics: ChannelMetrics
    wall_minus_clock: int
    cost: BatchCost
    unhealthy: str | None
    shards: tuple[int, ...]
    batches: tuple[BatchRecord, ...]
    slowest: tuple[SlowTicker, ...]
    shares: tuple[TickerShare, ...]
    errors: tuple[RowError, ...]
    changes: tuple[ChannelChange, ...]
    depths: tuple[Depth, ...]

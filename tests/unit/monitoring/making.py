"""Snapshots of a system that is well, to be made ill by tests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tickstock_cli.core.metrics import (
    BreakerMetrics,
    BreakerState,
    ChannelMetrics,
    ChannelStatus,
    IntervalMetrics,
    LatencyMetrics,
    QueueMetrics,
    RolloutMetrics,
    SideMetrics,
    SystemMetrics,
    Transition,
)
from tickstock_cli.monitoring.thresholds import AlertThresholds, Levels
from tickstock_cli.testing import SECOND

NOON = 1_700_000_000_000_000_000
"""The date, UTC, that tests take for the clock's 0."""

THRESHOLDS = AlertThresholds(
    latency_percent=Levels(100, 200, 400),
    success_percent=Levels(99, 95, 90),
    queue_percent=Levels(75, 90, 100),
    memory_percent=Levels(75, 90, 100),
    memory_limit_bytes=2048 * 2**20,
    cooldown_ns=60 * SECOND,
    resolve_after_ns=10 * SECOND,
    history=100,
)

QUICK = LatencyMetrics(1_000, 1.0, 4.0, 6.0, 8.0, 1.5)
FIGURES = IntervalMetrics(10.0, 1_000, 0, 5, 100, 0, QUICK, QUICK)


def channel(name: str = "tick-1", **changes: Any) -> ChannelMetrics:
    """Return an instance that is well: 25 ms of limit, a queue of 1,000 rows with 40 in it."""
    well = ChannelMetrics(
        name=name,
        channel=name.partition("-")[0],
        status=ChannelStatus.ACTIVE,
        at=0,
        uptime_ns=60 * SECOND,
        whole=FIGURES,
        recent=FIGURES,
        queue=QueueMetrics(40, 400, 1_000, 0, 2.0),
        breaker=BreakerMetrics(),
        timeout_ms=25.0,
        wait_ms=0.0,
        shards=64,
    )
    return replace(well, **changes)


def with_latency(name: str, p99_ms: float) -> ChannelMetrics:
    """Return an instance with that p99."""
    return channel(name, recent=replace(FIGURES, latency=replace(QUICK, p99_ms=p99_ms, max_ms=p99_ms)))


def with_failures(name: str, failed: int) -> ChannelMetrics:
    """Return an instance of whose last 1,000 rows so many failed."""
    return channel(name, recent=replace(FIGURES, processed=1_000 - failed, failed=failed))


def with_queue(name: str, depth: int, spilled: int = 0) -> ChannelMetrics:
    """Return an instance with so many rows queued, of 1,000."""
    return channel(name, queue=QueueMetrics(depth, depth, 1_000, spilled, 2.0))


def with_breaker(name: str, state: BreakerState) -> ChannelMetrics:
    """Return an instance whose breaker has just come into a state."""
    transition = Transition(0, BreakerState.CLOSED, state, "5 failures in a row, the last: no such column")
    return channel(name, breaker=BreakerMetrics(state, 1, (transition,)))


def system(at: int = 0, **changes: Any) -> SystemMetrics:
    """Return a system that is well, ``at`` ns after noon."""
    well = SystemMetrics(
        at=at,
        wall=NOON + at,
        uptime_ns=60 * SECOND,
        ready=True,
        rows=1_000_000,
        events=1_655,
        rows_per_second=100.0,
        events_per_second=0.5,
        memory_bytes=500 * 2**20,
    )
    return replace(well, **changes)


def rollout(**fallen: str) -> RolloutMetrics:
    """Return a rollout of 1 % with three tickers, of which some have fallen back, each for a reason."""
    sides = SideMetrics(1, 500, 0, 3, QUICK), SideMetrics(2, 1_000, 0, 6, QUICK)
    return RolloutMetrics(1.0, 1, *sides, fallbacks=len(fallen), fallen=fallen)

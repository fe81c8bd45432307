"""Health: which instances the router trusts with tickers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.monitoring.making import FIGURES, QUICK, channel, with_breaker, with_failures
from tickstock_cli.core.metrics import BreakerState, ChannelMetrics, ChannelStatus, IntervalMetrics, LatencyMetrics
from tickstock_cli.runtime.health import HealthLimits, failure_reason, unhealthy_reason

LIMITS = HealthLimits(error_percent=10, mean_ms=5_000)


def with_mean(mean_ms: float) -> ChannelMetrics:
    """Return an instance whose batches take so long."""
    return channel(recent=replace(FIGURES, processing=replace(QUICK, mean_ms=mean_ms)))


def test_an_instance_that_works_is_healthy() -> None:
    """Also one that is just starting, paused, or trying whether it works again."""
    assert unhealthy_reason(channel(), LIMITS) is None
    assert unhealthy_reason(channel(status=ChannelStatus.INITIALIZING), LIMITS) is None
    assert unhealthy_reason(channel(status=ChannelStatus.PAUSED), LIMITS) is None
    assert unhealthy_reason(with_breaker("tick-1", BreakerState.HALF_OPEN), LIMITS) is None


@pytest.mark.parametrize(
    ("metrics", "reason"),
    [
        (channel(status=ChannelStatus.ERROR), "status error"),
        (channel(status=ChannelStatus.SHUTDOWN), "status shutdown"),
        (with_breaker("tick-1", BreakerState.OPEN), "circuit breaker open"),
        (with_failures("tick-1", 101), "10.1 % of rows failed, above 10 %"),
        (with_mean(5_000.5), "batches take 5,000 ms on average, above 5000 ms"),
    ],
)
def test_an_instance_that_fails_is_unhealthy(metrics: ChannelMetrics, reason: str) -> None:
    """Each of the papers' three rules, and a status that processes nothing."""
    assert unhealthy_reason(metrics, LIMITS) == reason


def test_limits_must_be_exceeded() -> None:
    """Ten percent are not more than ten percent."""
    assert unhealthy_reason(with_failures("tick-1", 100), LIMITS) is None
    assert unhealthy_reason(with_mean(5_000), LIMITS) is None


def test_an_instance_without_shards_is_healthy_once_its_window_is_empty() -> None:
    """Without rows it cannot fail, so it gets shards again."""
    empty = IntervalMetrics(10.0, 0, 0, 0, 0, 0, LatencyMetrics(), LatencyMetrics())

    assert unhealthy_reason(channel(recent=empty), LIMITS) is None


def test_failed_rows_alone_do_not_make_a_channel_fail() -> None:
    """In a rollout their tickers have left already: the other tickers must not follow them."""
    assert failure_reason(with_failures("tick-1", 500), LIMITS) is None
    assert failure_reason(channel(status=ChannelStatus.ERROR), LIMITS) == "status error"
    assert failure_reason(with_breaker("tick-1", BreakerState.OPEN), LIMITS) == "circuit breaker open"
    assert failure_reason(with_mean(5_000.5), LIMITS) == "batches take 5,000 ms on average, above 5000 ms"

"""Settings of the running system, as its parts understand them."""

from __future__ import annotations

from tickstock_cli.config.running import (
    FmvChannelSettings,
    MonitoringSettings,
    OhlcvChannelSettings,
    RouterSettings,
    TickChannelSettings,
)
from tickstock_cli.monitoring.thresholds import Levels
from tickstock_cli.runtime.batching import Batching, Strategy
from tickstock_cli.runtime.breaker import BreakerLimits
from tickstock_cli.runtime.health import HealthLimits
from tickstock_cli.runtime.sections import batching_of, breaker_limits_of, health_limits_of, thresholds_of
from tickstock_cli.testing import MILLISECOND, SECOND


def test_the_three_channels_have_their_batching() -> None:
    """Immediate; 100 rows or 100 ms; 50 rows or 500 ms. Timeouts of 25, 50 and 50 ms."""
    assert batching_of(TickChannelSettings()) == Batching(Strategy.IMMEDIATE, 1_000, 10 * MILLISECOND, 25 * MILLISECOND)
    assert batching_of(OhlcvChannelSettings()) == Batching(Strategy.SIZE, 100, 100 * MILLISECOND, 50 * MILLISECOND)
    assert batching_of(FmvChannelSettings()) == Batching(Strategy.HYBRID, 50, 500 * MILLISECOND, 50 * MILLISECOND)


def test_settings_are_converted_to_the_units_of_the_parts() -> None:
    """Milliseconds into ns, percent into shares, MiB into bytes."""
    assert breaker_limits_of(TickChannelSettings()) == BreakerLimits(5, 0.5, 20, 5 * SECOND, 3)
    assert health_limits_of(RouterSettings()) == HealthLimits(10, 5_000)

    thresholds = thresholds_of(MonitoringSettings(cooldown_seconds=0.5, success_percent=(99.9, 99, 98)))

    assert thresholds.success_percent == Levels(99.9, 99, 98)
    assert (thresholds.cooldown_ns, thresholds.memory_limit_bytes) == (SECOND // 2, 2 * 2**30)

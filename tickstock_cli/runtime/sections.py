"""From sections of the settings, in the units of users, to the limits of parts, in the units of the parts."""

from __future__ import annotations

from tickstock_cli.config.running import ChannelSettings, EventLogSettings, MonitoringSettings, RouterSettings
from tickstock_cli.eventlog.limits import MIB, LogLimits
from tickstock_cli.monitoring.thresholds import AlertThresholds, Levels
from tickstock_cli.runtime.batching import Batching, Strategy
from tickstock_cli.runtime.breaker import BreakerLimits
from tickstock_cli.runtime.health import HealthLimits

MS = 1_000_000
SECOND = 1_000_000_000
HOUR = 3_600 * SECOND


def batching_of(section: ChannelSettings) -> Batching:
    """Return how instances of a channel batch rows."""
    return Batching(Strategy(section.batching), section.batch_rows, section.batch_wait_ms * MS, section.timeout_ms * MS)


def breaker_limits_of(section: ChannelSettings) -> BreakerLimits:
    """Return when the circuit breaker of an instance opens and closes."""
    return BreakerLimits(
        section.breaker_failures,
        section.breaker_failure_percent / 100,
        section.breaker_window,
        section.breaker_open_ms * MS,
        section.breaker_trials,
    )


def health_limits_of(section: RouterSettings) -> HealthLimits:
    """Return when the router takes the tickers of an instance away."""
    return HealthLimits(section.unhealthy_error_percent, section.unhealthy_mean_ms)


def thresholds_of(section: MonitoringSettings) -> AlertThresholds:
    """Return when the channel monitor raises and resolves alerts."""
    return AlertThresholds(
        Levels(*section.latency_percent),
        Levels(*section.success_percent),
        Levels(*section.queue_percent),
        Levels(*section.memory_percent),
        section.memory_limit_mib * 2**20,
        round(section.cooldown_seconds * SECOND),
        round(section.resolve_after_seconds * SECOND),
        section.history,
    )


def log_limits_of(section: EventLogSettings) -> LogLimits:
    """Return the bounds of an event log."""
    return LogLimits(
        memory_bytes=section.memory_mib * MIB,
        keep_bytes=section.keep_mib * MIB or None,
        keep_ns=int(section.keep_hours * HOUR) or None,
    )

"""Health of channel instances: the router moves shards away from an unhealthy instance.

Error rate and mean are those of the sliding window. An instance that has lost its shards processes no rows, so it is
healthy again once its window is empty, and gets shards again.
"""

from __future__ import annotations

from dataclasses import dataclass

from tickstock_cli.core.metrics import BreakerState, ChannelMetrics, ChannelStatus


@dataclass(frozen=True, slots=True)
class HealthLimits:
    """An instance is unhealthy above ``error_percent`` of rows failed, or ``mean_ms`` of processing a batch."""

    error_percent: float
    mean_ms: float


def unhealthy_reason(metrics: ChannelMetrics, limits: HealthLimits) -> str | None:
    """Return why an instance is unhealthy; None if it is healthy. With a half-open breaker it is: trials need rows."""
    success = metrics.recent.success_rate
    if success is not None and (1 - success) * 100 > limits.error_percent:
        return f"{(1 - success) * 100:.1f} % of rows failed, above {limits.error_percent:g} %"
    return failure_reason(metrics, limits)


def failure_reason(metrics: ChannelMetrics, limits: HealthLimits) -> str | None:
    """Return why an instance processes no rows, or too slowly; None if it processes them, even if some fail."""
    if metrics.status in (ChannelStatus.ERROR, ChannelStatus.SHUTDOWN):
        return f"status {metrics.status}"
    if metrics.breaker.state is BreakerState.OPEN:
        return "circuit breaker open"
    mean = metrics.recent.processing.mean_ms
    if mean is not None and mean > limits.mean_ms:
        return f"batches take {mean:,.0f} ms on average, above {limits.mean_ms:g} ms"
    return None

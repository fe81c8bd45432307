"""Whether an instance may be trusted with tickers: the router takes away the shards of one that may not.

Error rate and mean look at the sliding window alone. An instance that has lost its shards has nothing to fail on, so
it is healthy again once its window has emptied, and is tried anew.
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
    """Say why an instance is unhealthy; None if it is not. A half open breaker is healthy: it needs rows to try."""
    if metrics.status in (ChannelStatus.ERROR, ChannelStatus.SHUTDOWN):
        return f"status {metrics.status}"
    if metrics.breaker.state is BreakerState.OPEN:
        return "circuit breaker open"
    success = metrics.recent.success_rate
    if success is not None and (1 - success) * 100 > limits.error_percent:
        return f"{(1 - success) * 100:.1f} % of rows failed, above {limits.error_percent:g} %"
    mean = metrics.recent.processing.mean_ms
    if mean is not None and mean > limits.mean_ms:
        return f"batches take {mean:,.0f} ms on average, above {limits.mean_ms:g} ms"
    return None

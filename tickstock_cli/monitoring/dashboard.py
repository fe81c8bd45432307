"""The dashboard document of `/status`, the web page and the terminal; JSON types only.

docs/monitoring.md describes every key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import (
    ArrivalMetrics,
    ChannelMetrics,
    ChannelStatus,
    IntervalMetrics,
    QueueMetrics,
    RouterMetrics,
    SystemMetrics,
)
from tickstock_cli.core.times import format_time
from tickstock_cli.monitoring.alerts import Alert, Severity
from tickstock_cli.monitoring.thresholds import AlertThresholds

RECENT_ALERTS = 50


def dashboard(
    channels: Sequence[ChannelMetrics],
    system: SystemMetrics | None,
    active: Sequence[Alert],
    history: Sequence[Alert],
    thresholds: AlertThresholds,
) -> dict[str, Any]:
    """Return the document; ``system`` is None before the first snapshot."""
    overview = {"status": "starting"} if system is None else _overview(channels, system, active, thresholds)
    return {
        "system_overview": overview,
        "channel_details": {metrics.name: _channel(metrics, system) for metrics in channels},
        "active_alerts": [alert.to_dict() for alert in active],
        "recent_alerts": [alert.to_dict() for alert in history[-RECENT_ALERTS:]],
        "performance_thresholds": thresholds.to_dict(),
    }


def _overview(
    channels: Sequence[ChannelMetrics], system: SystemMetrics, active: Sequence[Alert], thresholds: AlertThresholds
) -> dict[str, Any]:
    severities = Counter(alert.finding.severity for alert in active)
    failed = sum(metrics.whole.failed for metrics in channels)
    processed = sum(metrics.whole.processed for metrics in channels)
    return {
        "status": _status(system, active),
        "time": format_time(system.wall),
        "uptime_seconds": system.uptime_ns / 1e9,
        "memory_bytes": system.memory_bytes,
        "memory_limit_bytes": thresholds.memory_limit_bytes,
        "rows": system.rows,
        "events": system.events,
        "rows_per_second": system.rows_per_second,
        "events_per_second": system.events_per_second,
        "success_rate": processed / (processed + failed) if processed + failed else None,
        "channels": len(channels),
        "channels_active": sum(metrics.status is ChannelStatus.ACTIVE for metrics in channels),
        "alerts": {severity.label: severities[severity] for severity in Severity},
        "problems": dict(system.problems),
        "clients": system.clients,
        "router": None if system.router is None else _router(system.router),
        "arrivals": None if system.arrivals is None else _arrivals(system.arrivals),
        "rollout": None if system.rollout is None else system.rollout.as_dict(),
    }


def _status(system: SystemMetrics, active: Sequence[Alert]) -> str:
    if not system.ready:
        return "not ready"
    return "degraded" if any(alert.finding.severity >= Severity.ERROR for alert in active) else "ready"


def _router(router: RouterMetrics) -> dict[str, Any]:
    return {
        "strategy": router.strategy,
        "decisions": router.decisions,
        "errors": router.errors,
        "moves": router.moves,
        "rows_by_type": dict(router.rows_by_type),
        "decision_mean_us": router.decision_mean_us,
    }


def _arrivals(arrivals: ArrivalMetrics) -> dict[str, Any]:
    source = arrivals.source
    return {
        "queue": _queue(arrivals.queue),
        "received": arrivals.received,
        "unfed": arrivals.unfed,
        "spilled_total": arrivals.spilled_total,
        "late": arrivals.late,
        "last_row": None if arrivals.last_row_wall is None else format_time(arrivals.last_row_wall),
        "source": {
            "state": str(source.state),
            "since": None if source.since_wall is None else format_time(source.since_wall),
            "authenticated": source.authenticated,
            "subscriptions_wanted": source.wanted,
            "subscriptions_acknowledged": source.acknowledged,
            "subscriptions_silent": source.silent,
            "doing": source.doing,
            "lag_ms": source.lag_ms,
            "gaps": source.gaps,
            "gaps_today": source.gaps_today,
            "last_gap": None if source.last_gap is None else _gap(source.last_gap),
            "reconnects": source.reconnects,
            "problem": source.problem,
            "relay": None if source.relay is None else source.relay.as_dict(),
        },
    }


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        "begin": format_time(gap.begin),
        "end": None if gap.end is None else format_time(gap.end),
        "channels": list(gap.channels),
        "reason": gap.reason,
    }


def _queue(queue: QueueMetrics) -> dict[str, Any]:
    return {
        "depth": queue.depth,
        "max_depth": queue.max_depth,
        "limit": queue.limit,
        "spilled": queue.spilled,
        "oldest_ms": queue.oldest_ms,
    }


def _channel(metrics: ChannelMetrics, system: SystemMetrics | None) -> dict[str, Any]:
    breaker = metrics.breaker
    return {
        "channel": metrics.channel,
        "status": str(metrics.status),
        "uptime_seconds": metrics.uptime_ns / 1e9,
        "shards": metrics.shards,
        "timeout_ms": metrics.timeout_ms,
        "latency_limit_ms": metrics.latency_limit_ms,
        "queue": _queue(metrics.queue),
        "breaker": {
            "state": str(breaker.state),
            "opened": breaker.opened,
            "transitions": [
                {
                    "at": None if system is None else format_time(system.wall + transition.at - system.at),
                    "before": str(transition.before),
                    "after": str(transition.after),
                    "reason": transition.reason,
                }
                for transition in breaker.transitions
            ],
        },
        "whole": _figures(metrics.whole),
        "recent": _figures(metrics.recent),
    }


def _figures(figures: IntervalMetrics) -> dict[str, Any]:
    return {
        "seconds": figures.seconds,
        "processed": figures.processed,
        "failed": figures.failed,
        "events": figures.events,
        "batches": figures.batches,
        "timeouts": figures.timeouts,
        "rows_per_second": figures.rows_per_second,
        "events_per_second": figures.events_per_second,
        "success_rate": figures.success_rate,
        "latency_ms": figures.latency.as_dict(),
        "processing_ms": figures.processing.as_dict(),
    }

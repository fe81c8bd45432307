"""The documents of `/debug`: what channel instances did lately, what is slow and what to do. JSON types only.

docs/monitoring.md describes every key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from tickstock_cli.core.channel_debug import ChannelDebug
from tickstock_cli.core.counted import counted
from tickstock_cli.core.times import format_time
from tickstock_cli.monitoring.alerts import Alert
from tickstock_cli.monitoring.issues import PerformanceIssue, busy_share, performance_issues

MS = 1e6


def health_summary(channels: Sequence[ChannelDebug], alerts: Sequence[Alert]) -> dict[str, Any]:
    """Return the state of every instance in a line, with all performance issues and active alerts."""
    issues = [issue for debug in channels for issue in performance_issues(debug)]
    return {
        "channels": [_line(debug, issues) for debug in channels],
        "performance_issues": [asdict(issue) for issue in issues],
        "active_alerts": [alert.to_dict() for alert in alerts],
        "summary": _sentence(channels, issues, alerts),
    }


def channel_document(debug: ChannelDebug) -> dict[str, Any]:
    """Return all that is known of one instance."""

    def date(at: int) -> str:
        return format_time(at + debug.wall_minus_clock)

    issues = performance_issues(debug)
    breaker = debug.metrics.breaker
    changes = [(change.at, change.what, change.text) for change in debug.changes]
    changes += [
        (change.at, "breaker", f"{change.before} to {change.after}: {change.reason}".replace("_", " "))
        for change in breaker.transitions
    ]
    return {
        **_line(debug, issues),
        "performance_issues": [asdict(issue) for issue in issues],
        "batching": {
            "strategy": debug.cost.strategy,
            "max_rows": debug.cost.max_rows,
            "max_wait_ms": debug.cost.max_wait_ns / MS,
            "call_ms": debug.cost.call_ns / MS,
            "row_us": debug.cost.row_ns / 1e3,
        },
        "batches": [
            {
                "time": date(batch.at),
                "rows": batch.rows,
                "wait_ms": batch.wait_ns / MS,
                "service_ms": batch.service_ns / MS,
                "events": batch.events,
                "failed": batch.failed,
            }
            for batch in debug.batches
        ],
        "slowest": [
            {
                "ticker": slow.ticker,
                "time": date(slow.at),
                "latency_ms": slow.latency_ns / MS,
                "service_ms": slow.service_ns / MS,
            }
            for slow in debug.slowest
        ],
        "time_by_ticker": [asdict(share) for share in debug.shares],
        "errors": [
            {
                "time": date(error.at),
                "ticker": error.ticker,
                "detector": error.detector,
                "reason": error.reason,
                "rows": error.rows,
                "first_row": dict(error.first_row),
            }
            for error in debug.errors
        ],
        "changes": [{"time": date(at), "what": what, "text": text} for at, what, text in sorted(changes)],
        "queue_depth": [{"time": date(depth.at), "rows": depth.rows} for depth in debug.depths],
        "shards": list(debug.shards),
    }


def _line(debug: ChannelDebug, issues: Sequence[PerformanceIssue]) -> dict[str, Any]:
    metrics = debug.metrics
    return {
        "name": metrics.name,
        "status": metrics.status.value,
        "breaker": metrics.breaker.state.value,
        "healthy": debug.unhealthy is None,
        "unhealthy_reason": debug.unhealthy,
        "busy_percent": busy_share(debug) * 100,
        "rows_per_second": metrics.recent.rows_per_second,
        "success_percent": None if metrics.recent.success_rate is None else metrics.recent.success_rate * 100,
        "latency_p99_ms": metrics.recent.latency.p99_ms,
        "queue_rows": metrics.queue.depth,
        "queue_limit": metrics.queue.limit,
        "shards_owned": len(debug.shards),
        "issues": sum(issue.channel == metrics.name for issue in issues),
    }


def _sentence(channels: Sequence[ChannelDebug], issues: Sequence[PerformanceIssue], alerts: Sequence[Alert]) -> str:
    if not channels:
        return "no channel runs: the system is starting, or has no channels"
    ill = [debug.metrics.name for debug in channels if debug.unhealthy is not None]
    healthy = f"{len(channels) - len(ill)} of {len(channels)} channel instances are healthy"
    if not issues and not alerts:
        return f"{healthy}; nothing to do"
    return f"{healthy}; {counted(len(issues), 'performance issue')}, {counted(len(alerts), 'active alert')}"

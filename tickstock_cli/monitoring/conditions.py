"""Conditions of alerts in one set of snapshots: a pure function, from which the alert manager makes alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tickstock_cli.core.counted import counted
from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import (
    ArrivalMetrics,
    BreakerState,
    ChannelMetrics,
    ChannelStatus,
    QueueMetrics,
    RolloutMetrics,
    SourceHealth,
    SourceState,
    SystemMetrics,
)
from tickstock_cli.core.times import NS_PER_SECOND, format_time
from tickstock_cli.monitoring.alerts import AlertType, Finding, Severity
from tickstock_cli.monitoring.thresholds import AlertThresholds

ARRIVALS, SOURCE = "arrivals", "source"
"""Subjects of what concerns the arrival queue and the source behind it."""
FALLBACK = "pipeline.fallback"
"""Subject of tickers that fell back from the multi-channel path of a gradual rollout."""
GAP_SHOWN_NS = 60_000_000_000
"""How long a gap of the feed that has ended is found."""
TICKERS_NAMED = 5
"""Tickers that a message names."""
SYSTEM = "system"
"""Subject of findings that concern no channel."""
OF_CATCHING_UP = (AlertType.HIGH_LATENCY, AlertType.QUEUE_OVERFLOW)
"""Conditions that are expected while a run catches up flat out after a seek."""


def find(channels: Sequence[ChannelMetrics], system: SystemMetrics, thresholds: AlertThresholds) -> list[Finding]:
    """Return the findings of one moment, at most one for each type and subject."""
    working = {metrics.channel for metrics in channels if _failure(metrics) is None}
    found: list[Finding | None] = []
    for metrics in channels:
        found += [
            _channel_failure(metrics, metrics.channel in working),
            _high_latency(metrics, thresholds),
            _low_success_rate(metrics, thresholds),
            _queue_overflow(metrics, thresholds),
        ]
    found += _broken_parts(system)
    found.append(_memory_usage(system, thresholds))
    if system.rollout is not None:
        found.append(_fallback(system.rollout))
    if system.arrivals is not None:
        source = system.arrivals.source
        found += [
            _source_failure(source),
            _feed_gap(source.last_gap, system.wall),
            _arrival_overflow(system.arrivals, thresholds),
        ]
    meant = OF_CATCHING_UP if system.catching_up else ()
    return [finding for finding in found if finding is not None and finding.type not in meant]


def _failure(metrics: ChannelMetrics) -> str | None:
    if metrics.status is ChannelStatus.ERROR:
        return f"{metrics.name} has stopped with an error"
    if metrics.breaker.state is BreakerState.OPEN:
        reason = metrics.breaker.transitions[-1].reason if metrics.breaker.transitions else "unknown reason"
        return f"{metrics.name}: circuit breaker open ({reason})"
    return None


def _channel_failure(metrics: ChannelMetrics, others_work: bool) -> Finding | None:
    """Return a finding on a failed instance; it is critical if no other instance of the channel works."""
    failure = _failure(metrics)
    if failure is not None:
        severity = Severity.ERROR if others_work else Severity.CRITICAL
        return Finding(AlertType.CHANNEL_FAILURE, metrics.name, severity, failure)
    if metrics.breaker.state is BreakerState.HALF_OPEN:
        message = f"{metrics.name}: circuit breaker half open, trying again"
        return Finding(AlertType.CHANNEL_FAILURE, metrics.name, Severity.WARNING, message)
    return None


def _high_latency(metrics: ChannelMetrics, thresholds: AlertThresholds) -> Finding | None:
    if metrics.status is ChannelStatus.PAUSED:  # rows of a paused channel wait on purpose
        return None
    limit, recent = metrics.latency_limit_ms, metrics.recent
    p99, oldest = recent.latency.p99_ms or 0.0, metrics.queue.oldest_ms or 0.0
    value = max(p99, oldest)
    hit = thresholds.latency_percent.reached_by(value / limit * 100)
    if hit is not None:
        severity, level = hit
        threshold = limit * level / 100
        what = f"p99 latency {p99:,.1f} ms" if p99 >= oldest else f"a row has been waiting for {oldest:,.0f} ms"
        message = f"{metrics.name}: {what}; {severity.label} from {threshold:,.1f} ms"
        return Finding(AlertType.HIGH_LATENCY, metrics.name, severity, message, value, threshold, "ms")
    if recent.timeouts:
        longest = recent.processing.max_ms
        message = (
            f"{metrics.name}: {recent.timeouts:,} of {recent.batches:,} batches took longer than "
            f"{metrics.timeout_ms:g} ms"
        )
        return Finding(AlertType.HIGH_LATENCY, metrics.name, Severity.INFO, message, longest, metrics.timeout_ms, "ms")
    return None


def _low_success_rate(metrics: ChannelMetrics, thresholds: AlertThresholds) -> Finding | None:
    rate = metrics.recent.success_rate
    if rate is None or not metrics.recent.failed:
        return None
    warning = thresholds.success_percent.warning
    severity, threshold = thresholds.success_percent.missed_by(rate * 100) or (Severity.INFO, warning)
    rows = metrics.recent.processed + metrics.recent.failed
    message = f"{metrics.name}: {metrics.recent.failed:,} of {counted(rows, 'row')} failed ({rate:.2%} success)"
    return Finding(AlertType.LOW_SUCCESS_RATE, metrics.name, severity, message, rate * 100, threshold, "%")


def _queue_overflow(metrics: ChannelMetrics, thresholds: AlertThresholds) -> Finding | None:
    return _overflow(metrics.name, metrics.queue, thresholds)


def _arrival_overflow(arrivals: ArrivalMetrics, thresholds: AlertThresholds) -> Finding | None:
    return _overflow(ARRIVALS, arrivals.queue, thresholds)


def _source_failure(source: SourceHealth) -> Finding | None:
    """Find a source that is not connected: critical once it says that something is wrong."""
    if source.state in (SourceState.CONNECTED, SourceState.ENDED) and source.problem is None:
        return None
    since = "" if source.since_wall is None else f" since {_second(source.since_wall)}"
    problem = "" if source.problem is None else f" ({source.problem})"
    severity = Severity.INFO if source.state is SourceState.CONNECTING and not problem else Severity.CRITICAL
    return Finding(AlertType.CHANNEL_FAILURE, SOURCE, severity, f"{SOURCE}: {source.state}{since}{problem}")


def _feed_gap(gap: Gap | None, wall: int) -> Finding | None:
    """Find a gap of the feed; one that has ended is found for a while, because it can be shorter than a check."""
    if gap is None:
        return None
    where = f"{', '.join(gap.channels)} ({gap.reason})"
    if gap.end is None:
        message = f"{SOURCE}: no rows since {_second(gap.begin)} of {where}"
        return Finding(AlertType.FEED_GAP, SOURCE, Severity.ERROR, message)
    if wall - gap.end > GAP_SHOWN_NS:
        return None
    message = f"{SOURCE}: no rows from {_second(gap.begin)} to {_second(gap.end)} of {where}"
    return Finding(AlertType.FEED_GAP, SOURCE, Severity.WARNING, message)


def _second(wall: int) -> str:
    """Return a time in whole seconds: more digits push the cause out of a narrow line."""
    return format_time(wall - wall % NS_PER_SECOND)


def _overflow(name: str, queue: QueueMetrics, thresholds: AlertThresholds) -> Finding | None:
    spilling = f", {queue.spilled:,} more on disk" if queue.spilled else ""
    message = f"{name}: {queue.depth:,} of {counted(queue.limit, 'row')} queued{spilling}"
    severity, level = thresholds.queue_percent.reached_by(queue.depth / queue.limit * 100) or (Severity.INFO, 0.0)
    if spilling and severity < Severity.ERROR:
        value, threshold, unit = float(queue.spilled), 1.0, "rows on disk"
        return Finding(AlertType.QUEUE_OVERFLOW, name, Severity.ERROR, message, value, threshold, unit)
    if severity is Severity.INFO:
        return None
    value, threshold = float(queue.depth), queue.limit * level / 100
    return Finding(AlertType.QUEUE_OVERFLOW, name, severity, message, value, threshold, "rows")


def _broken_parts(system: SystemMetrics) -> Iterator[Finding]:
    for name, problem in system.problems.items():
        yield Finding(AlertType.CHANNEL_FAILURE, name, Severity.CRITICAL, f"{name}: {problem}")


def _fallback(rollout: RolloutMetrics) -> Finding | None:
    """Return a finding on the tickers that fell back; their rows are processed, so it is no error."""
    fallen = rollout.fallen
    if not fallen:
        return None
    names = ", ".join(list(fallen)[:TICKERS_NAMED]) + (", …" if len(fallen) > TICKERS_NAMED else "")
    tickers = f"{counted(len(fallen), 'ticker')} fell back to the linear path ({names})"
    message = f"{FALLBACK}: {tickers}; the last: {list(fallen.values())[-1]}"
    value = float(len(fallen))
    return Finding(AlertType.PIPELINE_FALLBACK, FALLBACK, Severity.WARNING, message, value, 1.0, "tickers")


def _memory_usage(system: SystemMetrics, thresholds: AlertThresholds) -> Finding | None:
    limit = thresholds.memory_limit_bytes
    hit = thresholds.memory_percent.reached_by(system.memory_bytes / limit * 100)
    if hit is None:
        return None
    severity, level = hit
    message = f"memory {system.memory_bytes / 2**20:,.0f} MiB of {limit / 2**20:,.0f} MiB"
    return Finding(
        AlertType.MEMORY_USAGE, SYSTEM, severity, message, float(system.memory_bytes), limit * level / 100, "bytes"
    )

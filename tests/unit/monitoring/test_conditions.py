"""Conditions: what counts as wrong, how badly, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.unit.monitoring.making import (
    FIGURES,
    NOON,
    THRESHOLDS,
    channel,
    rollout,
    system,
    with_breaker,
    with_failures,
    with_latency,
    with_queue,
)
from tickstock_cli.core.feed import Gap
from tickstock_cli.core.metrics import (
    ArrivalMetrics,
    BreakerState,
    ChannelMetrics,
    ChannelStatus,
    LatencyMetrics,
    QueueMetrics,
    SourceHealth,
    SourceState,
    SystemMetrics,
)
from tickstock_cli.monitoring.alerts import AlertType, Finding, Severity
from tickstock_cli.monitoring.conditions import find
from tickstock_cli.monitoring.dashboard import dashboard
from tickstock_cli.testing import SECOND

INFO, WARNING, ERROR, CRITICAL = Severity


def found(*channels: ChannelMetrics, at: SystemMetrics | None = None) -> list[Finding]:
    """Look at channels of a system that is well but for them."""
    return find(channels, at or system(), THRESHOLDS)


def severities(findings: Sequence[Finding]) -> list[tuple[str, Severity]]:
    """Return what was found, in short."""
    return [(finding.type.value, finding.severity) for finding in findings]


def test_healthy_metrics_give_no_finding() -> None:
    """Silence is the normal state of a monitor."""
    assert found(channel("tick-1"), channel("ohlcv-1"), channel("fmv-1")) == []


@pytest.mark.parametrize(
    ("p99_ms", "severity"),
    [(24.9, None), (25.0, WARNING), (49.9, WARNING), (50.0, ERROR), (99.9, ERROR), (100.0, CRITICAL)],
)
def test_latency_is_compared_with_the_limit_of_the_channel(p99_ms: float, severity: Severity | None) -> None:
    """25 ms for ticks: from once, twice, four times that on."""
    findings = found(with_latency("tick-1", p99_ms))

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


def test_a_wait_that_batching_grants_is_not_late() -> None:
    """Bars may wait 100 ms for their batch, and then take 50."""
    bars = replace(with_latency("ohlcv-1", 140), wait_ms=100.0, timeout_ms=50.0)

    assert found(bars) == []
    assert severities(found(replace(bars, wait_ms=80.0))) == [("HIGH_LATENCY", WARNING)]


def test_a_single_slow_batch_is_an_information() -> None:
    """p99 does not show it, but a breach of the timeout is counted and told."""
    slow = channel(
        recent=replace(FIGURES, timeouts=1, processing=LatencyMetrics(100, 1.0, 4.0, 31.0, 31.0, 1.5)),
    )

    (finding,) = found(slow)

    assert (finding.type, finding.severity) == (AlertType.HIGH_LATENCY, INFO)
    assert finding.message == "tick-1: 1 of 100 batches took longer than 25 ms"
    assert (finding.value, finding.threshold, finding.unit) == (31.0, 25.0, "ms")


def test_a_blocked_channel_is_late() -> None:
    """Latencies of finished rows cannot tell of rows that do not finish."""
    empty = replace(FIGURES, processed=0, batches=0, latency=LatencyMetrics(), processing=LatencyMetrics())
    stuck = channel(recent=empty, queue=QueueMetrics(40, 40, 1_000, 0, 7_000.0))

    (finding,) = found(stuck)

    assert (finding.type, finding.severity) == (AlertType.HIGH_LATENCY, CRITICAL)
    assert finding.message == "tick-1: a row has been waiting for 7,000 ms; critical from 100.0 ms"


def test_a_paused_channel_is_not_late() -> None:
    """Its rows stand still because somebody wanted it."""
    paused = channel(status=ChannelStatus.PAUSED, queue=QueueMetrics(40, 40, 1_000, 0, 7_000.0))

    assert found(paused) == []


@pytest.mark.parametrize(
    ("failed", "severity"),
    [(0, None), (1, INFO), (10, INFO), (11, WARNING), (50, WARNING), (51, ERROR), (100, ERROR), (101, CRITICAL)],
)
def test_the_first_failed_row_is_a_finding(failed: int, severity: Severity | None) -> None:
    """Of a thousand: one is an information, beyond 1 % a warning, beyond 5 % an error, beyond 10 % critical."""
    findings = found(with_failures("tick-1", failed))

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


@pytest.mark.parametrize(
    ("depth", "spilled", "severity"),
    [
        (749, 0, None),
        (750, 0, WARNING),
        (900, 0, ERROR),
        (1_000, 0, CRITICAL),
        (10, 1, ERROR),
        (800, 1, ERROR),
        (1_000, 1, CRITICAL),
    ],
)
def test_a_queue_has_three_levels(depth: int, spilled: int, severity: Severity | None) -> None:
    """By its share of the limit; rows on disk are an error however many are left in memory."""
    findings = found(with_queue("tick-1", depth, spilled))

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


def test_the_message_of_a_full_queue_names_the_rows_on_disk() -> None:
    """The reader wants to know how far behind it is."""
    (finding,) = found(with_queue("ohlcv-1", 950, 12_345))

    assert finding.message == "ohlcv-1: 950 of 1,000 rows queued, 12,345 more on disk"
    assert (finding.value, finding.threshold, finding.unit) == (950, 900, "rows")


def test_rows_on_disk_are_a_figure_of_their_own() -> None:
    """The queue in memory may have room again while thousands of rows still wait on disk."""
    (finding,) = found(with_queue("ohlcv-1", 800, 12_345))

    assert (finding.value, finding.threshold, finding.unit) == (12_345, 1, "rows on disk")


def test_a_failed_instance_is_critical_if_its_channel_has_no_other() -> None:
    """With another one to take its shards it is an error."""
    broken = with_breaker("tick-1", BreakerState.OPEN)

    alone = found(broken, channel("ohlcv-1"))
    in_company = found(broken, channel("tick-2"))

    assert severities(alone) == [("CHANNEL_FAILURE", CRITICAL)]
    assert severities(in_company) == [("CHANNEL_FAILURE", ERROR)]
    assert alone[0].message == "tick-1: circuit breaker open (5 failures in a row, the last: no such column)"


def test_an_instance_with_an_error_has_failed_and_a_half_open_one_may_recover() -> None:
    """A status, and a warning until the trials are over."""
    dead = channel("tick-1", status=ChannelStatus.ERROR)
    trying = with_breaker("ohlcv-1", BreakerState.HALF_OPEN)

    findings = found(dead, channel("tick-2"), trying)

    assert [(finding.subject, finding.severity) for finding in findings] == [("tick-1", ERROR), ("ohlcv-1", WARNING)]


def test_a_clean_end_is_no_failure() -> None:
    """Nor is a beginning."""
    assert found(channel(status=ChannelStatus.SHUTDOWN), channel("fmv-1", status=ChannelStatus.INITIALIZING)) == []


def test_problems_of_other_parts_have_their_names() -> None:
    """A disk that is full, a sink that cannot write."""
    findings = found(at=system(problems={"event log": "no space left on device"}))

    assert severities(findings) == [("CHANNEL_FAILURE", CRITICAL)]
    assert (findings[0].subject, findings[0].message) == ("event log", "event log: no space left on device")


@pytest.mark.parametrize(
    ("mib", "severity"), [(1_535, None), (1_536, WARNING), (1_900, ERROR), (2_048, CRITICAL), (9_000, CRITICAL)]
)
def test_memory_is_compared_with_its_limit(mib: int, severity: Severity | None) -> None:
    """2 GiB: from three quarters, nine tenths, and all of it on."""
    findings = found(at=system(memory_bytes=mib * 2**20))

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])


def test_several_findings_are_possible_at_once() -> None:
    """Each with its own type; at most one of a type and subject."""
    ill = replace(with_queue("tick-1", 1_000), recent=replace(FIGURES, processed=500, failed=500, timeouts=9))

    findings = found(replace(ill, status=ChannelStatus.ERROR))

    assert [finding.type for finding in findings] == [
        AlertType.CHANNEL_FAILURE,
        AlertType.HIGH_LATENCY,
        AlertType.LOW_SUCCESS_RATE,
        AlertType.QUEUE_OVERFLOW,
    ]


def test_a_run_that_seeks_is_not_late() -> None:
    """Full queues and old rows are what going there flat out is made of; what fails still counts."""
    behind = (with_latency("tick-1", 5_000.0), with_queue("ohlcv-1", 1_000))

    assert {finding.type for finding in found(*behind)} == {AlertType.HIGH_LATENCY, AlertType.QUEUE_OVERFLOW}
    assert found(*behind, at=system(catching_up=True)) == []
    assert found(channel("tick-1", status=ChannelStatus.ERROR), at=system(catching_up=True)) != []


@pytest.mark.parametrize(
    ("health", "severity", "words"),
    [
        (SourceHealth(SourceState.CONNECTED), None, ""),
        (SourceHealth(SourceState.ENDED), None, ""),
        (SourceHealth(SourceState.CONNECTING), INFO, "source: connecting"),
        (SourceHealth(SourceState.RECONNECTING, problem="close 1006"), CRITICAL, "source: reconnecting (close 1006)"),
        (SourceHealth(problem="12 of 8,000 not acknowledged"), CRITICAL, "source: connected (12 of 8,000 not"),
    ],
)
def test_a_source_that_is_not_connected_is_an_alert(
    health: SourceHealth, severity: Severity | None, words: str
) -> None:
    """A feed that fails in silence is the worst one."""
    findings = found(at=system(arrivals=ArrivalMetrics(QueueMetrics(0, 0, 100), source=health)))

    assert [finding.severity for finding in findings] == ([] if severity is None else [severity])
    assert all(finding.message.startswith(words) for finding in findings)


@pytest.mark.parametrize(
    ("end", "severity", "words"),
    [
        (None, ERROR, "source: no rows since 2023-11-14T22:11:50Z of T, AM (connection lost)"),
        (1, WARNING, "source: no rows from 2023-11-14T22:11:50Z to 2023-11-14T22:13:19Z of T, AM (connection lost)"),
        (60, WARNING, "source: no rows from 2023-11-14T22:11:50Z to 2023-11-14T22:12:20Z of T, AM (connection lost)"),
        (61, None, ""),
    ],
)
def test_a_gap_of_the_feed_is_an_alert_for_a_minute_after_its_end(
    end: int | None, severity: Severity | None, words: str
) -> None:
    """It can begin and end between two checks; how long ago it ended is given in seconds."""
    begin = NOON - 90 * SECOND
    gap = Gap(begin, None if end is None else NOON - end * SECOND, ("T", "AM"), "connection lost")
    source = SourceHealth(last_gap=gap, gaps=1)

    findings = found(at=system(arrivals=ArrivalMetrics(QueueMetrics(0, 0, 100), source=source)))

    assert severities(findings) == ([] if severity is None else [("FEED_GAP", severity)])
    assert all(finding.message == words for finding in findings)


def test_status_shows_the_latest_gap_of_the_feed() -> None:
    """Also once its alert is resolved: whoever looks later wants to know which rows are missing."""
    source = SourceHealth(last_gap=Gap(NOON, NOON + SECOND, ("T",), "connection lost"), gaps=2)
    document = dashboard(
        [], system(arrivals=ArrivalMetrics(QueueMetrics(0, 0, 100), source=source)), [], [], THRESHOLDS
    )

    shown = document["system_overview"]["arrivals"]["source"]
    assert shown["gaps"] == 2
    assert shown["last_gap"] == {
        "begin": "2023-11-14T22:13:20Z",
        "end": "2023-11-14T22:13:21Z",
        "channels": ["T"],
        "reason": "connection lost",
    }


def test_a_full_arrival_queue_is_an_alert_like_a_channels() -> None:
    """Rows on disk are an error, for the run is slower than its feed."""
    arrivals = ArrivalMetrics(QueueMetrics(10, 100, 100, spilled=5_000))

    (finding,) = found(at=system(arrivals=arrivals))

    assert (finding.type, finding.subject, finding.severity) == (AlertType.QUEUE_OVERFLOW, "arrivals", ERROR)
    assert "5,000 more on disk" in finding.message


def test_tickers_that_fell_back_are_a_warning_that_names_them() -> None:
    """Their rows are processed, so nothing is lost; but a rollout that goes back by itself must not go unnoticed."""
    why = {f"T{number}": "tick-1: highlow: ValueError: cannot" for number in range(7)}
    (finding,) = find([channel()], system(rollout=rollout(**why)), THRESHOLDS)

    assert (finding.type, finding.subject) == (AlertType.PIPELINE_FALLBACK, "pipeline.fallback")
    assert finding.severity is WARNING
    assert finding.message == (
        "pipeline.fallback: 7 tickers fell back to the linear path (T0, T1, T2, T3, T4, …); "
        "the last: tick-1: highlow: ValueError: cannot"
    )
    assert find([channel()], system(rollout=rollout()), THRESHOLDS) == []

"""The channel monitor: from snapshots to handlers and the document."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.monitoring.making import (
    FIGURES,
    NOON,
    THRESHOLDS,
    channel,
    system,
    with_breaker,
    with_failures,
    with_latency,
    with_queue,
)
from tickstock_cli.core.metrics import BreakerState, ChannelStatus, LatencyMetrics, RouterMetrics
from tickstock_cli.core.times import format_time
from tickstock_cli.monitoring.handlers import CallHandler, LogHandler, QueueHandler
from tickstock_cli.monitoring.monitor import ChannelMonitor
from tickstock_cli.testing import SECOND


def test_a_breaker_that_opens_and_recovers_is_an_alert_raised_and_resolved() -> None:
    """The whole way: open, half open, closed, and away for ten seconds."""
    told: list[dict[str, Any]] = []
    monitor = ChannelMonitor(THRESHOLDS, [CallHandler(told.append)])
    monitor.observe([channel()], system(0))
    monitor.observe([with_breaker("tick-1", BreakerState.OPEN)], system(1 * SECOND))
    monitor.observe([with_breaker("tick-1", BreakerState.HALF_OPEN)], system(6 * SECOND))
    for second in range(7, 20):
        monitor.observe([channel()], system(second * SECOND))

    assert [(message["change"], message["alert"]["type"]) for message in told] == [
        ("raised", "CHANNEL_FAILURE"),
        ("resolved", "CHANNEL_FAILURE"),
    ]
    assert told[0]["alert"]["severity"] == "critical"
    assert told[1]["alert"]["resolved_at"] == format_time(NOON + 16 * SECOND)
    assert monitor.active == ()
    assert [alert.worst.label for alert in monitor.history] == ["critical"]


def test_an_error_in_a_handler_does_not_affect_others() -> None:
    """A webhook that is down: the others are told, the failure is counted and shown, the next alert is tried."""
    told: list[dict[str, Any]] = []

    def down(message: dict[str, Any]) -> None:
        raise ConnectionError(f"no route to host for alert {message['alert']['id']}")

    monitor = ChannelMonitor(THRESHOLDS, [CallHandler(down), CallHandler(told.append)])
    monitor.observe([with_queue("tick-1", 1_000), with_queue("tick-2", 1_000)], system())

    assert [message["alert"]["subject"] for message in told] == ["tick-1", "tick-2"]
    assert monitor.handler_failures == 2
    overview = monitor.get_monitoring_dashboard_data()["system_overview"]
    assert overview["last_handler_failure"] == "ConnectionError: no route to host for alert 2"


def test_handlers_can_be_added_and_removed() -> None:
    """A WebSocket session listens as long as it lives."""
    monitor = ChannelMonitor(THRESHOLDS)
    session = QueueHandler()
    leave = monitor.add_handler(session)
    monitor.observe([with_queue("tick-1", 1_000)], system(0))
    leave()
    monitor.observe([with_queue("tick-2", 1_000)], system(SECOND))

    taken, dropped = session.take()

    assert [message["alert"]["subject"] for message in taken] == ["tick-1"]
    assert dropped == 0
    assert session.take() == ([], 0)


def test_a_full_queue_handler_counts_dropped_messages() -> None:
    """The newest changes are the ones worth having."""
    monitor = ChannelMonitor(THRESHOLDS)
    slow = QueueHandler(capacity=2)
    monitor.add_handler(slow)
    monitor.observe([with_queue(f"tick-{number}", 1_000) for number in range(1, 6)], system())

    taken, dropped = slow.take()

    assert [message["alert"]["subject"] for message in taken] == ["tick-4", "tick-5"]
    assert dropped == 3


def test_the_log_gets_a_line_at_the_level_of_the_severity(caplog: pytest.LogCaptureFixture) -> None:
    """And what is over is mere information."""
    monitor = ChannelMonitor(THRESHOLDS, [LogHandler(logging.getLogger("tickstock.alerts"))])
    with caplog.at_level(logging.INFO, logger="tickstock.alerts"):
        monitor.observe([with_latency("tick-1", 60), with_failures("fmv-1", 1)], system(0))
        monitor.observe([channel("tick-1"), channel("fmv-1")], system(10 * SECOND))

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "HIGH_LATENCY raised: tick-1: p99 latency 60.0 ms; error from 50.0 ms"),
        ("INFO", "LOW_SUCCESS_RATE raised: fmv-1: 1 of 1,000 rows failed (99.90% success)"),
        ("INFO", "HIGH_LATENCY resolved: tick-1: p99 latency 60.0 ms; error from 50.0 ms"),
        ("INFO", "LOW_SUCCESS_RATE resolved: fmv-1: 1 of 1,000 rows failed (99.90% success)"),
    ]


def test_only_critical_alerts_make_the_system_unhealthy() -> None:
    """A load balancer should take it out for that, and not for a warning."""
    monitor = ChannelMonitor(THRESHOLDS)
    assert monitor.unhealthy_reasons() == ("the system is not ready",)
    monitor.observe([with_queue("tick-1", 950)], system(0))
    assert monitor.unhealthy_reasons() == ()

    monitor.observe([with_queue("tick-1", 1_000)], system(SECOND))
    assert monitor.unhealthy_reasons() == ("tick-1: 1,000 of 1,000 rows queued",)
    monitor.observe([channel()], system(2 * SECOND, ready=False))
    assert monitor.unhealthy_reasons() == ("the system is not ready",)


def test_a_reason_that_holds_no_longer_says_so_until_its_alert_is_resolved() -> None:
    """A feed that streamed again was "reconnecting" for ten more seconds, beside its own "streaming"."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([with_queue("tick-1", 1_000)], system(0))
    monitor.observe([channel()], system(2 * SECOND))

    told = "tick-1: 1,000 of 1,000 rows queued; not since 2023-11-14T22:13:20Z"
    assert monitor.unhealthy_reasons() == (told,)
    monitor.observe([channel()], system(30 * SECOND))
    assert monitor.unhealthy_reasons() == ()


def test_the_document_has_the_papers_five_parts_and_is_json() -> None:
    """Also before the first look, and with figures that nothing was measured for."""
    monitor = ChannelMonitor(THRESHOLDS)
    empty = replace(FIGURES, processed=0, latency=LatencyMetrics(), processing=LatencyMetrics())
    documents = [monitor.get_monitoring_dashboard_data()]
    monitor.observe(
        [channel("tick-1", recent=empty), with_breaker("fmv-1", BreakerState.OPEN)],
        system(SECOND, router=RouterMetrics("health_based", rows_by_type={"tick": 5}), clients=3),
    )
    documents.append(monitor.get_monitoring_dashboard_data())

    for document in documents:
        assert json.loads(json.dumps(document, allow_nan=False)) == document
        assert [*document] == [
            "system_overview",
            "channel_details",
            "active_alerts",
            "recent_alerts",
            "performance_thresholds",
        ]
    assert documents[0]["system_overview"]["status"] == "starting"
    assert documents[1]["channel_details"]["tick-1"]["recent"]["latency_ms"]["p99"] is None
    assert documents[1]["system_overview"]["router"]["rows_by_type"] == {"tick": 5}


def test_the_status_is_ready_degraded_or_not_ready() -> None:
    """Ready; degraded by an error; not ready."""
    monitor = ChannelMonitor(THRESHOLDS)
    statuses = []
    for second, (metrics, ready) in enumerate(
        [(channel(), True), (with_queue("tick-1", 800), True), (with_queue("tick-1", 950), True), (channel(), False)]
    ):
        monitor.observe([metrics], system(second * SECOND, ready=ready))
        statuses.append(monitor.get_monitoring_dashboard_data()["system_overview"]["status"])

    assert statuses == ["ready", "ready", "degraded", "not ready"]


def test_dates_in_the_document_are_wall_time() -> None:
    """A breaker knows the clock alone; whoever reads a document wants dates."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([with_breaker("tick-1", BreakerState.OPEN)], system(90 * SECOND))

    document = monitor.get_monitoring_dashboard_data()

    (transition,) = document["channel_details"]["tick-1"]["breaker"]["transitions"]
    assert transition["at"] == format_time(NOON)
    assert document["system_overview"]["time"] == format_time(NOON + 90 * SECOND)
    assert document["active_alerts"][0]["raised_at"] == format_time(NOON + 90 * SECOND)


def test_recent_alerts_are_at_most_fifty_the_newest_last() -> None:
    """The document stays small however much happened."""
    monitor = ChannelMonitor(THRESHOLDS)
    for number in range(60):
        monitor.observe([with_queue(f"tick-{number}", 1_000)], system(number * SECOND))

    recent = monitor.get_monitoring_dashboard_data()["recent_alerts"]

    assert [alert["id"] for alert in recent] == list(range(11, 61))


def test_the_overview_counts_channels_and_alerts() -> None:
    """What a page shows in its head."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe(
        [with_queue("tick-1", 1_000), with_queue("tick-2", 800), channel("fmv-1", status=ChannelStatus.PAUSED)],
        system(),
    )

    overview = monitor.get_monitoring_dashboard_data()["system_overview"]

    assert overview["alerts"] == {"info": 0, "warning": 1, "error": 0, "critical": 1}
    assert (overview["channels"], overview["channels_active"]) == (3, 2)


def test_the_end_of_a_system_resolves_what_is_open() -> None:
    """Whoever looks at a finished run must not find it in trouble for ever."""
    told: list[dict[str, Any]] = []
    monitor = ChannelMonitor(THRESHOLDS, [CallHandler(told.append)])
    monitor.observe([with_breaker("tick-1", BreakerState.OPEN)], system(1 * SECOND))
    monitor.end(2 * SECOND, NOON + 2 * SECOND)

    assert [message["change"] for message in told] == ["raised", "resolved"]
    assert monitor.active == ()
    document = monitor.get_monitoring_dashboard_data()
    assert document["active_alerts"] == []
    assert document["recent_alerts"][0]["resolved_at"] == format_time(NOON + 2 * SECOND)

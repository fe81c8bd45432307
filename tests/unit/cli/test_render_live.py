"""Frames of a paced run: exactly as high as the terminal, and the last lines are never left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from rich.console import Console
from rich.text import Text

from tests.unit.cli.test_render_events import EVENT, ZONE
from tests.unit.monitoring.making import NOON, THRESHOLDS, channel, system, with_breaker, with_latency, with_queue
from tickstock_cli.cli.render_live import LiveFrame
from tickstock_cli.core.metrics import ArrivalMetrics, BreakerState, QueueMetrics, SourceHealth, SourceState
from tickstock_cli.monitoring.monitor import ChannelMonitor

BELOW = [Text("market"), Text("row"), Text("progress"), Text("keys")]


@pytest.fixture
def troubled() -> Mapping[str, Any]:
    """Return the dashboard of three channels with three alerts."""
    monitor = ChannelMonitor(THRESHOLDS)
    channels = [with_queue("tick-1", 980), with_breaker("tick-2", BreakerState.OPEN), with_latency("ohlcv-1", 999.9)]
    monitor.observe([*channels, channel("fmv-1")], system())
    document = monitor.get_monitoring_dashboard_data()
    assert len(document["active_alerts"]) == 3
    return document


def drawn(dashboard: Mapping[str, Any] | None, width: int, height: int, events: int = 500) -> list[str]:
    """Draw a frame with as many of the events as it asks for."""
    console = Console(width=width, height=height, color_system=None, force_terminal=False)
    frame = LiveFrame(lambda count: [EVENT] * min(count, events), dashboard, BELOW, ZONE)
    with console.capture() as capture:
        console.print(frame)
    return [line.rstrip() for line in capture.get().splitlines()]


@pytest.mark.parametrize("height", [6, 12, 24, 50])
@pytest.mark.parametrize("width", [60, 80, 200])
@pytest.mark.parametrize("dashboard", [False, True])
def test_the_last_lines_are_always_there(troubled: Mapping[str, Any], dashboard: bool, width: int, height: int) -> None:
    """Nobody finds the key that ends a pause on a screen that has lost its last line."""
    lines = drawn(troubled if dashboard else None, width, height)

    assert len(lines) == height
    assert lines[-4:] == ["market", "row", "progress", "keys"]


def test_three_alerts_leave_room_for_events_at_eighty_by_twenty_four(troubled: Mapping[str, Any]) -> None:
    """The alerts are all there, each in a line."""
    text = "\n".join(drawn(troubled, 80, 24))

    assert "3 alerts" in text
    assert [text.count(word) for word in ("QUEUE_OVERFLOW", "CHANNEL_FAILURE", "HIGH_LATENCY")] == [1, 1, 1]
    assert text.count("▲ high") >= 3


@pytest.mark.parametrize("dashboard", [False, True])
def test_events_fill_a_high_terminal(troubled: Mapping[str, Any], dashboard: bool) -> None:
    """Above blank lines there are no events that have no room."""
    lines = drawn(troubled if dashboard else None, 200, 50)

    assert lines[-6].split()[1] == "IBM"
    assert lines[-5] == ""
    assert sum("▲ high" in line for line in lines) >= (25 if dashboard else 43)


def test_a_window_that_is_too_low_says_how_much_is_missing(troubled: Mapping[str, Any]) -> None:
    """Otherwise the last channel shown passes for the last channel."""
    assert any("more lines need a higher window" in line for line in drawn(troubled, 80, 16))


def test_times_in_alerts_are_in_the_zone_of_the_run() -> None:
    """A line below "market 09:30" that says 14:30Z makes an alert of now look like one of another day."""
    lost = SourceHealth(SourceState.RECONNECTING, since_wall=NOON, problem="connection refused")
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([channel()], system(arrivals=ArrivalMetrics(QueueMetrics(0, 0, 100), source=lost)))

    text = "\n".join(drawn(monitor.get_monitoring_dashboard_data(), 200, 50))
    assert f"source: reconnecting since {ZONE.clock(NOON, 0)} (connection refused)" in text
    assert "Z (" not in text

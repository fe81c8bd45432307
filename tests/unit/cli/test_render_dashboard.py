"""The dashboard on a terminal: everything that matters, on narrow and wide ones."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.monitoring.making import (
    FIGURES,
    THRESHOLDS,
    channel,
    rollout,
    system,
    with_breaker,
    with_latency,
    with_queue,
)
from tickstock_cli.cli.render_dashboard import DashboardView, duration
from tickstock_cli.core.metrics import BreakerState, ChannelStatus, LatencyMetrics, QueueMetrics, RouterMetrics
from tickstock_cli.monitoring.monitor import ChannelMonitor
from tickstock_cli.testing import SECOND


def lines(monitor: ChannelMonitor, width: int) -> list[str]:
    """Draw what a monitor saw, without colours."""
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(DashboardView(monitor.get_monitoring_dashboard_data()))
    return [line.rstrip() for line in capture.get().splitlines()]


def spaced(line: str) -> str:
    """Return a line with one space between words."""
    return " ".join(line.split())


@pytest.fixture
def busy() -> ChannelMonitor:
    """Return a monitor of a system in trouble: all that can be wide is."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([with_latency("ohlcv-12", 12_345.6)], system(0))
    empty = replace(FIGURES, processed=0, batches=0, latency=LatencyMetrics(), processing=LatencyMetrics())
    slow = LatencyMetrics(9, 101.0, 12_345.6, 23_456.0, 99_999.0, 12.0)
    for second in (10, 135):
        monitor.observe(
            [
                with_queue("tick-1", 980),
                with_breaker("tick-2", BreakerState.OPEN),
                channel(
                    "ohlcv-12",
                    queue=QueueMetrics(8_000, 8_000, 8_000, 12_345, 3.0),
                    recent=replace(FIGURES, processed=9_999_700, failed=300, latency=slow),
                    whole=replace(FIGURES, timeouts=1_234, failed=300),
                ),
                channel("fmv-1", recent=empty, status=ChannelStatus.INITIALIZING),
            ],
            system(second * SECOND, uptime_ns=93_784 * SECOND, clients=156, router=RouterMetrics("health_based")),
        )
    return monitor


@pytest.mark.parametrize("width", [80, 100, 140, 200])
def test_no_figure_is_cut_at_any_width(busy: ChannelMonitor, width: int) -> None:
    """A figure with its last digit missing is worse than none."""
    drawn = lines(busy, width)

    assert max(map(len, drawn)) <= width
    assert "…" not in "\n".join(drawn)


def test_a_narrow_terminal_shows_what_matters_when_something_is_wrong(busy: ChannelMonitor) -> None:
    """80 columns: status, breaker, latency, queue, success, throughput; then the alerts."""
    drawn = lines(busy, 80)

    assert spaced(drawn[0]) == "system degraded up 1d 02h memory 500 of 2,048 MiB success 93.02%"
    assert "clients 156" in drawn[1]
    table = drawn.index("")
    assert spaced(drawn[table + 1]) == "channel status breaker p50 ms p99 ms queue success rows/s"
    assert spaced(drawn[table + 3]) == "tick-2 active open 1.00 4.00 40/1,000 100.00% 100"
    assert spaced(drawn[table + 4]) == "ohlcv-12 active closed 101 12,346 8,000/8,000 99.99% 1,000,000"
    assert spaced(drawn[table + 5]) == "fmv-1 starting closed – – 40/1,000 – 0"


def test_a_wide_terminal_shows_everything(busy: ChannelMonitor) -> None:
    """140 columns: also limits, late batches, the greatest depth, failed rows, events, shards."""
    drawn = lines(busy, 140)

    row = next(line for line in drawn if line.startswith("ohlcv-12"))
    assert row.split()[4:10] == ["12,346", "99,999", "25", "1,234", "8,000/8,000", "8,000"]
    assert any("max ms" in line and "events/s" in line and "shards" in line for line in drawn)


def test_alerts_show_severity_subject_and_time(busy: ChannelMonitor) -> None:
    """Worst first; below them what is over."""
    drawn = lines(busy, 140)
    start = drawn.index("5 alerts")

    assert drawn[start + 1].split()[:3] == ["critical", "HIGH_LATENCY", "ohlcv-12:"]
    assert any(line.startswith("error     CHANNEL_FAILURE   tick-2: circuit breaker open") for line in drawn[start:])
    assert any(line.endswith("for 2m 05s") for line in drawn[start:])


def test_an_alert_whose_condition_has_passed_says_when() -> None:
    """It stays for ten seconds; "for 8s" said that it went on."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([with_queue("tick-1", 1_000)], system(0))
    assert lines(monitor, 80)[-1].endswith("  for 0s")
    monitor.observe([channel("tick-1")], system(8 * SECOND))

    assert lines(monitor, 80)[-1].endswith("1,000 of 1,000 rows queued  till 8s ago")


def test_resolved_alerts_are_shown_as_over() -> None:
    """Whoever looks a minute later still learns what it was."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([with_queue("tick-1", 1_000)], system(0))
    monitor.observe([channel("tick-1")], system(10 * SECOND))
    monitor.observe([channel("tick-1")], system(52 * SECOND))

    assert lines(monitor, 80)[-2:] == [
        "no alerts",
        "over  QUEUE_OVERFLOW  tick-1: 1,000 of 1,000 rows queued  42s ago",
    ]


def test_before_the_first_update_the_status_is_starting() -> None:
    """The dashboard may be drawn earlier than anything is measured."""
    assert lines(ChannelMonitor(THRESHOLDS), 80) == ["system starting", "", "no alerts"]


def test_success_is_never_rounded_up_to_a_whole() -> None:
    """One failed row among a million is not 100 %."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([channel("tick-1", recent=replace(FIGURES, processed=999_999, failed=1))], system())

    assert "99.99%" in "\n".join(lines(monitor, 80))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (60, "1m 00s"),
        (3_599, "59m 59s"),
        (3_600, "1h 00m"),
        (86_399, "23h 59m"),
        (86_400, "1d 00h"),
    ],
)
def test_durations_have_two_units(seconds: float, text: str) -> None:
    """As exact as anybody wants to read."""
    assert duration(seconds) == text


@pytest.mark.parametrize("width", [80, 200])
def test_both_sides_of_a_rollout_stand_beside_each_other(width: int) -> None:
    """Whoever rolls out compares latency and success, and sees that tickers fell back."""
    monitor = ChannelMonitor(THRESHOLDS)
    monitor.observe([channel()], system(rollout=rollout(ABC="tick-1: status error")))

    drawn = [spaced(line) for line in lines(monitor, width)]

    start = drawn.index("rollout 1 % of the tickers by shard (1 of 64) fallbacks 1")
    assert drawn[start + 1 : start + 4] == [
        "path tickers rows events p50 ms p99 ms success",
        "multi 1 500 3 1.00 4.00 100.00%",
        "linear 2 1,000 6 1.00 4.00 100.00%",
    ]
    assert any("pipeline.fallback: 1 ticker fell" in line for line in drawn)

"""Meters: what they count, and what the sliding window forgets."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.metrics import BreakerMetrics, ChannelMetrics, ChannelStatus, LatencyMetrics
from tickstock_cli.runtime.metrics import Meter, Rate
from tickstock_cli.testing import MILLISECOND, SECOND, ManualClock


def meter_of(clock: ManualClock) -> Meter:
    """Return a meter with a timeout of 25 ms and a window of 10 s."""
    return Meter(
        "tick-1",
        "tick",
        queue_limit=1_000,
        timeout_ns=25 * MILLISECOND,
        wait_ns=0,
        window_ns=10 * SECOND,
        clock=clock,
    )


def look(meter: Meter) -> ChannelMetrics:
    """Take a snapshot of an active instance."""
    return meter.snapshot(ChannelStatus.ACTIVE, BreakerMetrics())


def work(meter: Meter, clock: ManualClock, ms: float, rows: int = 1, events: int = 0, failed: int = 0) -> None:
    """Process rows that came just now."""
    started = clock.now()
    clock.advance(round(ms * MILLISECOND))
    meter.batch(started, clock.now(), [(started, rows)], events=events, failed=failed)


def test_a_meter_without_records_has_no_latencies() -> None:
    """None is not 0 ms."""
    snapshot = look(meter_of(ManualClock()))

    assert snapshot.whole.latency == LatencyMetrics()
    assert snapshot.whole.success_rate is None
    assert snapshot.recent.rows_per_second == 0


def test_rows_events_and_failures_add_up() -> None:
    """Every row ends in one of two counters."""
    clock = ManualClock()
    meter = meter_of(clock)
    work(meter, clock, 1, rows=90, events=3)
    work(meter, clock, 1, rows=10, events=1, failed=4)

    whole = look(meter).whole

    assert (whole.processed, whole.failed, whole.events, whole.batches) == (96, 4, 4, 2)
    assert whole.success_rate == 0.96


def test_latency_counts_from_arrival_and_processing_from_the_start() -> None:
    """Rows that waited 40 ms for a batch of 2 ms are 42 ms old; a row is counted, not a batch."""
    clock = ManualClock()
    meter = meter_of(clock)
    clock.advance(40 * MILLISECOND)
    meter.batch(40 * MILLISECOND, 42 * MILLISECOND, [(0, 999), (40 * MILLISECOND, 1)], events=0)

    whole = look(meter).whole

    assert (whole.latency.count, whole.latency.p50_ms, whole.latency.max_ms) == (1_000, 42, 42)
    assert whole.latency.mean_ms == pytest.approx((999 * 42 + 2) / 1_000)
    assert (whole.processing.count, whole.processing.max_ms) == (1, 2)


def test_a_batch_beyond_the_timeout_is_counted_and_no_other() -> None:
    """25 ms are just within 25 ms."""
    clock = ManualClock()
    meter = meter_of(clock)
    for ms in (24, 25, 25.001, 400):
        work(meter, clock, ms)

    assert look(meter).whole.timeouts == 2


def test_a_row_ahead_of_its_schedule_is_not_late() -> None:
    """Latency counted from scheduled times may come out below zero by a rounding."""
    clock = ManualClock(SECOND)
    meter = meter_of(clock)
    meter.batch(SECOND, SECOND + 5, [(SECOND + 10, 1)], events=0)

    assert look(meter).whole.latency.max_ms == 0


def test_old_records_leave_the_window_and_stay_in_the_whole() -> None:
    """A bad minute must not keep an alert alive for the rest of the day."""
    clock = ManualClock()
    meter = meter_of(clock)
    work(meter, clock, 900, failed=1)
    clock.advance(11 * SECOND)
    work(meter, clock, 1)

    snapshot = look(meter)

    assert (snapshot.recent.processed, snapshot.recent.failed, snapshot.recent.timeouts) == (1, 0, 0)
    assert snapshot.recent.latency.max_ms == 1
    assert (snapshot.whole.processed, snapshot.whole.failed, snapshot.whole.timeouts) == (1, 1, 1)
    assert snapshot.whole.latency.max_ms == 900


def test_throughput_is_that_of_the_window() -> None:
    """Ten rows every 100 ms are 100 a second, half a second after the start as much as two minutes later."""
    clock = ManualClock()
    meter = meter_of(clock)
    seen = []
    for step in range(1_200):
        work(meter, clock, 100, rows=10)
        if step in (4, 50, 1_199):
            recent = look(meter).recent
            seen.append(recent.rows_per_second)

    assert seen == pytest.approx([100, 100, 100], rel=0.02)


def test_an_idle_instance_has_an_empty_window() -> None:
    """Nothing has come for longer than it reaches back."""
    clock = ManualClock()
    meter = meter_of(clock)
    work(meter, clock, 5, rows=100)
    clock.advance(3_600 * SECOND)

    assert look(meter).recent.processed == 0
    assert look(meter).recent.success_rate is None


def test_the_queue_remembers_its_greatest_depth() -> None:
    """And how old its oldest row is, which no finished row could tell."""
    clock = ManualClock()
    meter = meter_of(clock)
    meter.queue(700)
    meter.queue(30, spilled=5)
    clock.advance(80 * MILLISECOND)

    queue = meter.snapshot(ChannelStatus.ACTIVE, BreakerMetrics(), oldest_ns=20 * MILLISECOND).queue

    assert (queue.depth, queue.max_depth, queue.limit, queue.spilled, queue.oldest_ms) == (30, 700, 1_000, 5, 60)


def test_a_snapshot_does_not_change_any_more() -> None:
    """It is handed to other threads."""
    clock = ManualClock()
    meter = meter_of(clock)
    work(meter, clock, 1)
    before = look(meter)
    work(meter, clock, 1)

    assert before.whole.processed == 1
    with pytest.raises(AttributeError):
        before.whole.processed = 5  # type: ignore[misc]


@given(st.lists(st.tuples(st.integers(0, 3_600 * SECOND), st.integers(1, 1_000)), min_size=1, max_size=60))
def test_percentiles_are_at_most_a_hundredth_above_the_true_ones(batches: list[tuple[int, int]]) -> None:
    """Also when records have wandered through several chunks of the window."""
    clock = ManualClock()
    meter = meter_of(clock)
    for latency, rows in batches:
        started = clock.now()
        clock.advance(latency)
        meter.batch(started, clock.now(), [(started, rows)], events=0)
    truth = sorted(latency / 1e6 for latency, rows in batches for _ in range(rows))

    found = look(meter).whole.latency

    for percent, value in ((50, found.p50_ms), (99, found.p99_ms), (99.9, found.p999_ms)):
        rank = max(1, int(percent * len(truth) / 100 + 0.5))  # as the library counts them
        assert value is not None
        assert truth[rank - 1] <= value <= truth[rank - 1] * 1.01 + 0.001
    assert found.max_ms == truth[-1]


@given(st.lists(st.tuples(st.integers(0, 3 * SECOND), st.integers(1, 50)), max_size=60))
def test_whole_and_window_agree_with_a_plain_count(steps: list[tuple[int, int]]) -> None:
    """Nothing is lost between chunks, and nothing counted twice."""
    clock = ManualClock()
    meter = meter_of(clock)
    done: list[tuple[int, int]] = []
    for pause, rows in steps:
        clock.advance(pause)
        now = clock.now()
        meter.batch(now, now, [(now, rows)], events=0)
        done.append((now, rows))

        snapshot = look(meter)
        since = clock.now() - round(snapshot.recent.seconds * 1e9)
        assert snapshot.whole.processed == sum(count for _, count in done)
        assert snapshot.recent.processed == sum(count for time, count in done if time >= since)
        assert snapshot.recent.seconds <= 10


def test_a_rate_is_a_mean_over_the_window() -> None:
    """The system's own events and rows."""
    clock = ManualClock()
    rate = Rate(10 * SECOND, clock)
    assert rate.per_second() == 0
    for _ in range(200):
        clock.advance(100 * MILLISECOND)
        rate.add(3)

    assert rate.per_second() == pytest.approx(30, rel=0.02)
    assert rate.total == 600
    clock.advance(60 * SECOND)
    assert rate.per_second() == 0


def test_uptime_and_limits_are_those_the_meter_was_built_with() -> None:
    """What a snapshot says of its instance."""
    clock = ManualClock(100)
    meter = Meter(
        "ohlcv-2",
        "ohlcv",
        queue_limit=8_000,
        timeout_ns=50 * MILLISECOND,
        wait_ns=100 * MILLISECOND,
        window_ns=SECOND,
        clock=clock,
    )
    ages = []
    for _ in range(3):
        clock.advance(7)
        ages.append(look(meter).uptime_ns)

    assert all(later - earlier == 7 for earlier, later in pairwise(ages))
    assert (look(meter).timeout_ms, look(meter).latency_limit_ms) == (50, 150)

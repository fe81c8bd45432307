"""Performance issues: what the debug information of a channel instance must say, and must not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tickstock_cli.core.channel_debug import BatchCost, BatchRecord, ChannelDebug, Depth, RowError, TickerShare
from tickstock_cli.core.metrics import (
    BreakerMetrics,
    BreakerState,
    ChannelMetrics,
    ChannelStatus,
    IntervalMetrics,
    LatencyMetrics,
    QueueMetrics,
    Transition,
)
from tickstock_cli.monitoring.debug import channel_document, health_summary
from tickstock_cli.monitoring.issues import busy_share, performance_issues

SECOND = 1_000_000_000
MS = 1_000_000
NOW = 100 * SECOND
SHARES = tuple(TickerShare(f"T{n}", 100, 0.05) for n in range(20))


def interval(batches: int = 100, mean_ms: float = 8.0, failed: int = 0, timeouts: int = 0) -> IntervalMetrics:
    """Return one second of an instance that computes for 80 % of its time, unless told otherwise."""
    return IntervalMetrics(
        1.0, 10_000 - failed, failed, 5, batches, timeouts, LatencyMetrics(), LatencyMetrics(batches, mean_ms=mean_ms)
    )


def debug(recent: IntervalMetrics | None = None, queue: QueueMetrics | None = None, **changed: object) -> ChannelDebug:
    """Return the information of a busy instance that has no issue, with changes."""
    metrics = ChannelMetrics(
        "tick-1",
        "tick",
        ChannelStatus.ACTIVE,
        NOW,
        NOW,
        interval(),
        recent or interval(),
        queue or QueueMetrics(0, 100, 1_000),
        changed.pop("breaker", BreakerMetrics()),  # type: ignore[arg-type]  # of the story
        25.0,
        0.0,
        64,
    )
    quiet = ChannelDebug(
        metrics, 0, BatchCost("hybrid", 1_000, 10 * MS, 1e5, 100.0), None, (0, 1), (), (), SHARES, (), (), ()
    )
    return replace(quiet, **changed)  # type: ignore[arg-type]


def rules(debug: ChannelDebug) -> list[str]:
    """Return the rules that found something."""
    return [issue.rule for issue in performance_issues(debug)]


def test_an_instance_that_is_busy_and_well_has_no_issue() -> None:
    """A list that always says something is read by nobody."""
    assert busy_share(debug()) == pytest.approx(0.8)
    assert rules(debug()) == []
    assert health_summary([debug()], ())["summary"] == "1 of 1 channel instances are healthy; nothing to do"


def test_a_few_tickers_that_take_the_time_are_named() -> None:
    """The operator must not buy more instances for them."""
    shares = (TickerShare("NVDA", 900, 0.5), TickerShare("TSLA", 300, 0.2), TickerShare("AMD", 200, 0.1), *SHARES[:10])

    (issue,) = performance_issues(debug(shares=shares))

    assert issue.message == "tick-1 spends 80% of its time on 3 tickers: NVDA, TSLA, AMD"
    assert "more instances help the other tickers only" in issue.advice
    assert rules(debug(interval(mean_ms=1.0), shares=shares)) == []  # 10 % busy: there is room


def test_calls_that_cost_more_than_rows_are_told_with_what_hybrid_would_make() -> None:
    """2,000 calls a second of 0.4 ms are 80 % of the time."""
    cost = BatchCost("immediate", 1_000, 10 * MS, 0.4 * MS, 100.0)

    (issue,) = performance_issues(debug(interval(batches=2_000, mean_ms=0.45), cost=cost))

    assert issue.message == "tick-1: batching immediate costs 0.4 ms a call, 2,000 times a second: 80% of its time"
    assert issue.advice == "batching hybrid would make 100 calls a second at this rate; rows would wait 10 ms at most"


def test_failed_rows_name_their_detector_and_ticker() -> None:
    """Which ticker, which detector, which reason: the three questions of an error."""
    error = RowError(NOW, "ABC", "surge", "surge: ValueError: no", 3, {"price": 1.0})

    (issue,) = performance_issues(debug(interval(failed=3), errors=(error,)))

    assert issue.message == "tick-1: 3 rows failed, all of ABC; the last in surge: surge: ValueError: no"


def test_a_queue_that_grows_is_told_before_it_is_full() -> None:
    """It held 100 rows half a minute ago, and 400 of 1,000 now."""
    depths = (Depth(NOW - 50 * SECOND, 100), Depth(NOW - 10 * SECOND, 400))

    (issue,) = performance_issues(debug(depths=depths))

    assert issue.message.startswith("tick-1: its queue has grown from 100 to 400 rows in 30 s")
    assert rules(debug(depths=(Depth(NOW - 50 * SECOND, 400), depths[1]))) == []
    assert rules(debug(depths=(Depth(NOW - 50 * SECOND, 1), Depth(NOW, 60)))) == []


def test_an_open_breaker_an_unhealthy_instance_late_batches_and_rows_on_disk_are_told() -> None:
    """Each with the figures that show it."""
    opened = Transition(NOW, BreakerState.CLOSED, BreakerState.OPEN, "5 failures in a row")
    found = debug(
        interval(timeouts=7),
        QueueMetrics(1_000, 1_000, 1_000, spilled=500),
        breaker=BreakerMetrics(BreakerState.OPEN, 1, (opened,)),
        unhealthy="circuit breaker open",
    )

    assert rules(found) == ["open_breaker", "unhealthy", "late_batches", "rows_on_disk"]
    assert "owns 2 of 64 shards" in performance_issues(found)[1].message
    assert channel_document(found)["changes"] == [
        {"time": "1970-01-01T00:01:40Z", "what": "breaker", "text": "closed to open: 5 failures in a row"}
    ]


def test_a_long_wait_for_short_work_is_told() -> None:
    """Events could come 40 ms earlier at no cost."""
    batches = tuple(BatchRecord(NOW, 50, 40 * MS, MS, 0, 0) for _ in range(10))
    cost = BatchCost("hybrid", 1_000, 40 * MS, 1e5, 100.0)
    idle = interval(batches=20, mean_ms=1.0)

    assert rules(debug(idle, batches=batches, cost=cost)) == ["long_wait"]
    assert rules(debug(batches=batches, cost=cost)) == []  # it is busy: waiting is what makes its batches cheap
    assert rules(debug(idle, batches=batches)) == []  # batching grants 10 ms: they wait for the rows before them


def test_an_instance_that_gets_more_than_it_can_process_is_told() -> None:
    """Its figures alone, busy and late, do not say that no setting of batches helps."""
    late = QueueMetrics(500, 500, 1_000, oldest_ms=4_000.0)

    (issue,) = performance_issues(debug(queue=late))

    assert issue.message.startswith("tick-1 computes for 80% of its time, and a row has waited for 4,000 ms")
    assert rules(debug(interval(mean_ms=1.0), late)) == []

"""Performance issues: rules over the debug information of one channel instance, each with advice. Pure functions.

A rule looks at the last minutes and says what costs time, with the figures that show it, and what would help.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tickstock_cli.core.channel_debug import ChannelDebug, Depth
from tickstock_cli.core.counted import counted, worded
from tickstock_cli.core.metrics import BreakerState
from tickstock_cli.core.times import NS_PER_SECOND

BUSY_SHARE = 0.5
"""An instance that computes for less of its time has room: how it spends it is no issue."""
FEW_TICKERS = 3
FEW_TICKERS_SHARE = 0.5
"""So few tickers taking this much of the time are a concentration that no further instance helps."""
MANY_TICKERS = 10
"""Only an instance with at least so many tickers can be expected to share its time among them."""
CALLS_SHARE = 0.25
"""Cost of the calls themselves, as a share of the time, from which larger batches pay."""
GROWTH_SECONDS = 30
GROWTH_FACTOR = 2
FULL_SHARE = 0.1
"""A queue that has doubled within these seconds, and holds this share of its limit, is growing."""
LINEAR = "linear"
"""Channel of the linear path of a gradual rollout, which has no settings of its own."""
WAIT_MARGIN = 1.5
"""Batching lets a row wait for ``batch_wait_ms``, and a machine that is busy a little longer."""
FULL_BUSY = 0.75
"""An instance that computes for so much of its time, and whose rows are late all the same, gets too many."""
FEW_ROWS = 10
"""A batch of so many rows or fewer is not late because of its size."""
WAIT_FACTOR = 10
WAIT_MS = 5.0
"""Rows that wait this many times as long for their batch as it takes, and so many ms, could come sooner."""


@dataclass(frozen=True, slots=True)
class PerformanceIssue:
    """What costs time or rows, and what would help."""

    channel: str
    rule: str
    message: str
    advice: str


def performance_issues(debug: ChannelDebug) -> list[PerformanceIssue]:
    """Return the issues of an instance, in the order of the rules."""
    return [issue for rule in RULES for issue in rule(debug)]


def busy_share(debug: ChannelDebug) -> float:
    """Return the share of the sliding window in which the instance computed, 0 to 1."""
    recent = debug.metrics.recent
    mean = recent.processing.mean_ms
    return 0.0 if mean is None or not recent.seconds else min(1.0, mean * recent.batches / 1e3 / recent.seconds)


def _failing_rows(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    recent = debug.metrics.recent
    if not recent.failed or not debug.errors:
        return
    last = debug.errors[-1]
    tickers = {error.ticker for error in debug.errors}
    whose = f"all of {last.ticker}" if len(tickers) == 1 else f"of {counted(len(tickers), 'ticker')}"
    yield PerformanceIssue(
        debug.metrics.name,
        "failing_rows",
        f"{debug.metrics.name}: {counted(recent.failed, 'row')} failed, {whose}; the last in {last.detector}: "
        f"{last.reason}",
        f"mend the detector {last.detector}, or switch it off; the rows are under errors",
    )


def _open_breaker(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    breaker = debug.metrics.breaker
    if breaker.state is BreakerState.CLOSED or not breaker.transitions:
        return
    yield PerformanceIssue(
        debug.metrics.name,
        "open_breaker",
        f"{debug.metrics.name}: the circuit breaker is {breaker.state.replace('_', ' ')}, "
        f"opened {counted(breaker.opened, 'time')}; {breaker.transitions[-1].reason}",
        "its rows wait until a trial succeeds: look for the cause under errors",
    )


def _few_tickers(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    busy, first = busy_share(debug), debug.shares[:FEW_TICKERS]
    share = sum(ticker.share for ticker in first)
    if busy < BUSY_SHARE or len(debug.shares) < MANY_TICKERS or share < FEW_TICKERS_SHARE:
        return
    names = ", ".join(ticker.ticker for ticker in first)
    yield PerformanceIssue(
        debug.metrics.name,
        "few_tickers",
        f"{debug.metrics.name} spends {share:.0%} of its time on {counted(len(first), 'ticker')}: {names}",
        "rows of one ticker are processed by one instance: more instances help the other tickers only; "
        "larger batches make these ones cheaper",
    )


def _costly_calls(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    recent, cost = debug.metrics.recent, debug.cost
    if not recent.seconds or cost.strategy != "immediate":
        return
    calls = recent.batches / recent.seconds
    share = calls * cost.call_ns / NS_PER_SECOND
    if share < CALLS_SHARE:
        return
    wait_ms = cost.max_wait_ns / 1e6
    fewer = min(calls, NS_PER_SECOND / max(cost.max_wait_ns, 1))
    yield PerformanceIssue(
        debug.metrics.name,
        "costly_calls",
        f"{debug.metrics.name}: batching immediate costs {cost.call_ns / 1e6:.2g} ms a call, {calls:,.0f} times a "
        f"second: {share:.0%} of its time",
        f"batching hybrid would make {fewer:,.0f} calls a second at this rate; rows would wait {wait_ms:g} ms at most",
    )


def _too_many_rows(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    busy, oldest = busy_share(debug), debug.metrics.queue.oldest_ms or 0.0
    if busy < FULL_BUSY or oldest <= debug.metrics.latency_limit_ms:
        return
    name, channel = debug.metrics.name, debug.metrics.channel
    yield PerformanceIssue(
        name,
        "too_many_rows",
        f"{name} computes for {busy:.0%} of its time, and a row has waited for {oldest:,.0f} ms: it gets more rows "
        f"than the {debug.metrics.recent.rows_per_second:,.0f} a second that it processes",
        "a greater pipeline.rollout_percent takes tickers off the linear path"
        if channel == LINEAR
        else f"more {channel}_channel.instances share the rows, if processors are free",
    )


def _long_wait(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    if debug.cost.strategy == "immediate" or not debug.batches or busy_share(debug) >= BUSY_SHARE:
        return
    wait = sum(batch.wait_ns for batch in debug.batches) / len(debug.batches) / 1e6
    service = sum(batch.service_ns for batch in debug.batches) / len(debug.batches) / 1e6
    granted = debug.cost.max_wait_ns / 1e6
    if not max(WAIT_MS, WAIT_FACTOR * service) <= wait <= WAIT_MARGIN * granted:
        return  # what is longer is no matter of batching: the rows wait for those before them
    yield PerformanceIssue(
        debug.metrics.name,
        "long_wait",
        f"{debug.metrics.name}: rows wait {wait:.1f} ms for a batch that takes {service:.2g} ms, "
        f"and the instance computes for {busy_share(debug):.0%} of its time",
        f"a smaller batch_wait_ms of {debug.metrics.channel}_channel, or batching adaptive, tells events sooner",
    )


def _growing_queue(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    now = debug.metrics.at
    lately = [depth for depth in debug.depths if depth.at > now - 2 * GROWTH_SECONDS * NS_PER_SECOND]
    earlier = [depth for depth in lately if depth.at <= now - GROWTH_SECONDS * NS_PER_SECOND]
    before, after = _most(earlier), _most(lately[len(earlier) :])
    if not earlier or after < FULL_SHARE * debug.metrics.queue.limit or after < GROWTH_FACTOR * max(before, 1):
        return
    yield PerformanceIssue(
        debug.metrics.name,
        "growing_queue",
        f"{debug.metrics.name}: its queue has grown from {before:,} to {counted(after, 'row')} in {GROWTH_SECONDS} s; "
        f"it processes {debug.metrics.recent.rows_per_second:,.0f} rows/s",
        f"more {debug.metrics.channel}_channel.instances share the rows, if processors are free",
    )


def _rows_on_disk(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    if debug.metrics.queue.spilled:
        yield PerformanceIssue(
            debug.metrics.name,
            "rows_on_disk",
            f"{debug.metrics.name}: "
            + worded("{} {row waits|rows wait} on disk, because its queue was full", debug.metrics.queue.spilled),
            f"a larger {debug.metrics.channel}_channel.queue_rows takes a burst in memory",
        )


def _late_batches(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    recent = debug.metrics.recent
    if recent.timeouts:
        batches = worded("{} {batch|batches}", recent.batches)
        yield PerformanceIssue(
            debug.metrics.name,
            "late_batches",
            f"{debug.metrics.name}: {recent.timeouts:,} of {batches} took longer than {debug.metrics.timeout_ms:g} ms",
            f"a smaller {debug.metrics.channel}_channel.batch_rows bounds a batch; slowest names the tickers"
            if recent.rows_per_second * recent.seconds > FEW_ROWS * recent.batches
            else "its batches are small: a detector is slow, or others use the processors",
        )


def _no_shards(debug: ChannelDebug) -> Iterator[PerformanceIssue]:
    if debug.unhealthy is not None:
        yield PerformanceIssue(
            debug.metrics.name,
            "unhealthy",
            f"{debug.metrics.name} is unhealthy ({debug.unhealthy}) and owns {len(debug.shards)} of 64 shards",
            "its shards come back once it is healthy; changes and errors show what happened before",
        )


def _most(depths: list[Depth]) -> int:
    return max((depth.rows for depth in depths), default=0)


RULES: tuple[Callable[[ChannelDebug], Iterator[PerformanceIssue]], ...] = (
    _failing_rows,
    _open_breaker,
    _no_shards,
    _too_many_rows,
    _few_tickers,
    _costly_calls,
    _late_batches,
    _growing_queue,
    _rows_on_disk,
    _long_wait,
)

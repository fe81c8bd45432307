"""Faults of detectors and instances: alerts report them, and no row is lost."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.runtime.failing_system import SystemUnderTest, climb, run
from tests.unit.runtime.round_price import RoundPrice
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.memory_errors import memory_shortage
from tickstock_cli.core.metrics import BreakerState, ChannelStatus
from tickstock_cli.errors import SystemBrokenError
from tickstock_cli.kernels.rows import TickRows
from tickstock_cli.monitoring.alerts import AlertType
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import run_records


def test_a_detector_error_affects_only_its_ticker() -> None:
    """Events of other tickers stay the same, and the rows that the detector did not process are counted."""

    async def story() -> None:
        rows = climb(["GOOD", "BAD", "FINE"], 20)
        tested = SystemUnderTest(rows, {}, bad=lambda: {"BAD"})
        undisturbed = SystemUnderTest(rows, {})
        for each in (tested, undisturbed):
            await each.system.initialize_system()
            for batch in each.source.batches(7):
                await each.system.feed(batch)
            await each.system.settle()

        wanted = [high for high in undisturbed.highs() if high[0] != "BAD"]
        assert len(wanted) == 38
        assert tested.highs() == wanted
        ledger = tested.core.ledger
        ledger.check()
        assert ledger["tick.failed.highlow"] == 20
        assert ledger["tick.processed"] == 60
        await tested.until(lambda: ("raised", AlertType.LOW_SUCCESS_RATE) in tested.alerts)
        await tested.until(lambda: ("resolved", AlertType.LOW_SUCCESS_RATE) in tested.alerts)
        await tested.system.shutdown()
        await undisturbed.system.shutdown()

    run(story())


def test_a_killed_instance_restarts_with_its_queued_rows() -> None:
    """The only tick instance dies with queued rows: the alert is raised, the instance restarts, and the rows follow."""

    async def story() -> None:
        tested = SystemUnderTest(climb(["ABC"], 50), {})
        await tested.system.initialize_system()
        victim = next(tested.system.instances())
        await victim.kill()
        (batch,) = tested.source.batches()
        await tested.system.feed(batch)
        assert victim.depth == 50

        await tested.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in tested.alerts)
        await tested.system.settle()
        await tested.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in tested.alerts)

        assert victim.status is ChannelStatus.ACTIVE
        assert len(tested.highs()) == 49
        await tested.system.shutdown()

    run(story())


def test_a_breaker_opens_while_batches_fail_and_closes_again() -> None:
    """An open breaker keeps rows in the queue; once the detector works again, successful trials close it."""

    async def story() -> None:
        bad = {"ABC"}
        limits = {"tick_channel.breaker_failures": 3, "tick_channel.batch_rows": 5}
        tested = SystemUnderTest(climb(["ABC"], 40), limits, bad=lambda: bad)
        await tested.system.initialize_system()
        victim = next(tested.system.instances())
        batches = list(tested.source.batches(1))
        for batch in batches[:3]:
            await tested.system.feed(batch)
            await tested.system.settle()
        assert victim.snapshot().breaker.state is BreakerState.OPEN
        bad.clear()
        for batch in batches[3:]:
            await tested.system.feed(batch)
        await tested.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in tested.alerts)
        await tested.system.settle()

        figures = victim.snapshot().breaker
        assert figures.state is BreakerState.CLOSED
        assert [change.after for change in figures.transitions] == [
            BreakerState.OPEN,
            BreakerState.HALF_OPEN,
            BreakerState.CLOSED,
        ]
        tested.core.ledger.check()
        assert tested.core.ledger["tick.processed"] == 40
        assert tested.core.ledger["tick.failed.highlow"] == 3
        await tested.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in tested.alerts)
        await tested.system.shutdown()

    run(story())


def test_an_error_in_a_compiled_detector_breaks_the_system() -> None:
    """The state before its batch is not kept, so it is undefined now: every wait ends with the error."""

    async def story() -> None:
        tested = SystemUnderTest(climb(["ABC"], 5), {}, bad=lambda: {"ABC"})
        tested.core.channels.tick.detectors["highlow"].compiled = True  # type: ignore[misc]  # of this one object
        await tested.system.initialize_system()
        (batch,) = tested.source.batches()
        await tested.system.feed(batch)
        with pytest.raises(SystemBrokenError, match="this ticker fails"):
            await tested.system.settle()
        assert not tested.system.is_system_ready()
        left = await tested.system.shutdown(0.1)
        assert left.rows == 0

    run(story())


def test_a_batch_beyond_the_timeout_is_counted_and_finished(caplog: pytest.LogCaptureFixture) -> None:
    """The timeout drops no row: every event is released, and the timeout is an alert and a line in the log."""

    async def story() -> None:
        tested = SystemUnderTest(climb(["ABC"], 20), {"tick_channel.timeout_ms": 5}, slow=lambda: {"ABC"})
        await tested.system.initialize_system()
        for batch in tested.source.batches(10):
            await tested.system.feed(batch)
        await tested.system.settle()

        (busy, *_) = tested.system.instances()
        assert busy.snapshot().whole.timeouts >= 1
        assert len(tested.highs()) == 19
        await tested.until(lambda: ("raised", AlertType.HIGH_LATENCY) in tested.alerts)
        await tested.until(lambda: ("resolved", AlertType.HIGH_LATENCY) in tested.alerts)
        await tested.system.shutdown()

    with caplog.at_level(logging.INFO, "tickstock.alerts"):
        run(story())
    assert any("HIGH_LATENCY raised: tick-1: " in line for line in caplog.messages)


def test_memory_that_is_refused_ends_the_system_and_blames_no_ticker() -> None:
    """A detector without memory would fail for every ticker in turn: their rows would be lost one by one."""

    class Greedy(RoundPrice):
        def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:
            if (rows.price > 30_000).any():  # no price of the warm-up is so high
                raise MemoryError("Unable to allocate 14.7 MiB for an array")
            return super().scan(rows, out, counts)

    with pytest.raises(SystemBrokenError) as raised:
        run_records(climb(["ABC"], 600), detectors={"round_price": Greedy}, pipeline=PipelineName.MULTI)

    assert "memory is short: 14.7 MiB more were refused" in str(memory_shortage(raised.value))

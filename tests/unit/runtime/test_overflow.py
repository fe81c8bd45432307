"""Full queues, rows on disk and drains: no row is lost or uncounted."""

from __future__ import annotations

import asyncio
import resource

import pytest

from tests.unit.runtime.failing_system import SystemUnderTest, climb, run
from tickstock_cli.errors import SystemBrokenError
from tickstock_cli.monitoring.alerts import AlertType


def test_a_full_queue_makes_the_source_wait() -> None:
    """No row is dropped: feeding goes on when there is room, and an alert reports the full queue."""

    async def story() -> None:
        tested = SystemUnderTest(climb(["ABC"], 30), {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10})
        await tested.system.initialize_system()
        busy = next(tested.system.instances())
        busy.pause()
        (batch,) = tested.source.batches()
        feeding = asyncio.create_task(tested.system.feed(batch))
        await tested.until(lambda: ("raised", AlertType.QUEUE_OVERFLOW) in tested.alerts)
        assert not feeding.done()
        assert busy.depth == 10

        busy.resume()
        await feeding
        await tested.system.settle()
        assert tested.core.ledger["tick.processed"] == 30
        assert busy.snapshot().queue.max_depth == 10
        await tested.until(lambda: ("resolved", AlertType.QUEUE_OVERFLOW) in tested.alerts)
        await tested.system.shutdown()

    run(story())


def test_a_source_that_waits_for_room_gets_the_error_of_a_broken_system() -> None:
    """The broken channel makes no room any more: without the error a run would wait for ever."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 3}
        tested = SystemUnderTest(climb(["ABC"], 100), limits, bad=lambda: {"ABC"})
        tested.core.channels.tick.detectors["highlow"].compiled = True  # type: ignore[misc]  # of this one object
        await tested.system.initialize_system()
        (batch,) = tested.source.batches()
        with pytest.raises(SystemBrokenError, match="this ticker fails"):
            await tested.system.feed(batch)
        await tested.system.shutdown(0.1)

    run(story())


def test_rows_on_disk_that_cannot_be_read_break_the_system() -> None:
    """A file of spilled rows was deleted: the wait for its rows must end with an error."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        tested = SystemUnderTest(climb(["ABC"], 40), limits)
        await tested.system.initialize_system()
        busy = next(tested.system.instances())
        busy.pause()
        for batch in tested.source.batches(10):
            await tested.system.feed(batch)
        tested.system._feeder._spill._waiting[1].file.remove()
        busy.resume()
        with pytest.raises(SystemBrokenError, match=r"^cannot read back .* \(rows: 10\): No such file"):
            await tested.system.settle()
        drained = await tested.system.shutdown(0.1)
        assert drained.rows_dropped == tested.system.queued_rows() >= 20

    run(story())


def test_rows_without_room_wait_on_disk_and_are_processed_in_order() -> None:
    """With ``spill`` the source does not wait, and no row of a paused channel is lost or reordered."""

    async def story() -> None:
        rows = climb(["ABC", "DEF"], 200)
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        tested, undisturbed = SystemUnderTest(rows, limits), SystemUnderTest(rows, {})
        await tested.system.initialize_system()
        busy = next(tested.system.instances())
        busy.pause()
        for batch in tested.source.batches(50):
            await tested.system.feed(batch)
        assert busy.depth == 10
        assert busy.snapshot().queue.spilled == 390
        assert tested.system.queued_rows() == 400
        await tested.until(lambda: ("raised", AlertType.QUEUE_OVERFLOW) in tested.alerts)

        busy.resume()
        await tested.system.settle()
        assert busy.snapshot().queue.spilled == 0
        await undisturbed.system.initialize_system()
        for batch in undisturbed.source.batches():
            await undisturbed.system.feed(batch)
        await undisturbed.system.settle()
        wanted = undisturbed.highs()
        assert len(wanted) == 398
        assert tested.highs() == wanted
        tested.core.ledger.check()
        await tested.system.shutdown()
        await undisturbed.system.shutdown()

    run(story())


def test_a_full_disk_makes_the_source_wait() -> None:
    """If the disk takes no rows, the source waits, an alert reports it, and no row is lost."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        tested = SystemUnderTest(climb(["ABC"], 60), limits)
        await tested.system.initialize_system()
        busy = next(tested.system.instances())
        busy.pause()
        first, *others = tested.source.batches(10)
        await tested.system.feed(first)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            feeding = asyncio.create_task(tested.system.feed(others[0]))
            await tested.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in tested.alerts)
            assert not feeding.done()
            assert tested.system.queued_rows() == 10
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        (alert,) = [alert for alert in tested.system.reporter.monitor.active if alert.finding.subject == "spill"]
        assert alert.finding.message.startswith("spill: cannot write temporary files to ")

        busy.resume()
        await feeding
        for batch in others[1:]:
            await tested.system.feed(batch)
        await tested.system.settle()
        assert len(tested.highs()) == 59
        tested.core.ledger.check()
        await tested.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in tested.alerts)
        await tested.system.shutdown()

    run(story())


def test_a_drain_that_times_out_drops_and_counts_rows() -> None:
    """A paused channel: rows in its queue, rows that wait for room and rows on disk are all counted."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        tested = SystemUnderTest(climb(["ABC"], 60), limits)
        await tested.system.initialize_system()
        next(tested.system.instances()).pause()
        for batch in tested.source.batches(10):
            await tested.system.feed(batch)

        drained = await tested.system.shutdown(0.05)
        assert (drained.rows, drained.rows_dropped) == (0, 60)
        assert tested.core.ledger["tick.dropped_on_stop"] == tested.core.ledger["tick.read"] == 60
        tested.core.ledger.check()

    run(story())

"""Faults: what breaks costs what it must, is told, and heals; no row is lost."""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable, Coroutine, Sequence
from time import sleep
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tickstock_cli.build import build_channels, build_core, build_detectors, build_encoder
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.metrics import BreakerState, ChannelStatus
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.errors import SystemBrokenError
from tickstock_cli.monitoring.alerts import Alert, AlertType
from tickstock_cli.runtime.assignment import Assignment, RoutingStrategy
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, ListSource, Record, Tick, new_york, settings_of

START = new_york("2024-06-12", "10:00:00")
QUICK = {
    "monitoring.interval_ms": 10,
    "monitoring.window_seconds": 1,
    "monitoring.resolve_after_seconds": 0,
    "tick_channel.breaker_open_ms": 50,
}


class Stumbling:
    """A detector in plain Python that raises on some tickers, after it has spoiled some state, or dawdles on others."""

    compiled = False

    def __init__(self, detector: Any, bad: Callable[[], set[int]], slow: Callable[[], set[int]]) -> None:
        self._detector = detector
        self._bad = bad
        self._slow = slow
        self.channel, self.kinds, self.counters = detector.channel, detector.kinds, detector.counters
        self.events_per_row = detector.events_per_row

    def grow(self, tickers: int) -> None:
        """See ``Detector``."""
        self._detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """See ``Detector``."""
        state: dict[str, NDArray[Any]] = self._detector.state()
        return state

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Scan, and then find that one of the tickers was one it cannot bear."""
        found = int(self._detector.scan(rows, out, counts))
        filled = rows.groups.code[np.diff(rows.groups.start) > 0]
        if self._slow() & set(filled.tolist()):
            sleep(0.03)
        if self._bad() & set(filled.tolist()):
            raise ValueError("cannot bear this ticker")
        return found


Names = Callable[[], set[str]]


def stumbling_core(settings: Settings, symbols: SymbolTable, bad: Names, slow: Names) -> Core:
    """Return a core whose high/low detector raises, or dawdles, on the tickers that are named at that moment."""

    def codes(names: Names) -> Callable[[], set[int]]:
        return lambda: {code for name in names() if (code := symbols.code(name)) is not None}

    core = build_core(settings, symbols)
    parts = build_detectors(settings)
    parts["highlow"] = Stumbling(parts["highlow"], codes(bad), codes(slow))
    core.channels = build_channels(settings, parts)
    return core


def climb(tickers: Sequence[str], steps: int, begin: int = 0) -> list[Record]:
    """Return a tick of each ticker every second, each one a percent above the last."""
    return [
        Tick(ticker, START + n * SECOND, 100.0 * 1.01**n) for n in range(begin, begin + steps) for ticker in tickers
    ]


class Stage:
    """A system with its source, what it published, and what its monitor told."""

    def __init__(self, rows: Sequence[Record], settings: dict[str, Any], bad: Names = set, slow: Names = set) -> None:
        self.settings = settings_of({**QUICK, **settings})
        self.source = ListSource(rows)
        self.results: list[StepResult] = []
        self.told: list[tuple[str, AlertType]] = []
        self.core = stumbling_core(self.settings, self.source.symbols, bad, slow)
        self.system = MultiChannelSystem(self.settings, self.core, publish=self.results.append, handlers=[self._hear])

    def _hear(self, change: Any, alert: Alert) -> None:
        self.told.append((str(change), alert.finding.type))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something to come true; fails after a minute."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)

    def highs(self) -> list[tuple[str, float]]:
        """Return ticker and price of every high published, and of those not yet."""
        encoder = build_encoder(self.settings, self.source.symbols)
        parts = [*(result.events for result in self.results), self.core.finish()]
        events = [event for part in parts for event in encoder.to_arrow(part).to_pylist()]
        return [(event["ticker"], event["price"]) for event in events if event["kind"] == "high"]


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a story on a loop of its own; one that stands still fails after a minute."""
    asyncio.run(asyncio.wait_for(story, 60))


def test_a_detector_that_raises_costs_its_ticker_alone() -> None:
    """The others' events are as if nothing had happened, and the rows it did not judge are counted."""

    async def story() -> None:
        rows = climb(["GOOD", "BAD", "FINE"], 20)
        stage = Stage(rows, {}, bad=lambda: {"BAD"})
        untroubled = Stage(rows, {})
        for each in (stage, untroubled):
            await each.system.initialize_system()
            for batch in each.source.batches(7):
                await each.system.feed(batch)
            await each.system.settle()

        wanted = [high for high in untroubled.highs() if high[0] != "BAD"]
        assert len(wanted) == 38
        assert stage.highs() == wanted
        ledger = stage.core.ledger
        ledger.check()
        assert ledger["tick.failed.highlow"] == 20
        assert ledger["tick.processed"] == 60
        await stage.until(lambda: ("raised", AlertType.LOW_SUCCESS_RATE) in stage.told)
        await stage.until(lambda: ("resolved", AlertType.LOW_SUCCESS_RATE) in stage.told)
        await stage.system.shutdown()
        await untroubled.system.shutdown()

    run(story())


def test_a_killed_instance_is_started_again_and_its_rows_are_still_there() -> None:
    """The only tick instance dies with a full queue: the alert comes, then the restart, then the rows."""

    async def story() -> None:
        stage = Stage(climb(["ABC"], 50), {})
        await stage.system.initialize_system()
        victim = next(stage.system.instances())
        await victim.kill()
        (batch,) = stage.source.batches()
        await stage.system.feed(batch)
        assert victim.depth == 50

        await stage.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in stage.told)
        await stage.system.settle()
        await stage.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in stage.told)

        assert victim.status is ChannelStatus.ACTIVE
        assert len(stage.highs()) == 49
        await stage.system.shutdown()

    run(story())


def test_a_breaker_opens_while_all_fails_and_closes_again() -> None:
    """While it is open rows wait in the queue; when what failed works again, trials close it."""

    async def story() -> None:
        bad = {"ABC"}
        limits = {"tick_channel.breaker_failures": 3, "tick_channel.batch_rows": 5}
        stage = Stage(climb(["ABC"], 40), limits, bad=lambda: bad)
        await stage.system.initialize_system()
        victim = next(stage.system.instances())
        batches = list(stage.source.batches(1))
        for batch in batches[:3]:
            await stage.system.feed(batch)
            await stage.system.settle()
        assert victim.snapshot().breaker.state is BreakerState.OPEN
        bad.clear()
        for batch in batches[3:]:
            await stage.system.feed(batch)
        await stage.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in stage.told)
        await stage.system.settle()

        figures = victim.snapshot().breaker
        assert figures.state is BreakerState.CLOSED
        assert [change.after for change in figures.transitions] == [
            BreakerState.OPEN,
            BreakerState.HALF_OPEN,
            BreakerState.CLOSED,
        ]
        stage.core.ledger.check()
        assert stage.core.ledger["tick.processed"] == 40
        assert stage.core.ledger["tick.failed.highlow"] == 3
        await stage.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in stage.told)
        await stage.system.shutdown()

    run(story())


def test_shards_of_a_sick_instance_go_to_its_sister_with_their_rows_and_come_back() -> None:
    """One of two tick instances dies: its tickers' queued rows move, later ones follow, nothing waits for it."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        stage = Stage(climb(tickers, 10), {"tick_channel.instances": 2, "monitoring.interval_ms": 60_000})
        await stage.system.initialize_system()
        sick, well = (instance for instance in stage.system.instances() if instance.record == "tick")
        assert sick.shards == well.shards == 32
        await sick.kill()
        first, *others = stage.source.batches(200)
        await stage.system.feed(first)
        assert sick.depth > 0

        assert await stage.system.router.reassign() == 32
        assert (sick.shards, well.shards, sick.depth) == (0, 64, 0)
        for batch in others:
            await stage.system.feed(batch)
        await stage.system.settle()
        assert len(stage.highs()) == 9 * 40

        sick.start()
        assert await stage.system.router.reassign() == 32
        assert sick.shards == well.shards == 32
        await stage.system.shutdown()

    run(story())


def test_a_full_queue_makes_the_source_wait() -> None:
    """Nothing is dropped: feeding goes on when there is room, and the monitor says why it stood still."""

    async def story() -> None:
        stage = Stage(climb(["ABC"], 30), {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10})
        await stage.system.initialize_system()
        busy = next(stage.system.instances())
        busy.pause()
        (batch,) = stage.source.batches()
        feeding = asyncio.create_task(stage.system.feed(batch))
        await stage.until(lambda: ("raised", AlertType.QUEUE_OVERFLOW) in stage.told)
        assert not feeding.done()
        assert busy.depth == 10

        busy.resume()
        await feeding
        await stage.system.settle()
        assert stage.core.ledger["tick.processed"] == 30
        assert busy.snapshot().queue.max_depth == 10
        await stage.until(lambda: ("resolved", AlertType.QUEUE_OVERFLOW) in stage.told)
        await stage.system.shutdown()

    run(story())


def test_a_detector_that_cannot_raise_but_does_stops_the_system_with_the_reason() -> None:
    """One that calls itself compiled has no state to go back to: feeding raises, and whoever waits is woken."""

    async def story() -> None:
        stage = Stage(climb(["ABC"], 5), {}, bad=lambda: {"ABC"})
        stage.core.channels.tick.detectors["highlow"].compiled = True  # type: ignore[misc]  # of this one object
        await stage.system.initialize_system()
        (batch,) = stage.source.batches()
        await stage.system.feed(batch)
        with pytest.raises(SystemBrokenError, match="cannot bear this ticker"):
            await stage.system.settle()
        assert not stage.system.is_system_ready()
        left = await stage.system.shutdown(0.1)
        assert left.rows == 0

    run(story())


def test_a_source_that_waits_for_room_hears_that_the_system_is_broken() -> None:
    """The channel that would have made the room is gone: without a word, a run would stand still for ever."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 3}
        stage = Stage(climb(["ABC"], 100), limits, bad=lambda: {"ABC"})
        stage.core.channels.tick.detectors["highlow"].compiled = True  # type: ignore[misc]  # of this one object
        await stage.system.initialize_system()
        (batch,) = stage.source.batches()
        with pytest.raises(SystemBrokenError, match="cannot bear this ticker"):
            await stage.system.feed(batch)
        await stage.system.shutdown(0.1)

    run(story())


def test_rows_on_disk_that_cannot_be_read_again_end_the_run() -> None:
    """Somebody cleaned up under our hands; whoever waits for these rows must hear that they do not come."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        stage = Stage(climb(["ABC"], 40), limits)
        await stage.system.initialize_system()
        busy = next(stage.system.instances())
        busy.pause()
        for batch in stage.source.batches(10):
            await stage.system.feed(batch)
        stage.system._feeder._spill._waiting[1].file.remove()
        busy.resume()
        with pytest.raises(SystemBrokenError, match=r"^cannot read back .* \(rows: 10\): No such file"):
            await stage.system.settle()
        drained = await stage.system.shutdown(0.1)
        assert drained.rows_dropped == stage.system.queued_rows() >= 20

    run(story())


def test_rows_that_find_no_room_wait_on_disk_and_are_caught_up() -> None:
    """With ``spill`` the source never waits: what a paused channel cannot take comes later, in order, and all of it."""

    async def story() -> None:
        rows = climb(["ABC", "DEF"], 200)
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        stage, untroubled = Stage(rows, limits), Stage(rows, {})
        await stage.system.initialize_system()
        busy = next(stage.system.instances())
        busy.pause()
        for batch in stage.source.batches(50):
            await stage.system.feed(batch)
        assert busy.depth == 10
        assert busy.snapshot().queue.spilled == 390
        assert stage.system.queued_rows() == 400
        await stage.until(lambda: ("raised", AlertType.QUEUE_OVERFLOW) in stage.told)

        busy.resume()
        await stage.system.settle()
        assert busy.snapshot().queue.spilled == 0
        await untroubled.system.initialize_system()
        for batch in untroubled.source.batches():
            await untroubled.system.feed(batch)
        await untroubled.system.settle()
        wanted = untroubled.highs()
        assert len(wanted) == 398
        assert stage.highs() == wanted
        stage.core.ledger.check()
        await stage.system.shutdown()
        await untroubled.system.shutdown()

    run(story())


@pytest.mark.parametrize("fault", ["errors", "dawdles"])
def test_an_instance_that_fails_or_dawdles_loses_its_shards_until_it_is_well(fault: str) -> None:
    """More than a tenth of its rows failed, or its batches take too long: its tickers move, and come back."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        troubled: set[str] = set()
        settings = {
            "tick_channel.instances": 2,
            "tick_channel.breaker_failures": 1_000_000,
            "tick_channel.breaker_failure_percent": 100,
            "router.unhealthy_mean_ms": 20,
        }
        stage = Stage(
            climb(tickers, 40),
            settings,
            bad=lambda: troubled if fault == "errors" else set(),
            slow=lambda: troubled if fault == "dawdles" else set(),
        )
        batches = list(stage.source.batches(40))
        await stage.system.initialize_system()
        sick, well = (instance for instance in stage.system.instances() if instance.record == "tick")
        owners = stage.system.router._owner_by_code("tick")
        troubled |= {ticker for ticker in tickers if owners[stage.source.symbols.code(ticker) or 0] == 0}

        for batch in batches[:20]:
            await stage.system.feed(batch)
            await stage.system.settle()
            if sick.shards == 0:
                break
        await stage.until(lambda: sick.shards == 0)
        assert well.shards == 64
        troubled.clear()
        await stage.until(lambda: sick.shards == 32)
        for batch in batches[20:]:
            await stage.system.feed(batch)
        await stage.system.settle()
        stage.core.ledger.check()
        assert sick.snapshot().recent.processed > 0
        await stage.system.shutdown()

    run(story())


@pytest.mark.parametrize("strategy", list(RoutingStrategy))
def test_rows_of_one_ticker_never_overtake_each_other(strategy: RoutingStrategy) -> None:
    """Every price is higher than the last: one that came too late would be a high less. Owners change all the time."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(30)]
        stage = Stage(
            climb(tickers, 30),
            {
                "tick_channel.instances": 3,
                "tick_channel.queue_rows": 50,
                "tick_channel.batch_rows": 7,
                "router.strategy": strategy.value,
            },
        )
        await stage.system.initialize_system()
        instances = [instance for instance in stage.system.instances() if instance.record == "tick"]
        for number, batch in enumerate(stage.source.batches(30)):
            await stage.system.feed(batch)
            if number % 5 == 0:
                await instances[number % 3].kill()
                await stage.system.router.reassign()
        await stage.system.settle()

        assert stage.system.router.metrics().moves > 0
        assert len(stage.highs()) == 29 * 30
        assert stage.core.ledger["tick.processed"] == 900
        stage.core.ledger.check()
        await stage.system.shutdown()

    run(story())


def test_a_batch_that_takes_too_long_is_counted_and_finished(caplog: pytest.LogCaptureFixture) -> None:
    """The timeout throws nothing away: every event comes, and the breach is an alert, in the program's log, too."""

    async def story() -> None:
        stage = Stage(climb(["ABC"], 20), {"tick_channel.timeout_ms": 5}, slow=lambda: {"ABC"})
        await stage.system.initialize_system()
        for batch in stage.source.batches(10):
            await stage.system.feed(batch)
        await stage.system.settle()

        (busy, *_) = stage.system.instances()
        assert busy.snapshot().whole.timeouts >= 1
        assert len(stage.highs()) == 19
        await stage.until(lambda: ("raised", AlertType.HIGH_LATENCY) in stage.told)
        await stage.until(lambda: ("resolved", AlertType.HIGH_LATENCY) in stage.told)
        await stage.system.shutdown()

    with caplog.at_level(logging.INFO, "tickstock.alerts"):
        run(story())
    assert any("HIGH_LATENCY raised: tick-1: " in line for line in caplog.messages)


def test_a_disk_that_cannot_take_what_spills_makes_the_source_wait() -> None:
    """No file may grow: the rows stay with whoever feeds them, somebody is told, and none is lost."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        stage = Stage(climb(["ABC"], 60), limits)
        await stage.system.initialize_system()
        busy = next(stage.system.instances())
        busy.pause()
        first, *others = stage.source.batches(10)
        await stage.system.feed(first)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            feeding = asyncio.create_task(stage.system.feed(others[0]))
            await stage.until(lambda: ("raised", AlertType.CHANNEL_FAILURE) in stage.told)
            assert not feeding.done()
            assert stage.system.queued_rows() == 10
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
        (alert,) = [alert for alert in stage.system.reporter.monitor.active if alert.finding.subject == "spill"]
        assert alert.finding.message.startswith("spill: cannot write temporary files to ")

        busy.resume()
        await feeding
        for batch in others[1:]:
            await stage.system.feed(batch)
        await stage.system.settle()
        assert len(stage.highs()) == 59
        stage.core.ledger.check()
        await stage.until(lambda: ("resolved", AlertType.CHANNEL_FAILURE) in stage.told)
        await stage.system.shutdown()

    run(story())


def test_a_drain_that_runs_out_of_time_leaves_rows_and_says_how_many() -> None:
    """A paced-out channel: what it holds, what waits for room in it, and what is on disk is counted, not forgotten."""

    async def story() -> None:
        limits = {"tick_channel.queue_rows": 10, "tick_channel.batch_rows": 10, "router.overflow": "spill"}
        stage = Stage(climb(["ABC"], 60), limits)
        await stage.system.initialize_system()
        next(stage.system.instances()).pause()
        for batch in stage.source.batches(10):
            await stage.system.feed(batch)

        drained = await stage.system.shutdown(0.05)
        assert (drained.rows, drained.rows_dropped) == (0, 60)
        assert stage.core.ledger["tick.dropped_on_stop"] == stage.core.ledger["tick.read"] == 60
        stage.core.ledger.check()

    run(story())


def test_rows_that_wait_for_room_follow_their_tickers_to_the_new_owner() -> None:
    """The source waits before a full queue whose instance has died: when its shards move, so does what waits."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        settings = {
            "tick_channel.instances": 2,
            "tick_channel.queue_rows": 10,
            "tick_channel.batch_rows": 10,
            "monitoring.interval_ms": 60_000,
        }
        stage = Stage(climb(tickers, 5), settings)
        await stage.system.initialize_system()
        sick, _ = (instance for instance in stage.system.instances() if instance.record == "tick")
        await sick.kill()
        (batch,) = stage.source.batches()
        feeding = asyncio.create_task(stage.system.feed(batch))
        await stage.until(lambda: sick.depth > 5)
        await asyncio.sleep(0)
        assert not feeding.done()

        await stage.system.router.reassign()
        await feeding
        assert sick.depth == 0
        await stage.system.settle()
        assert len(stage.highs()) == 4 * 40
        stage.core.ledger.check()
        await stage.system.shutdown()

    run(story())


def test_moves_that_are_asked_for_at_once_leave_no_row_behind() -> None:
    """The second one is decided while the first still waits for an instance: it must build on what the first did."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        stage = Stage(climb(tickers, 3), {"tick_channel.instances": 3, "monitoring.interval_ms": 60_000})
        await stage.system.initialize_system()
        router = stage.system.router
        instances = [instance for instance in stage.system.instances() if instance.record == "tick"]
        for instance in instances:
            instance.pause()
        (batch,) = stage.source.batches()
        await stage.system.feed(batch)

        async with instances[1].idle:
            instances[0].status = ChannelStatus.ERROR
            first = asyncio.create_task(router.reassign())
            await asyncio.sleep(0)
            instances[0].status, instances[2].status = ChannelStatus.PAUSED, ChannelStatus.ERROR
            second = asyncio.create_task(router.reassign())
            await asyncio.sleep(0)
            assert not first.done()
        await asyncio.gather(first, second)

        owners = router._owner_by_code("tick")
        queued = [(number, part) for number, instance in enumerate(instances) for _, part in instance._queue]
        assert sum(len(part) for _, part in queued) == 120
        assert all((owners[part.rows.code] == number).all() for number, part in queued)
        instances[2].status = ChannelStatus.PAUSED
        for instance in instances:
            instance.resume()
        await stage.system.settle()
        assert len(stage.highs()) == 2 * 40
        await stage.system.shutdown()

    run(story())


def test_moving_shards_and_growing_state_do_not_wait_for_each_other() -> None:
    """Both stop several instances, one after the other. By name the tenth came before the second, by number behind."""

    async def story() -> None:
        stage = Stage(climb(["ABC"], 2), {"tick_channel.instances": 10, "monitoring.interval_ms": 60_000})
        await stage.system.initialize_system()
        router = stage.system.router
        instances = [instance for instance in stage.system.instances() if instance.record == "tick"]
        before = router._assignments["tick"]
        owners = ["tick-2" if owner == "tick-10" else owner for owner in before.owners]
        (batch,) = stage.source.batches()

        async with instances[4].idle:
            growing = asyncio.create_task(stage.system.feed(batch))
            await asyncio.sleep(0.01)
            moving = asyncio.create_task(router._move("tick", before, Assignment(tuple(owners))))
            await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            assert await moving == len(before.shards_of("tick-10")) > 0
            await growing
        await stage.system.settle()
        await stage.system.shutdown()

    run(story())

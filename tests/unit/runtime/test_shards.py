"""Moves of shards between instances: rows keep their order, and none is lost."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.runtime.failing_system import SystemUnderTest, climb, run
from tickstock_cli.core.metrics import ChannelStatus
from tickstock_cli.runtime.assignment import Assignment, RoutingStrategy


def test_shards_of_a_dead_instance_move_with_their_rows_and_return() -> None:
    """One of two tick instances dies: queued and later rows of its tickers go to the other one."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        tested = SystemUnderTest(climb(tickers, 10), {"tick_channel.instances": 2, "monitoring.interval_ms": 60_000})
        await tested.system.initialize_system()
        failing, healthy = (instance for instance in tested.system.instances() if instance.record == "tick")
        assert len(failing.owned_shards) == len(healthy.owned_shards) == 32
        await failing.kill()
        first, *others = tested.source.batches(200)
        await tested.system.feed(first)
        assert failing.depth > 0

        assert await tested.system.router.reassign() == 32
        assert (len(failing.owned_shards), len(healthy.owned_shards), failing.depth) == (0, 64, 0)
        for batch in others:
            await tested.system.feed(batch)
        await tested.system.settle()
        assert len(tested.highs()) == 9 * 40

        failing.start()
        assert await tested.system.router.reassign() == 32
        assert len(failing.owned_shards) == len(healthy.owned_shards) == 32
        await tested.system.shutdown()

    run(story())


@pytest.mark.parametrize("fault", ["errors", "slow"])
def test_a_failing_or_slow_instance_loses_its_shards_until_it_is_healthy(fault: str) -> None:
    """If over a tenth of its rows fail, or its batches take too long, its shards move; they return later."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        failing_tickers: set[str] = set()
        settings = {
            "tick_channel.instances": 2,
            "tick_channel.breaker_failures": 1_000_000,
            "tick_channel.breaker_failure_percent": 100,
            "router.unhealthy_mean_ms": 20,
        }
        tested = SystemUnderTest(
            climb(tickers, 40),
            settings,
            bad=lambda: failing_tickers if fault == "errors" else set(),
            slow=lambda: failing_tickers if fault == "slow" else set(),
        )
        batches = list(tested.source.batches(40))
        await tested.system.initialize_system()
        failing, healthy = (instance for instance in tested.system.instances() if instance.record == "tick")
        owners = tested.system.router._owner_by_code("tick")
        failing_tickers |= {ticker for ticker in tickers if owners[tested.source.symbols.code(ticker) or 0] == 0}

        for batch in batches[:20]:
            await tested.system.feed(batch)
            await tested.system.settle()
            if len(failing.owned_shards) == 0:
                break
        await tested.until(lambda: len(failing.owned_shards) == 0)
        assert len(healthy.owned_shards) == 64
        failing_tickers.clear()
        await tested.until(lambda: len(failing.owned_shards) == 32)
        for batch in batches[20:]:
            await tested.system.feed(batch)
        await tested.system.settle()
        tested.core.ledger.check()
        assert failing.snapshot().recent.processed > 0
        await tested.system.shutdown()

    run(story())


@pytest.mark.parametrize("strategy", list(RoutingStrategy))
def test_rows_of_one_ticker_never_overtake_each_other(strategy: RoutingStrategy) -> None:
    """Every price is a new high, so a row out of order would lose a high. Owners change during the run."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(30)]
        tested = SystemUnderTest(
            climb(tickers, 30),
            {
                "tick_channel.instances": 3,
                "tick_channel.queue_rows": 50,
                "tick_channel.batch_rows": 7,
                "router.strategy": strategy.value,
            },
        )
        await tested.system.initialize_system()
        instances = [instance for instance in tested.system.instances() if instance.record == "tick"]
        for number, batch in enumerate(tested.source.batches(30)):
            await tested.system.feed(batch)
            if number % 5 == 0:
                await instances[number % 3].kill()
                await tested.system.router.reassign()
        await tested.system.settle()

        assert tested.system.router.metrics().moves > 0
        assert len(tested.highs()) == 29 * 30
        assert tested.core.ledger["tick.processed"] == 900
        tested.core.ledger.check()
        await tested.system.shutdown()

    run(story())


def test_rows_that_wait_for_room_follow_their_tickers_to_the_new_owner() -> None:
    """The source waits for room in the queue of a dead instance: when its shards move, waiting rows move, too."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        settings = {
            "tick_channel.instances": 2,
            "tick_channel.queue_rows": 10,
            "tick_channel.batch_rows": 10,
            "monitoring.interval_ms": 60_000,
        }
        tested = SystemUnderTest(climb(tickers, 5), settings)
        await tested.system.initialize_system()
        failing, _ = (instance for instance in tested.system.instances() if instance.record == "tick")
        await failing.kill()
        (batch,) = tested.source.batches()
        feeding = asyncio.create_task(tested.system.feed(batch))
        await tested.until(lambda: failing.depth > 5)
        await asyncio.sleep(0)
        assert not feeding.done()

        await tested.system.router.reassign()
        await feeding
        assert failing.depth == 0
        await tested.system.settle()
        assert len(tested.highs()) == 4 * 40
        tested.core.ledger.check()
        await tested.system.shutdown()

    run(story())


def test_concurrent_moves_leave_no_row_with_a_former_owner() -> None:
    """The second move is decided while the first waits for an instance, and must see the result of the first."""

    async def story() -> None:
        tickers = [f"T{n}" for n in range(40)]
        tested = SystemUnderTest(climb(tickers, 3), {"tick_channel.instances": 3, "monitoring.interval_ms": 60_000})
        await tested.system.initialize_system()
        router = tested.system.router
        instances = [instance for instance in tested.system.instances() if instance.record == "tick"]
        for instance in instances:
            instance.pause()
        (batch,) = tested.source.batches()
        await tested.system.feed(batch)

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
        await tested.system.settle()
        assert len(tested.highs()) == 2 * 40
        await tested.system.shutdown()

    run(story())


def test_moving_shards_and_growing_state_do_not_wait_for_each_other() -> None:
    """Both lock several instances in turn. In the order of names, tick-10 came before tick-2: a deadlock."""

    async def story() -> None:
        tested = SystemUnderTest(climb(["ABC"], 2), {"tick_channel.instances": 10, "monitoring.interval_ms": 60_000})
        await tested.system.initialize_system()
        router = tested.system.router
        instances = [instance for instance in tested.system.instances() if instance.record == "tick"]
        before = router._assignments["tick"]
        owners = ["tick-2" if owner == "tick-10" else owner for owner in before.owners]
        (batch,) = tested.source.batches()

        async with instances[4].idle:
            growing = asyncio.create_task(tested.system.feed(batch))
            await asyncio.sleep(0.01)
            moving = asyncio.create_task(router._move("tick", before, Assignment(tuple(owners))))
            await asyncio.sleep(0.01)
        async with asyncio.timeout(60):
            assert await moving == len(before.shards_of("tick-10")) > 0
            await growing
        await tested.system.settle()
        await tested.system.shutdown()

    run(story())

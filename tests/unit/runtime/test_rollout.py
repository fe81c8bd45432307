"""A gradual rollout: who takes which path, what makes a ticker fall back, and what is shown of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.unit.runtime.failing_system import START, SystemUnderTest, climb, run
from tickstock_cli.build import build_core
from tickstock_cli.core.metrics import ChannelStatus
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import UsageError
from tickstock_cli.monitoring.alerts import AlertType
from tickstock_cli.runtime.instance import ProcessingChannel
from tickstock_cli.runtime.rollout import Rollout
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import Bar, Record, settings_of

TICKERS = [f"T{n}" for n in range(40)]
STILL = {"monitoring.interval_ms": 60_000}
"""The supervisor does not look during the test."""


class RolloutUnderTest(SystemUnderTest):
    """A tested whose system is a gradual rollout; ``bad`` tickers fail in the channels, and nowhere else."""

    def __init__(self, rows: Sequence[Record], percent: float, settings: dict[str, Any] | None = None) -> None:
        self.bad: set[str] = set()
        values = {"pipeline.rollout_percent": percent, **(settings or {})}
        super().__init__(rows, values, bad=self._bad_in_channels, rollout=True)

    def _bad_in_channels(self) -> set[str]:
        fallen = self.rollout._fallen
        return {ticker for ticker in self.bad if self.source.symbols.code(ticker) not in fallen}

    @property
    def rollout(self) -> Rollout:
        """The rollout of the system."""
        assert self.system.rollout is not None
        return self.system.rollout

    def instance(self, name: str) -> ProcessingChannel:
        """Return an instance by name."""
        return next(instance for instance in self.system.instances() if instance.name == name)

    async def feed(self, batch_rows: int = 100) -> None:
        """Start the system, and feed it everything."""
        await self.system.initialize_system()
        for batch in self.source.batches(batch_rows):
            await self.system.feed(batch)


@pytest.mark.parametrize(("percent", "shards"), [(0, 0), (1, 1), (50, 32), (100, 64)])
def test_the_share_of_tickers_is_one_of_shards(percent: float, shards: int) -> None:
    """Users ask for a percentage of tickers; the others take the linear path, and both see the same highs."""

    async def story() -> None:
        tested = RolloutUnderTest(climb(TICKERS, 10), percent)
        await tested.feed()
        await tested.system.settle()

        figures = tested.rollout.metrics()
        numbers = tested.source.symbols.shards()
        assert figures.shards == shards
        assert figures.multi.tickers == (numbers < shards).sum()
        assert figures.linear.tickers == 40 - figures.multi.tickers
        assert figures.multi.processed == 10 * figures.multi.tickers
        assert figures.linear.processed == 10 * figures.linear.tickers
        assert tested.instance("linear").snapshot().shards == 64 - shards
        assert len(tested.highs()) == 9 * 40
        await tested.system.shutdown()

    run(story())


def test_a_ticker_that_fails_in_its_channel_goes_back_with_its_state_and_the_failed_rows() -> None:
    """No high is lost: what the channel could not judge is judged by the linear path, from the state before it."""

    async def story() -> None:
        tested = RolloutUnderTest(climb(["GOOD", "BAD", "FINE"], 20), 100)
        tested.bad = {"BAD"}
        await tested.feed(7)
        await tested.system.settle()

        assert len(tested.highs()) == 19 * 3
        ledger = tested.core.ledger
        ledger.check()
        assert (ledger["tick.processed"], ledger["tick.failed.highlow"]) == (60, 0)
        figures = tested.rollout.metrics()
        assert figures.fallen == {"BAD": "tick-1: highlow: ValueError: this ticker fails"}
        assert (figures.fallbacks, figures.multi.tickers, figures.linear.tickers) == (1, 2, 1)
        assert figures.multi.failed > 0
        assert figures.linear.processed == 20
        await tested.until(lambda: ("raised", AlertType.PIPELINE_FALLBACK) in tested.alerts)
        await tested.system.shutdown()

    run(story())


def test_what_fails_on_the_linear_path_too_costs_its_ticker_alone() -> None:
    """A detector that cannot bear a ticker at all is no fault of the channel: its rows are counted as failed."""

    async def story() -> None:
        bad = {"BAD"}
        tested = SystemUnderTest(
            climb(["GOOD", "BAD"], 20), {"pipeline.rollout_percent": 100}, bad=lambda: bad, rollout=True
        )
        await tested.system.initialize_system()
        for batch in tested.source.batches(7):
            await tested.system.feed(batch)
        await tested.system.settle()

        assert [high[0] for high in tested.highs()] == ["GOOD"] * 19
        tested.core.ledger.check()
        assert tested.core.ledger["tick.failed.highlow"] == 20
        assert tested.system.rollout is not None
        assert tested.system.rollout.metrics().linear.failed == 20
        await tested.system.shutdown()

    run(story())


def test_the_tickers_of_a_killed_channel_fall_back_with_their_queued_rows() -> None:
    """The only tick instance dies with a full queue: the linear path takes the rows without waiting for a restart."""

    async def story() -> None:
        tested = RolloutUnderTest(climb(TICKERS, 10), 100, STILL)
        await tested.system.initialize_system()
        victim = tested.instance("tick-1")
        await victim.kill()
        for batch in tested.source.batches(100):
            await tested.system.feed(batch)
        assert victim.depth == 400

        tested.system.router.fall_back_from_failed()
        await tested.system.router.align()
        assert victim.depth == 0
        await tested.system.settle()
        assert victim.status is ChannelStatus.ERROR
        assert len(tested.highs()) == 9 * 40
        figures = tested.rollout.metrics()
        assert (figures.fallbacks, figures.multi.tickers) == (40, 0)
        assert figures.fallen["T0"] == "tick-1: status error"
        await tested.system.shutdown()

    run(story())


def test_only_tickers_with_rows_for_a_failed_channel_fall_back() -> None:
    """Without bars a ticker does not notice that the channel of bars is dead."""

    async def story() -> None:
        rows = [*climb(["ABC", "DEF"], 5), Bar("ABC", START, 100.0, 101.0, 99.0, 100.5, 1000.0)]
        tested = RolloutUnderTest(rows, 100, STILL)
        await tested.system.initialize_system()
        await tested.instance("ohlcv-1").kill()
        for batch in tested.source.batches(3):
            await tested.system.feed(batch)
        tested.system.router.fall_back_from_failed()
        await tested.system.router.align()
        await tested.system.settle()

        assert list(tested.rollout.metrics().fallen) == ["ABC"]
        tested.core.ledger.check()
        assert tested.core.ledger["ohlcv.processed"] == 1
        await tested.system.shutdown()

    run(story())


def test_a_channel_with_an_open_breaker_loses_all_its_tickers() -> None:
    """Ticker after ticker fails: at some point the channel itself is what is wrong, and the rest goes as well."""

    async def story() -> None:
        settings = {"tick_channel.breaker_failures": 3, "tick_channel.breaker_open_ms": 60_000}
        tested = RolloutUnderTest(climb(TICKERS, 10), 100, settings)
        tested.bad = {"T1", "T2", "T3"}
        await tested.system.initialize_system()
        batches = list(tested.source.batches(1))
        for batch in batches[:4]:
            await tested.system.feed(batch)
            await tested.system.settle()
        for batch in batches[4:]:
            await tested.system.feed(batch)
        await tested.until(lambda: tested.rollout.metrics().fallbacks == 40)
        await tested.system.settle()

        assert tested.rollout.metrics().fallen["T9"] == "tick-1: circuit breaker open"
        assert len(tested.highs()) == 9 * 40
        tested.core.ledger.check()
        await tested.system.shutdown()

    run(story())


def test_setting_the_share_lets_fallen_tickers_try_again_and_ends_the_alert() -> None:
    """A ticker stays back until somebody decides: a rollout that flaps would be worse than one that fails."""

    async def story() -> None:
        tested = RolloutUnderTest(climb(["GOOD", "BAD"], 20), 100)
        tested.bad = {"BAD"}
        batches = list(tested.source.batches(4))
        await tested.system.initialize_system()
        for batch in batches[:5]:
            await tested.system.feed(batch)
        await tested.until(lambda: ("raised", AlertType.PIPELINE_FALLBACK) in tested.alerts)

        tested.bad = set()
        await tested.system.set_rollout_percent(100)
        assert tested.rollout.metrics().fallen == {}
        for batch in batches[5:]:
            await tested.system.feed(batch)
        await tested.system.settle()
        figures = tested.rollout.metrics()
        assert (figures.fallbacks, figures.multi.tickers) == (1, 2)
        assert len(tested.highs()) == 19 * 2
        await tested.until(lambda: ("resolved", AlertType.PIPELINE_FALLBACK) in tested.alerts)
        await tested.system.shutdown()

    run(story())


def test_a_batch_that_takes_long_delays_a_change_of_sides_and_not_the_supervisor() -> None:
    """Alerts must come, and dead instances start again, while a ticker waits for its channel to be idle."""

    async def story() -> None:
        tested = RolloutUnderTest(climb(["ABC"], 1), 100)
        busy = tested.instance("ohlcv-1")
        async with busy.idle:  # as during a batch
            await tested.system.initialize_system()
            await tested.until(lambda: tested.system._supervision._arranging is not None)
            tested.rollout.set_percent(0)
            await tested.until(lambda: not tested.system._supervision._arranging.done())  # type: ignore[union-attr]  # see above
            for _ in range(2):  # the second time, the supervisor has looked once more while the ticker waits
                await tested.instance("tick-1").kill()
                await tested.until(lambda: tested.instance("tick-1").status is ChannelStatus.ACTIVE)
        await tested.until(lambda: bool(tested.rollout.on_linear("ohlcv").all()))
        await tested.system.shutdown()

    run(story())


def test_rows_of_one_chunk_keep_their_order_when_tickers_change_sides() -> None:
    """Parts that were cut in one queue go back one by one: a later row put before an earlier one would be rejected."""

    async def story() -> None:
        # Rows of one batch are sorted anyway.
        tested = RolloutUnderTest(climb(["ABC"], 40), 0, {**STILL, "tick_channel.batch_rows": 10})
        await tested.system.initialize_system()
        linear, channel = tested.instance("linear"), tested.instance("tick-1")
        linear.pause()
        channel.pause()
        (batch,) = tested.source.batches(40)
        await tested.system.feed(batch)
        (part,) = linear.take_away(~tested.rollout.wanted() | True)
        first, rest = part.cut(10)
        rest.counted()
        linear.put_back([first, rest])

        await tested.system.set_rollout_percent(100)
        assert (linear.depth, channel.depth) == (0, 40)
        channel.resume()
        await tested.system.settle()
        assert tested.core.ledger["tick.processed"] == 40
        assert len(tested.highs()) == 39
        await tested.system.shutdown()

    run(story())


def test_a_system_without_a_rollout_has_no_share_to_change() -> None:
    """Instead of pretending, it says what to start."""

    async def story() -> None:
        plain = SystemUnderTest(climb(["ABC"], 1), {})
        with pytest.raises(UsageError, match="start it with --pipeline rollout"):
            await plain.system.set_rollout_percent(5)
        rolling = RolloutUnderTest(climb(["ABC"], 1), 1)
        with pytest.raises(UsageError, match="must be 0 to 100 percent, was 101"):
            await rolling.system.set_rollout_percent(101)

    run(story())


def test_an_embedded_system_answers_for_rows_of_both_sides() -> None:
    """A program that builds the system itself rolls out in the same way, and gets the events of its own calls."""

    async def story(rollout: bool) -> list[str]:
        told = []
        settings = {"pipeline": {"rollout_percent": 50}}
        async with MultiChannelSystem(settings, rollout=rollout) as system:
            for record in climb(TICKERS, 3):
                result = await system.process_tick_data(record)
                told += [f"{event['ticker']} {event['kind']} {event['price']}" for event in result.events]
            if system.rollout is not None:
                sides = system.rollout.metrics()
                assert min(sides.multi.processed, sides.linear.processed) > 0
                assert sides.multi.processed + sides.linear.processed == 3 * 40
        return told

    plain = asyncio.run(asyncio.wait_for(story(rollout=False), 60))
    assert len(plain) == 40
    assert asyncio.run(asyncio.wait_for(story(rollout=True), 60)) == plain


class GrowingSymbols(SymbolTable):
    """A table to which another thread adds a ticker whenever shards are looked up."""

    def shards(self, start: int = 0) -> NDArray[np.uint8]:
        shards = super().shards(start)
        self.add([f"NEW{len(self)}"])
        return shards


def test_tickers_that_come_while_sides_are_compared_break_nothing() -> None:
    """The source reads ahead in a thread of its own: a comparison of two lengths ended the monitor, and the system."""

    async def story() -> None:
        settings = settings_of({})
        core = build_core(settings, GrowingSymbols(["ABC", "DEF"]))
        system = MultiChannelSystem(settings, core, rollout=True)
        await system.initialize_system()
        await system.set_rollout_percent(100)
        assert system.rollout is not None
        system.rollout.channel_failed("tick", "a test")
        metrics = system.rollout.metrics()
        assert (metrics.percent, metrics.linear.tickers, metrics.fallbacks) == (100, 0, 0)
        await system.shutdown()

    run(story())

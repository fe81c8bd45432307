"""Calls whose caller gives up: what they have begun ends all the same, and the system goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.errors import OutputError, UsageError
from tickstock_cli.runtime.service import MarketDataService
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, ListSink, new_york

START = new_york("2024-06-12", "10:00:00")
SMALL = {"tick_channel": {"queue_rows": 20, "batch_rows": 10}, "fmv_channel": {"queue_rows": 20, "batch_rows": 10}}
"""Queues that are full at once: calls wait at many places."""

pytestmark = pytest.mark.timeout(120)


def rises(first: int, count: int) -> list[dict[str, Any]]:
    """Return trades of two tickers, each a new high."""
    return [
        {"ticker": f"T{n % 2}", "timestamp": START + n * SECOND, "price": 100.0 + n / 10, "size": 1}
        for n in range(first, first + count)
    ]


def test_a_call_that_times_out_keeps_no_later_one_waiting() -> None:
    """A feed handler with a time limit is what many programs have."""

    async def story() -> tuple[int, int]:
        system = MultiChannelSystem()
        service = MarketDataService(system)
        await system.initialize_system()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(service.handle_websocket_tick(rises(0, 20_000)), 0.005)
        later = await service.handle_websocket_tick(rises(20_000, 10))
        assert later.success
        assert system.is_system_ready()
        drained = await system.shutdown(2)
        return system.core.ledger["tick.read"], drained.rows_dropped

    assert asyncio.run(story()) in {(20_010, 0), (10, 0)}  # given up before its rows were taken, or all of them count


async def cancelled_after(turns: int, work: Coroutine[Any, Any, Any]) -> None:
    """Begin work, and cancel its caller after so many turns of the loop."""
    caller = asyncio.create_task(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)


@settings(max_examples=25, deadline=None)
@given(turns=st.lists(st.integers(0, 40), min_size=4, max_size=4), end=st.sampled_from(["finish", "shutdown"]))
def test_cancelling_at_any_await_leaves_a_system_that_ends_with_every_event(turns: list[int], end: str) -> None:
    """Starting, rows, market time and the end itself: each is cancelled, and the next call finds it done or undone."""

    async def story() -> None:
        sink = ListSink()
        system = MultiChannelSystem(SMALL, sinks=[sink])
        await cancelled_after(turns[0], system.initialize_system())
        await system.initialize_system()
        await cancelled_after(turns[1], system.process_tick_data(rises(0, 60)))
        await cancelled_after(turns[2], system.advance(START + 60 * SECOND))
        result = await system.process_tick_data(rises(61, 60))
        assert result.success
        await cancelled_after(turns[3], getattr(system, end)())
        await system.shutdown()
        ledger = system.core.ledger
        ledger.check()
        assert ledger["tick.read"] == ledger["tick.processed"] in {60, 120}
        assert sink.committed
        assert len(sink.events) == ledger["coordinator.emitted"] > 0

    asyncio.run(story())


def test_a_cancelled_end_writes_the_outputs_whole(tmp_path: Path) -> None:
    """What was released belongs into the file; half of it would look like all of it."""

    async def story(target: Path) -> None:
        system = MultiChannelSystem(sinks=[str(target)])
        await system.initialize_system()
        await system.process_tick_data(rises(0, 100))
        await cancelled_after(1, system.finish())
        await system.shutdown()

    asyncio.run(story(tmp_path / "events.parquet"))

    events = pl.read_parquet(tmp_path / "events.parquet")
    assert events.filter(pl.col("kind") == "high").height == 98


class Stuck(ListSink):
    """A sink that does not return until it is let go, such as a network file system whose server is gone."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = threading.Event()

    def write(self, events: pa.RecordBatch) -> None:
        self.let_go.wait()
        super().write(events)


def test_a_sink_that_does_not_return_keeps_no_shutdown_waiting() -> None:
    """A supervisor that stops a service wants the reason, not to kill it."""
    sink = Stuck()

    async def story() -> None:
        system = MultiChannelSystem({"system": {"stop_seconds": 0.1}}, sinks=[sink])
        await system.initialize_system()
        await system.process_tick_data(rises(0, 10))
        try:
            with pytest.raises(OutputError, match=r"not written after 0\.1 s \(system\.stop_seconds\)"):
                await system.shutdown()
        finally:
            sink.let_go.set()

    asyncio.run(story())


class SlowToCommit(ListSink):
    """A sink whose commit takes as long as the test wants."""

    def __init__(self) -> None:
        super().__init__()
        self.committing = threading.Event()
        self.let_go = threading.Event()

    def commit(self) -> None:
        self.committing.set()
        self.let_go.wait()
        super().commit()


def test_a_row_that_comes_while_outputs_are_written_is_refused() -> None:
    """Its events would be in no output, and its caller could wait for ever for instances that have ended."""
    sink = SlowToCommit()

    async def story() -> None:
        system = MultiChannelSystem(sinks=[sink])
        await system.initialize_system()
        ending = asyncio.create_task(system.shutdown())
        await asyncio.to_thread(sink.committing.wait)
        try:
            with pytest.raises(UsageError, match="the system has ended"):
                await asyncio.wait_for(system.process_tick_data(rises(0, 10)), 60)
            assert not system.is_system_ready()
        finally:
            sink.let_go.set()
        await ending

    asyncio.run(story())


def test_a_system_that_was_shut_down_does_not_start_again() -> None:
    """Its threads have ended; the answer is a sentence, not an error of a thread pool."""

    async def story() -> None:
        system = MultiChannelSystem()
        await system.initialize_system()
        await system.shutdown()
        with pytest.raises(UsageError, match="build a new one"):
            await system.initialize_system()

    asyncio.run(story())

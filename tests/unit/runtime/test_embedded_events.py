"""Released events as an embedding program gets them: streams, sinks, and the end of the system."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tests.unit.runtime.round_price import RoundPrice
from tickstock_cli.build import build_encoder, settings_model
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.outputs import Outputs
from tickstock_cli.errors import FailedOutputsError, OutputError, SlowConsumerError, SystemBrokenError, UsageError
from tickstock_cli.kernels.rows import TickRows
from tickstock_cli.runtime.publication import AsyncOutputs
from tickstock_cli.runtime.stream import EventStream
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, ListSink, Tick, new_york, run_records

START = new_york("2024-06-12", "10:00:00")
RISES = [{"ticker": "ABC", "timestamp": START + n * SECOND, "price": 100.0 + n, "size": 10} for n in range(6)]
FAIR = {"ticker": "ABC", "timestamp": START + 6 * SECOND, "fmv": 108.0}
"""Its event waits for the end of a window."""


async def taken(events: EventStream) -> list[dict[str, Any]]:
    """Return all events until the system ends."""
    return [event async for event in events]


class FailingSink(ListSink):
    """A sink whose disk is full."""

    def write(self, events: pa.RecordBatch) -> None:
        raise OutputError(f"cannot write {events.num_rows} events: the disk is full")


def test_every_consumer_gets_every_event_until_the_system_ends() -> None:
    """Two consumers, each from its start, also the event that only the end of the input releases."""

    async def consume() -> list[list[dict[str, Any]]]:
        async with MultiChannelSystem() as system:
            early = asyncio.create_task(taken(system.events()))
            await system.process_tick_data(RISES[:3])
            late = asyncio.create_task(taken(system.events()))
            await system.process_tick_data(RISES[3:])
            await system.process_fmv_data(FAIR)
        return [await early, await late]

    early, late = asyncio.run(consume())

    assert [(event["kind"], event["price"]) for event in early] == [
        *(("high", 100.0 + n) for n in range(1, 6)),
        ("fmv", 108.0),
    ]
    # The event of the third row is released with the fourth: until then another one could stand before it.
    assert late == early[1:]


def test_a_stream_and_a_sink_get_what_a_replay_of_the_same_rows_writes() -> None:
    """Embedding is another way in, with the same events, order and columns."""
    sink = ListSink()

    async def consume() -> list[dict[str, Any]]:
        async with MultiChannelSystem(sinks=[sink]) as system:
            events = asyncio.create_task(taken(system.events()))
            await asyncio.gather(*(system.process_tick_data(row) for row in RISES))
        return await events

    streamed = asyncio.run(consume())

    replayed = run_records([Tick("ABC", START + n * SECOND, 100.0 + n, 10) for n in range(6)])
    assert streamed == sink.events == replayed.events


def test_a_consumer_that_falls_behind_gets_what_was_held_and_then_an_error() -> None:
    """No event is lost without an error, and the other consumer gets all of them."""

    async def consume() -> tuple[list[float], str, int]:
        async with MultiChannelSystem() as system:
            slow, quick = system.events(buffer_events=2), asyncio.create_task(taken(system.events()))
            for row in RISES:
                await system.process_tick_data(row)
            prices = [(await anext(slow))["price"] for _ in range(2)]
            with pytest.raises(SlowConsumerError) as fallen:
                await anext(slow)
        return prices, str(fallen.value), len(await quick)

    prices, message, others = asyncio.run(consume())

    assert prices == [101.0, 102.0]
    assert "had taken 0 of its events and 2 waited, as many as it may hold" in message
    assert others == 5


def test_a_target_is_written_and_named_at_the_end(tmp_path: Path) -> None:
    """Nothing has the file's name before the system has ended well."""
    target = tmp_path / "events.parquet"

    async def run() -> bool:
        async with MultiChannelSystem(sinks=[str(target)]) as system:
            await system.process_tick_data(RISES)
            return target.exists()

    assert not asyncio.run(run())
    assert pl.read_parquet(target)["price"].to_list() == [101.0, 102.0, 103.0, 104.0, 105.0]


def test_an_error_in_the_block_aborts_the_sinks_and_tells_the_consumers(tmp_path: Path) -> None:
    """A file of half the events must not look like one of all of them."""
    target = tmp_path / "events.parquet"

    async def run() -> None:
        async with MultiChannelSystem(sinks=[str(target)]) as system:
            events = asyncio.create_task(taken(system.events()))
            await system.process_tick_data(RISES)
            try:
                raise ValueError("a bug of the program")
            finally:
                consumers.append(events)

    consumers: list[asyncio.Task[list[dict[str, Any]]]] = []

    async def main() -> None:
        with pytest.raises(ValueError, match="a bug"):
            await run()
        with pytest.raises(SystemBrokenError, match="ended by an error: ValueError"):
            await consumers[0]

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_a_sink_that_fails_stops_the_rows_with_its_error() -> None:
    """Success after a lost event would be the worst outcome."""

    async def run() -> None:
        async with MultiChannelSystem(sinks=[FailingSink()]) as system:
            for row in RISES:
                await system.process_tick_data(row)

    with pytest.raises(OutputError, match="the disk is full"):
        asyncio.run(run())


def test_a_sink_that_fails_costs_no_other_sink() -> None:
    """A full disk under one of two: rows go on, the other has every event, and the end says what failed."""
    whole = ListSink()

    async def run() -> None:
        async with MultiChannelSystem(sinks=[FailingSink(), whole]) as system:
            for row in RISES:
                await system.process_tick_data(row)

    with pytest.raises(FailedOutputsError, match=r"1 of 2 outputs failed: .*the disk is full; written: ListSink"):
        asyncio.run(run())
    assert whole.committed
    assert len(whole.events) > 0


class GatedSink(ListSink):
    """A sink that writes nothing until the gate opens."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()

    def write(self, events: pa.RecordBatch) -> None:
        self.gate.wait()
        super().write(events)


def test_rows_wait_for_a_sink_that_is_behind_and_the_loop_goes_on() -> None:
    """A slow disk slows the rows down: it costs neither an event nor the loop's time."""
    sink = GatedSink()
    encoder = build_encoder(settings_model()(), SymbolTable(["ABC"]))
    events = np.zeros(3, EVENT)

    async def run() -> None:
        outputs = AsyncOutputs(Outputs(encoder, [sink]))
        for _ in range(20):  # more than the writer's own queue holds
            outputs.put(events.copy())
            await asyncio.sleep(0)
        waiting = asyncio.create_task(outputs.room(0))
        await asyncio.sleep(0)
        assert not waiting.done()
        sink.gate.set()
        await waiting
        await outputs.commit()

    asyncio.run(run())
    assert len(sink.events) == 60
    assert sink.committed


class Breaking(RoundPrice):
    """A detector that calls itself compiled, so that its state cannot be put back, and raises."""

    compiled = True

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:  # noqa: ARG002 - finds nothing
        if (rows.price == 103.0).any():
            raise ValueError("cannot bear this price")
        return 0


def test_a_system_that_breaks_tells_its_consumers_and_commits_nothing() -> None:
    """A consumer gets what was released before, and then the reason; an end without it would look like the market's."""
    sink = ListSink()
    consumers = []

    async def run() -> None:
        system = MultiChannelSystem(detectors={"breaking": Breaking}, sinks=[sink])
        consumers.append(asyncio.create_task(taken(system.events())))
        async with system:
            for row in RISES:
                await system.process_tick_data(row)

    async def main() -> None:
        with pytest.raises(SystemBrokenError, match="cannot bear this price"):
            await run()
        with pytest.raises(SystemBrokenError, match="cannot bear this price"):
            await consumers[0]

    asyncio.run(main())
    assert sink.aborted
    assert not sink.committed


class Unready(Breaking):
    """A detector that raises at the first price it sees, which is the warm-up's."""

    def scan(self, rows: TickRows, out: EventRows, counts: NDArray[np.int64]) -> int:  # noqa: ARG002 - finds nothing
        raise ValueError(f"cannot bear {rows.price[0]}")


def test_a_system_that_cannot_start_tells_its_consumers_and_leaves_no_file(tmp_path: Path) -> None:
    """A consumer may wait before the start; a stream that just ended would mean a market without events."""

    async def main() -> None:
        system = MultiChannelSystem(detectors={"unready": Unready}, sinks=[str(tmp_path / "events.parquet")])
        consumer = asyncio.create_task(taken(system.events()))
        with pytest.raises(ValueError, match="cannot bear 100"):
            await system.__aenter__()
        with pytest.raises(SystemBrokenError, match="the system did not start: ValueError"):
            await consumer

    asyncio.run(main())
    assert list(tmp_path.iterdir()) == []


def test_a_stream_that_nobody_refers_to_takes_no_events() -> None:
    """A consumer that left its loop must not keep events in memory for ever."""

    async def one(system: MultiChannelSystem) -> None:
        async for _ in system.events():
            break

    async def run() -> int:
        async with MultiChannelSystem() as system:
            first = asyncio.create_task(one(system))
            await asyncio.sleep(0)
            await system.process_tick_data(RISES)
            await first
            del first
            return len(system._publication._streams)

    assert asyncio.run(run()) == 0


def test_after_the_end_there_are_no_rows_and_no_streams() -> None:
    """A finished system says so; a stream that can get no event would wait for ever."""

    async def run() -> None:
        async with MultiChannelSystem() as system:
            await system.process_tick_data(RISES)
            await system.finish()
            with pytest.raises(UsageError, match="the system has ended: it takes no more rows"):
                await system.process_tick_data(RISES)
            with pytest.raises(UsageError, match="the system has ended: it releases no more events"):
                system.events()
        assert system.core.ledger["coordinator.emitted"] == 5

    asyncio.run(run())


def test_a_stream_that_can_hold_no_event_is_refused() -> None:
    """It could never be read without an error."""
    with pytest.raises(UsageError, match="buffer_events must be at least 1, was 0"):
        MultiChannelSystem().events(buffer_events=0)

"""When the rows of the played vendor go out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from threading import Event

from tests.unit.vendors.polygon.recorded_rows import trades
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, chunks_of
from tickstock_cli.vendors.polygon.server.hub import VendorHub
from tickstock_cli.vendors.polygon.server.playing import TOGETHER_NS, Player

STEP_NS = 700_000
"""What the clock advances by at each look at it."""


class SteppingClock:
    """A clock that advances by a step whenever it is asked, so that a schedule needs no waiting."""

    def __init__(self) -> None:
        self.time = 0

    def now(self) -> int:
        self.time += STEP_NS
        return self.time

    def wait(self, event: Event, until: int) -> bool:
        self.time = max(self.time, until)
        return event.is_set()


class ReleaseLog(VendorHub):
    """A hub that remembers when what was released."""

    def __init__(self, clock: SteppingClock) -> None:
        super().__init__(100, waits_for_clients=False)
        self.releases: list[tuple[int, list[int]]] = []
        self._clock = clock

    def publish(self, chunk: EncodedChunk) -> None:
        self.releases.append((self._clock.time, chunk.times.tolist()))
        super().publish(chunk)


def played(speed: float, *, loop: bool = False, passes: int = 1) -> tuple[list[tuple[int, list[int]]], Player]:
    """Play 60 trades, a second apart, and return when they were released."""

    async def story() -> tuple[list[tuple[int, list[int]]], Player]:
        clock = SteppingClock()
        hub = ReleaseLog(clock)
        rows = [trades(*["AAPL"] * 20, first=1 + 20 * part) for part in range(3)]

        def chunks() -> Iterator[EncodedChunk]:
            return chunks_of(rows, hub.items)

        player = Player(chunks, hub, speed, clock, wait=False, loop=loop)
        playing = asyncio.ensure_future(player.play())
        while not playing.done() and player.passes < passes:
            await asyncio.sleep(0)
        playing.cancel()
        await asyncio.wait({playing})
        return hub.releases, player

    return asyncio.run(story())


def test_a_row_goes_out_when_it_is_due_and_never_before() -> None:
    """Due times are those of one schedule from the first row on, so hours of it do not drift."""
    releases, _ = played(speed=1_000)
    schedule = Schedule(releases[0][0], releases[0][1][0], 1_000)
    assert [time for _, times in releases for time in times] == sorted(time for _, times in releases for time in times)
    assert sum(len(times) for _, times in releases) == 60
    assert all(schedule.due(times[-1]) <= released for released, times in releases)


def test_rows_that_are_due_together_go_out_together() -> None:
    """A fast market is released every two milliseconds, not row by row."""
    releases, player = played(speed=10_000)
    times = [released for released, _ in releases]
    assert all(later - earlier >= TOGETHER_NS for earlier, later in pairwise(times))
    assert len(releases) < 60 == player.released


def test_a_loop_begins_its_schedule_anew() -> None:
    """The second pass has the times of the first one, and as much time between its rows."""
    releases, _ = played(speed=10_000, loop=True, passes=2)
    market = [time for _, times in releases for time in times]
    assert market[:60] == market[60:120]

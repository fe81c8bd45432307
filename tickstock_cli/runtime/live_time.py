"""Live time: market time passes between the calls of an embedded system, so that no event waits for the next row."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tickstock_cli.config.settings import Settings
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.stages import Pace
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.engine.market_clock import ArrivalClock, DateClock, MarketClock, RowClock, next_look
from tickstock_cli.errors import TickstockError


class LiveTime:
    """Advances market time by a market clock, as far as a waiting event needs. On one asyncio loop.

    Parameters
    ----------
    next_release
        Returns the market time (int64 ns) at which an event may be released without a row.
    advance
        Advances market time to a time (int64 ns).
    """

    def __init__(
        self,
        market: MarketClock,
        clock: Clock,
        next_release: Callable[[], int],
        advance: Callable[[int], Awaitable[object]],
    ) -> None:
        self._market = market
        self._clock = clock
        self._next_release = next_release
        self._advance = advance
        self._changed = asyncio.Event()

    def came(self, watermark: int) -> None:
        """Note that rows came that are available up to ``watermark`` (int64 ns)."""
        self._market.came(watermark, self._clock.now())
        self._changed.set()

    async def run(self) -> None:
        """Let market time pass until cancelled, or until the system takes no more rows.

        Ends in silence with an error of the system: the next call raises it.
        """
        while True:
            self._changed.clear()
            now, release, schedule = self._clock.now(), self._next_release(), self._market.schedule
            if schedule is not None and release <= schedule.market_at(now):
                try:
                    await self._advance(release)
                except TickstockError:
                    return
                continue
            seconds = (next_look(schedule, release, now) - now) / NS_PER_SECOND
            try:
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
            except TimeoutError:
                continue


def market_clock_of(settings: Settings, wall: Callable[[], int]) -> MarketClock:
    """Return what tells market time between the calls; ``wall`` returns ns since the epoch, UTC."""
    match settings.system.market_clock:
        case "rows":
            return RowClock()
        case "wall":
            return ArrivalClock(wall, pace=Pace.WALL)
        case _:
            return DateClock(wall)

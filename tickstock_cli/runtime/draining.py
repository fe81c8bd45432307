"""Waits until a running system has processed its rows, and drops those that it cannot in time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from tickstock_cli.config.running import SystemSettings
from tickstock_cli.core.clock import Clock
from tickstock_cli.engine.pipeline import Drained
from tickstock_cli.runtime.instance import ProcessingChannel
from tickstock_cli.runtime.reporting import SystemReporter
from tickstock_cli.runtime.sections import SECOND


class Draining:
    """Drains the queues within bounds.

    Parameters
    ----------
    settle
        Waits until all rows fed are processed and their events released.
    break_system
        Called with an error if a batch under way takes too long; it makes ``settle`` end, and ``check`` raise.
    """

    def __init__(
        self,
        settings: SystemSettings,
        instances: Sequence[ProcessingChannel],
        reporter: SystemReporter,
        clock: Clock,
        settle: Callable[[], Awaitable[None]],
        break_system: Callable[[BaseException], None],
        check: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._instances = instances
        self._reporter = reporter
        self._clock = clock
        self._settle = settle
        self._break = break_system
        self._check = check

    async def drain(self, seconds: float | None) -> Drained:
        """Wait for all rows, so many seconds at most; drop the queued ones then. See ``MultiChannelSystem.drain``."""
        begun, rows, left = self._clock.now(), self._reporter.rows.total, self._reporter.rows_dropped
        try:
            async with asyncio.timeout(self._settings.drain_seconds if seconds is None else seconds):
                await self._settle()
        except TimeoutError:
            for instance in self._instances:
                instance.give_up()
            await self._settle_now()
        return Drained(
            self._reporter.rows.total - rows, (self._clock.now() - begun) / SECOND, self._reporter.rows_dropped - left
        )

    async def _settle_now(self) -> None:
        """Wait for the batches under way alone; break the system if one takes too long."""
        limit = self._settings.stop_seconds
        try:
            async with asyncio.timeout(limit):
                await self._settle()
        except TimeoutError:
            self._break(TimeoutError(f"a batch has been under way for more than {limit:g} s (system.stop_seconds)"))
            self._check()

"""Watches over a running system: its monitor, the owners of shards, and instances that have died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tickstock_cli.core.metrics import ChannelStatus
from tickstock_cli.monitoring.handlers import LOGGER
from tickstock_cli.runtime.begun import BegunWork
from tickstock_cli.runtime.instance import ProcessingChannel
from tickstock_cli.runtime.reporting import SystemReporter
from tickstock_cli.runtime.rollout import Rollout
from tickstock_cli.runtime.router import DataChannelRouter


class Supervision:
    """Updates the monitor, moves shards and restarts dead instances, every monitoring interval.

    Parameters
    ----------
    interval
        Seconds from one look to the next.
    is_broken
        Whether the system's state is undefined: nothing is restarted then.
    ended
        Called with the task that moves shards when it has ended.
    """

    def __init__(
        self,
        instances: Sequence[ProcessingChannel],
        router: DataChannelRouter,
        rollout: Rollout | None,
        reporter: SystemReporter,
        begun: BegunWork,
        interval: float,
        is_broken: Callable[[], bool],
        ended: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self._instances = instances
        self._router = router
        self._rollout = rollout
        self._reporter = reporter
        self._begun = begun
        self._interval = interval
        self._is_broken = is_broken
        self._ended = ended
        self._arranging: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Supervise until cancelled."""
        while True:
            await asyncio.sleep(self._interval)
            try:
                self._reporter.update()
            except Exception:  # noqa: BLE001 - such as metrics that the machine does not provide now; the system goes on
                LOGGER.exception("the monitor could not be updated")
            # One that fails from here on is reported, and falls back, before it is started again.
            dead = [instance for instance in self._instances if instance.status is ChannelStatus.ERROR]
            if self._rollout is not None:
                self._router.fall_back_from_failed()
            if self._arranging is None or self._arranging.done():
                self._arranging = self._begun.begin(self._arrange())
                self._arranging.add_done_callback(self._ended)
            # A move waits for the batch under way; a long one must not keep alerts and restarts waiting.
            await asyncio.wait({self._arranging}, timeout=self._interval)
            if not self._is_broken():
                for instance in dead:
                    if instance.status is ChannelStatus.ERROR:
                        instance.start()

    async def _arrange(self) -> None:
        """Move shards to their owners, and tickers to their sides of the rollout."""
        await self._router.reassign()
        if self._rollout is not None:
            await self._router.align()

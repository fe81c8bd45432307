"""Metrics, alerts and the dashboard document of a running system."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import psutil

from tickstock_cli.config.running import MonitoringSettings
from tickstock_cli.core.channel_debug import ChannelDebug
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import ArrivalMetrics, ChannelMetrics, SystemMetrics
from tickstock_cli.monitoring.handlers import LOGGER, Handler, LogHandler
from tickstock_cli.monitoring.monitor import ChannelMonitor
from tickstock_cli.runtime.building import Instances
from tickstock_cli.runtime.latency import EventLatency
from tickstock_cli.runtime.metrics import Rate
from tickstock_cli.runtime.rollout import Rollout
from tickstock_cli.runtime.router import DataChannelRouter
from tickstock_cli.runtime.sections import SECOND, thresholds_of

ANSWER_SECONDS = 5.0
"""How long another thread waits for the system's loop."""


class SystemReporter:
    """Counts rows and events of a system, and reports metrics, problems and alerts. On the system's loop.

    Parameters
    ----------
    handlers
        Called with alerts, as is the logger ``tickstock.alerts``.
    clock, wall
        Monotonic time for durations, and ns since the epoch for what people read.
    is_ready
        Returns whether the system takes rows.
    broken
        Returns what broke the system, shown among the problems; None: it works.
    rollout
        The gradual rollout; None: all rows take the channels.
    """

    def __init__(
        self,
        settings: MonitoringSettings,
        instances: Instances,
        router: DataChannelRouter,
        handlers: Sequence[Handler],
        clock: Clock,
        wall: Callable[[], int],
        is_ready: Callable[[], bool],
        broken: Callable[[], BaseException | None],
        rollout: Rollout | None = None,
    ) -> None:
        self._instances = instances
        self._router = router
        self._clock = clock
        self._wall = wall
        self._is_ready = is_ready
        self._broken = broken
        self._rollout = rollout
        self.monitor = ChannelMonitor(thresholds_of(settings), (LogHandler(LOGGER), *handlers), self.channel_debug)
        self.latency = EventLatency()
        """Latency of all events since the start."""
        self._window_ns = window_ns = int(settings.window_seconds * SECOND)
        self.rows = Rate(window_ns, clock)
        """Rows processed."""
        self.events = Rate(window_ns, clock)
        """Events released."""
        self.rows_dropped = 0
        """Rows that no instance processes any more."""
        self._started = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._problems: dict[str, str] = {}
        self._count_clients: Callable[[], int] | None = None
        self._arrivals: Callable[[], ArrivalMetrics] | None = None
        self._arrived: Callable[[], bool] | None = None
        self._catching_up_until = 0

    def start(self) -> None:
        """Count the time that the system is up from now on."""
        self._started = self._clock.now()
        self._loop = asyncio.get_running_loop()

    def report(self, part: str, problem: str | None) -> None:
        """Report a problem of a part beyond the channels, such as an output; None: it works. In any thread."""
        if problem is None and part not in self._problems:
            return
        problems = {name: text for name, text in self._problems.items() if name != part}
        self._problems = problems if problem is None else {**problems, part: problem}

    def report_clients(self, count_clients: Callable[[], int] | None) -> None:
        """Report the number of connected clients in metrics. None: there is no server.

        ``count_clients`` is called on the loop.
        """
        self._count_clients = count_clients

    def watch_arrivals(self, metrics: Callable[[], ArrivalMetrics]) -> None:
        """Show the arrival queue and its source from now on; ``metrics`` is called in any thread."""
        self._arrivals = metrics

    def catching_up(self, arrived: Callable[[], bool]) -> None:
        """Raise no alert about late rows and full queues until ``arrived`` returns true, and one window longer.

        A run that seeks feeds rows as fast as they are processed.
        """
        self._catching_up_until = self._clock.now() + self._window_ns
        self._arrived = arrived

    def update(self) -> None:
        """Have the monitor check the metrics as of now."""
        self.monitor.observe(self.channel_metrics(), self.system_metrics())

    def end_alerts(self) -> None:
        """Resolve every alert, at the good end of a run."""
        self.monitor.end(self._clock.now(), self._wall())

    def dashboard(self) -> dict[str, Any]:
        """Return the dashboard document as of the monitor's last update, in any thread.

        ``event_latency_ms`` is the latency of all events since the start.
        """
        return {**self.monitor.get_monitoring_dashboard_data(), "event_latency_ms": self.latency.document()}

    def channel_metrics(self) -> list[ChannelMetrics]:
        """Return the metrics of every instance as of now."""
        return [instance.snapshot() for instances in self._instances.values() for instance in instances]

    def channel_debug(self) -> list[ChannelDebug]:
        """Return what every instance did lately, in detail; in any thread.

        Raises
        ------
        TimeoutError
            The system's loop does not answer within 5 s.
        """
        loop = self._loop
        if loop is None or not loop.is_running() or _running_loop() is loop:
            return self._channel_debug()
        return asyncio.run_coroutine_threadsafe(self._debug_on_loop(), loop).result(ANSWER_SECONDS)

    async def _debug_on_loop(self) -> list[ChannelDebug]:
        """Return what ``channel_debug`` does: instances change on their loop alone."""
        return self._channel_debug()

    def _channel_debug(self) -> list[ChannelDebug]:
        offset = self._wall() - self._clock.now()
        return [instance.debug(offset) for instances in self._instances.values() for instance in instances]

    def system_metrics(self) -> SystemMetrics:
        """Return the metrics of the whole system as of now."""
        now, broken = self._clock.now(), self._broken()
        return SystemMetrics(
            at=now,
            wall=self._wall(),
            uptime_ns=now - self._started,
            ready=self._is_ready(),
            rows=self.rows.total,
            events=self.events.total,
            rows_per_second=self.rows.per_second(),
            events_per_second=self.events.per_second(),
            memory_bytes=psutil.Process().memory_info().rss,
            problems=self._problems if broken is None else {**self._problems, "system": str(broken)},
            clients=None if self._count_clients is None else self._count_clients(),
            catching_up=self._is_catching_up(now),
            router=self._router.metrics(),
            arrivals=None if self._arrivals is None else self._arrivals(),
            rollout=None if self._rollout is None else self._rollout.metrics(),
        )

    def _is_catching_up(self, now: int) -> bool:
        if self._arrived is not None:
            if self._arrived():
                self._arrived = None
            self._catching_up_until = now + self._window_ns
        return now < self._catching_up_until


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the loop of this thread; None if none runs."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None

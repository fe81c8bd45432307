"""The figures of a whole system: what its instances do not count, for metrics, status and alerts."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import ArrivalMetrics, RouterMetrics, SystemMetrics
from tickstock_cli.runtime.metrics import Rate


class SystemMeter:
    """Counts rows and events of a system, and keeps the problems of its parts. Counts on one loop.

    Parameters
    ----------
    window_ns
        Length of the window of rates, in ns.
    clock, wall
        Monotonic time for durations, and ns since the epoch for what people read.
    """

    def __init__(self, window_ns: int, clock: Clock, wall: Callable[[], int] = time.time_ns) -> None:
        self._window_ns = window_ns
        self._clock = clock
        self._wall = wall
        self.rows = Rate(window_ns, clock)
        """Rows processed."""
        self.events = Rate(window_ns, clock)
        """Events released."""
        self.rows_dropped = 0
        """Rows that no instance processes any more."""
        self._started = 0
        self._problems: dict[str, str] = {}
        self._count_clients: Callable[[], int] | None = None
        self._arrivals: Callable[[], ArrivalMetrics] | None = None
        self._arrived: Callable[[], bool] | None = None
        self._catching_up_until = 0

    def start(self) -> None:
        """Count the time that the system is up from now on."""
        self._started = self._clock.now()

    def report(self, part: str, problem: str | None) -> None:
        """Note a problem of a part; None: it works. In any thread."""
        if problem is None and part not in self._problems:
            return
        problems = {name: text for name, text in self._problems.items() if name != part}
        self._problems = problems if problem is None else {**problems, part: problem}

    def report_clients(self, count_clients: Callable[[], int] | None) -> None:
        """Take the number of connected clients from ``count_clients``, called on the loop; None: there is no server."""
        self._count_clients = count_clients

    def watch_arrivals(self, metrics: Callable[[], ArrivalMetrics]) -> None:
        """Take the metrics of the arrival queue from ``metrics``, called in any thread."""
        self._arrivals = metrics

    def catching_up(self, arrived: Callable[[], bool]) -> None:
        """Say "catching up" until ``arrived`` returns true, and one window longer."""
        self._catching_up_until = self._clock.now() + self._window_ns
        self._arrived = arrived

    def metrics(self, router: RouterMetrics, *, ready: bool, broken: BaseException | None) -> SystemMetrics:
        """Return the metrics as of now.

        Parameters
        ----------
        ready
            Whether the system takes rows.
        broken
            What broke the system, shown among the problems; None: it works.
        """
        now = self._clock.now()
        return SystemMetrics(
            at=now,
            wall=self._wall(),
            uptime_ns=now - self._started,
            ready=ready,
            rows=self.rows.total,
            events=self.events.total,
            rows_per_second=self.rows.per_second(),
            events_per_second=self.events.per_second(),
            memory_bytes=psutil.Process().memory_info().rss,
            problems=self._problems if broken is None else {**self._problems, "system": str(broken)},
            clients=None if self._count_clients is None else self._count_clients(),
            catching_up=self._is_catching_up(now),
            router=router,
            arrivals=None if self._arrivals is None else self._arrivals(),
        )

    def _is_catching_up(self, now: int) -> bool:
        if self._arrived is not None:
            if self._arrived():
                self._arrived = None
            self._catching_up_until = now + self._window_ns
        return now < self._catching_up_until

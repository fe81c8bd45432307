"""A running system with a detector that fails or is slow on chosen tickers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from time import sleep
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.build import build_channels, build_core, build_detectors, build_encoder
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.core import Core, StepResult
from tickstock_cli.monitoring.alerts import Alert, AlertType
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, ListSource, Record, Tick, new_york, settings_of

START = new_york("2024-06-12", "10:00:00")
QUICK = {
    "monitoring.interval_ms": 10,
    "monitoring.window_seconds": 1,
    "monitoring.resolve_after_seconds": 0,
    "tick_channel.breaker_open_ms": 50,
}


class FailingDetector:
    """A detector in plain Python that changes state and then raises on some tickers, and is slow on others."""

    compiled = False

    def __init__(self, detector: Any, bad: Callable[[], set[int]], slow: Callable[[], set[int]]) -> None:
        self._detector = detector
        self._bad = bad
        self._slow = slow
        self.channel, self.kinds, self.counters = detector.channel, detector.kinds, detector.counters
        self.events_per_row = detector.events_per_row

    def grow(self, tickers: int) -> None:
        self._detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        state: dict[str, NDArray[Any]] = self._detector.state()
        return state

    def scan(self, rows: Any, out: EventRows, counts: NDArray[np.int64]) -> int:
        """Scan, then sleep or raise if there are rows of such a ticker."""
        found = int(self._detector.scan(rows, out, counts))
        filled = rows.groups.code[np.diff(rows.groups.start) > 0]
        if self._slow() & set(filled.tolist()):
            sleep(0.03)
        if self._bad() & set(filled.tolist()):
            raise ValueError("this ticker fails")
        return found


Names = Callable[[], set[str]]


def failing_core(settings: Settings, symbols: SymbolTable, bad: Names, slow: Names) -> Core:
    """Return a core whose high/low detector raises, or is slow, on the tickers that the functions return."""

    def codes(names: Names) -> Callable[[], set[int]]:
        return lambda: {code for name in names() if (code := symbols.code(name)) is not None}

    core = build_core(settings, symbols)
    parts = build_detectors(settings)
    parts["highlow"] = FailingDetector(parts["highlow"], codes(bad), codes(slow))
    core.channels = build_channels(settings, parts)
    return core


def climb(tickers: Sequence[str], steps: int, begin: int = 0) -> list[Record]:
    """Return a tick of each ticker every second, each one a percent above the last."""
    return [
        Tick(ticker, START + n * SECOND, 100.0 * 1.01**n) for n in range(begin, begin + steps) for ticker in tickers
    ]


class SystemUnderTest:
    """A system with its source, its results, and the changes of its alerts."""

    def __init__(
        self,
        rows: Sequence[Record],
        settings: dict[str, Any],
        bad: Names = set,
        slow: Names = set,
        rollout: bool = False,
    ) -> None:
        self.settings = settings_of({**QUICK, **settings})
        self.source = ListSource(rows)
        self.results: list[StepResult] = []
        self.alerts: list[tuple[str, AlertType]] = []
        self.core = failing_core(self.settings, self.source.symbols, bad, slow)
        self.system = MultiChannelSystem(
            self.settings, self.core, publish=self.results.append, handlers=[self._alert], rollout=rollout
        )

    def _alert(self, change: Any, alert: Alert) -> None:
        self.alerts.append((str(change), alert.finding.type))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; fail after a minute."""
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.005)

    def highs(self) -> list[tuple[str, float]]:
        """Return ticker and price of every high, including those not published yet."""
        encoder = build_encoder(self.settings, self.source.symbols)
        parts = [*(result.events for result in self.results), self.core.finish()]
        events = [event for part in parts for event in encoder.to_arrow(part).to_pylist()]
        return [(event["ticker"], event["price"]) for event in events if event["kind"] == "high"]


def run(story: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a loop of its own; fail after a minute."""
    asyncio.run(asyncio.wait_for(story, 60))

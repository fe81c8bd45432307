"""Early abort: ends a run whose figure misses its threshold for ``abort_after`` consecutive seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tickstock_cli.errors import UsageError
from tickstock_cli.loadtest.observation import Second, StageSpan
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.measurement.histogram import Histogram, Summary

MIB = 1 << 20

SecondReader = Callable[[Second], float | None]
"""Returns a figure of one second; None if the second does not have it."""


def _latency(name: str, figure: str) -> SecondReader:
    def read(second: Second) -> float | None:
        encoded = second.latency.get(name)
        summary = Histogram.decode(encoded).summary() if encoded else Summary(0)
        value: float | None = getattr(summary, figure)
        return value

    return read


READERS: Mapping[str, SecondReader] = {
    "tick_p99_ms": _latency("tick", "p99_ms"),
    "tick_mean_ms": _latency("tick", "mean_ms"),
    "end_to_end_p99_ms": _latency("client", "p99_ms"),
    "surge_p95_ms": _latency("tick", "p95_ms"),
    "memory_mib": lambda second: second.memory_bytes / MIB,
}
"""Figures that each second has. All others are judged at the end only."""


class EarlyAbort:
    """Checks the seconds of a run against the thresholds with ``abort_after``.

    Raises
    ------
    UsageError
        The scenario sets ``abort_after`` for a figure that single seconds do not have.
    """

    def __init__(self, scenario: Scenario, spans: tuple[StageSpan, ...]) -> None:
        self._judged = {span.name for span in spans if not span.warm_up}
        self._surges = {span.name for span in spans if span.surge}
        self._missed: dict[str, int] = {}
        self._limits: dict[str, tuple[float, float]] = {}
        for name in type(scenario.thresholds).model_fields:
            wanted = getattr(scenario.thresholds, name)
            if wanted.abort_after is None or wanted.limit is None:
                continue
            if name not in READERS:
                raise UsageError(
                    f"thresholds.{name}.abort_after: single seconds do not have that figure; leave it out, or set it "
                    f"for one of {', '.join(READERS)}"
                )
            self._limits[name] = (wanted.limit, wanted.abort_after)

    def reason(self, second: Second) -> str | None:
        """Check the next second, and return the reason to end the run; None to go on."""
        if second.stage not in self._judged:
            return None
        for name, (limit, patience) in self._limits.items():
            if name == "surge_p95_ms" and second.stage not in self._surges:
                continue
            value = READERS[name](second)
            missed = value is not None and value > limit
            self._missed[name] = self._missed.get(name, 0) + 1 if missed else 0
            if self._missed[name] and self._missed[name] >= patience:
                return f"{name} was above {limit:g} for {self._missed[name]} s, at last {value:,.1f}"
        return None

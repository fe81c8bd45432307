"""Thresholds of alerts and their severities."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tickstock_cli.monitoring.alerts import Severity


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a warning, an error and a critical alert, all rising or all falling."""

    warning: float
    error: float
    critical: float

    def reached_by(self, value: float) -> tuple[Severity, float] | None:
        """Return severity and level of a value that is bad when large; None below all levels."""
        return self._worst([level <= value for level in self._levels()])

    def missed_by(self, value: float) -> tuple[Severity, float] | None:
        """Return severity and level of a value that is bad when small; None above all levels."""
        return self._worst([value < level for level in self._levels()])

    def _levels(self) -> tuple[float, float, float]:
        return self.warning, self.error, self.critical

    def _worst(self, hits: list[bool]) -> tuple[Severity, float] | None:
        severities = (Severity.WARNING, Severity.ERROR, Severity.CRITICAL)
        found = [pair for pair, hit in zip(zip(severities, self._levels(), strict=True), hits, strict=True) if hit]
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class AlertThresholds:
    """Thresholds and durations of a monitor.

    Parameters
    ----------
    latency_percent
        p99 of row latency, in percent of the channel's limit (wait of its batching, plus its timeout).
    success_percent
        Rows that did not fail, in percent; falling.
    queue_percent
        Depth of a queue, in percent of its limit.
    memory_percent
        Resident memory, in percent of ``memory_limit_bytes``.
    cooldown_ns
        A condition that returns within this time of the last report is the same alert, and is not reported.
    resolve_after_ns
        An alert is resolved once its condition has been absent for this time.
    history
        Number of alerts kept, at least 1.
    """

    latency_percent: Levels
    success_percent: Levels
    queue_percent: Levels
    memory_percent: Levels
    memory_limit_bytes: int
    cooldown_ns: int
    resolve_after_ns: int
    history: int

    def to_dict(self) -> dict[str, Any]:
        """Return them as JSON values of the dashboard document."""
        return {
            "latency_percent": asdict(self.latency_percent),
            "success_percent": asdict(self.success_percent),
            "queue_percent": asdict(self.queue_percent),
            "memory_percent": asdict(self.memory_percent),
            "memory_limit_bytes": self.memory_limit_bytes,
            "cooldown_seconds": self.cooldown_ns / 1e9,
            "resolve_after_seconds": self.resolve_after_ns / 1e9,
        }

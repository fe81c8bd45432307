"""Handlers: who is told of alerts. Anything that can be called with a change and an alert."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from tickstock_cli.monitoring.alerts import Alert, AlertChange, Severity

LOGGER = logging.getLogger("tickstock.alerts")
"""Where every running system logs its alerts. Silent unless a program says where its logs go."""
LOGGER.addHandler(logging.NullHandler())

LOG_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


class Handler(Protocol):
    """Told of changes, in the monitor's thread. Must be quick; may fail without hurting anybody."""

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Hear of one change."""


def alert_message(change: AlertChange, alert: Alert) -> dict[str, Any]:
    """Return one change as JSON has it."""
    return {"change": str(change), "alert": alert.to_dict()}


class LogHandler:
    """Writes a line a change to a logger of the standard library, at the level of the alert's severity."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Log one change; what is over is mere information."""
        level = logging.INFO if change is AlertChange.RESOLVED else LOG_LEVELS[alert.finding.severity]
        self._logger.log(level, "%s %s: %s", alert.finding.type, change, alert.finding.message)


class CallHandler:
    """Passes each change on as a JSON-able mapping, as a webhook would send it."""

    def __init__(self, send: Callable[[dict[str, Any]], object]) -> None:
        self._send = send

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Send one change."""
        self._send(alert_message(change, alert))


class QueueHandler:
    """Keeps changes until somebody in any thread takes them.

    Parameters
    ----------
    capacity
        Of a reader that lags behind by more, the oldest changes are dropped and counted: where alerts stand now
        is in the dashboard document anyway.
    """

    def __init__(self, capacity: int = 1_000) -> None:
        self._lock = Lock()
        self._waiting: deque[dict[str, Any]] = deque(maxlen=capacity)
        self._dropped = 0

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Keep one change."""
        with self._lock:
            self._dropped += len(self._waiting) == self._waiting.maxlen
            self._waiting.append(alert_message(change, alert))

    def take(self) -> tuple[list[dict[str, Any]], int]:
        """Take what has come since the last call, oldest first, and how many more were dropped meanwhile."""
        with self._lock:
            taken, dropped = list(self._waiting), self._dropped
            self._waiting.clear()
            self._dropped = 0
        return taken, dropped

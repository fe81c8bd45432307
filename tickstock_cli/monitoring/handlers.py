"""Handlers of alerts: callables that take a change and an alert."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from threading import Lock
from typing import Any, Protocol

from tickstock_cli.monitoring.alerts import Alert, AlertChange, Severity

LOGGER = logging.getLogger("tickstock.alerts")
"""The logger of every running system's alerts; it is silent unless the program configures logging."""
LOGGER.addHandler(logging.NullHandler())

LOG_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


class Handler(Protocol):
    """Receives changes in the monitor's thread. It returns quickly; its errors are counted and do no harm."""

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Receive one change."""


def alert_message(change: AlertChange, alert: Alert) -> dict[str, Any]:
    """Return one change as JSON values."""
    return {"change": str(change), "alert": alert.to_dict()}


class LogHandler:
    """Logs one line for each change, at the level of the alert's severity."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Log one change; a resolved alert has the level INFO."""
        level = logging.INFO if change is AlertChange.RESOLVED else LOG_LEVELS[alert.finding.severity]
        self._logger.log(level, "%s %s: %s", alert.finding.type, change, alert.finding.message)


class CallHandler:
    """Calls a function with each change as JSON values, such as the body of a webhook."""

    def __init__(self, send: Callable[[dict[str, Any]], object]) -> None:
        self._send = send

    def __call__(self, change: AlertChange, alert: Alert) -> None:
        """Send one change."""
        self._send(alert_message(change, alert))


class QueueHandler:
    """Keeps changes until another thread takes them.

    Parameters
    ----------
    capacity
        Limit of waiting changes. Beyond it, the oldest are dropped and counted; the dashboard document has the
        present state of all alerts.
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
        """Return the changes since the last call, oldest first, and the number of dropped ones."""
        with self._lock:
            taken, dropped = list(self._waiting), self._dropped
            self._waiting.clear()
            self._dropped = 0
        return taken, dropped

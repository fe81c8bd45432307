"""Alerts for clients: the latest ones, numbered, for sessions to read like events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

KEPT_ALERTS = 256


class AlertBoard:
    """The latest alerts, numbered from 1. ``post`` is a handler for the channel monitor.

    Parameters
    ----------
    notify
        Called after each alert, in the thread that posted it; wakes the sessions.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._lock = Lock()
        self._alerts: deque[tuple[int, Mapping[str, Any]]] = deque(maxlen=KEPT_ALERTS)
        self._next = 1

    @property
    def next_number(self) -> int:
        """Number of the next alert."""
        return self._next

    def post(self, alert: Mapping[str, Any]) -> None:
        """Add an alert whose values JSON can hold. Safe in any thread; never waits for a client."""
        with self._lock:
            self._alerts.append((self._next, alert))
            self._next += 1
        self._notify()

    def since(self, number: int) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the kept alerts from ``number`` on, with their numbers."""
        if number >= self._next:
            return []
        with self._lock:
            return [numbered for numbered in self._alerts if numbered[0] >= number]

"""Alerts and notices for clients: the latest ones, numbered, for sessions to read like events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Any

KEPT_MESSAGES = 256


class MessageBoard:
    """The latest messages of one type, numbered from 1. ``post`` can be a handler of the channel monitor.

    Parameters
    ----------
    notify
        Called after each message, in the thread that posted it; wakes the sessions.
    """

    def __init__(self, notify: Callable[[], None]) -> None:
        self._notify = notify
        self._lock = Lock()
        self._messages: deque[tuple[int, Mapping[str, Any]]] = deque(maxlen=KEPT_MESSAGES)
        self._next = 1

    @property
    def next_number(self) -> int:
        """Number of the next message."""
        return self._next

    def post(self, message: Mapping[str, Any]) -> None:
        """Add a message whose values JSON can hold. Safe in any thread; never waits for a client."""
        with self._lock:
            self._messages.append((self._next, message))
            self._next += 1
        self._notify()

    def since(self, number: int) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the kept messages from ``number`` on, with their numbers."""
        if number >= self._next:
            return []
        with self._lock:
            return [numbered for numbered in self._messages if numbered[0] >= number]

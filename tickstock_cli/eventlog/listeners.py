"""Who is told that there is more to read. What one of them raises harms neither the run nor the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

_logger = logging.getLogger(__name__)


class Listeners:
    """Callbacks that may come and go in any thread.

    Parameters
    ----------
    name
        What is listened to, for the log of failures.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: tuple[Callable[[], None], ...] = ()
        self._changing = Lock()

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called by every ``tell``, and return what ends it."""
        with self._changing:
            self._callbacks = (*self._callbacks, callback)

        def stop() -> None:
            with self._changing:
                self._callbacks = tuple(known for known in self._callbacks if known is not callback)

        return stop

    def tell(self) -> None:
        """Call everybody, in the thread of the caller."""
        for callback in self._callbacks:
            try:
                callback()
            except Exception:  # the events are in the log: the run and the other consumers must not suffer
                _logger.exception("a listener of %s failed", self._name)

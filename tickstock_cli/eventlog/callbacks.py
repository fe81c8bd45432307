"""Callbacks that the log calls after each append. An error in one of them affects neither the run nor the others."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

_logger = logging.getLogger(__name__)


class Callbacks:
    """A set of callbacks; any thread adds and removes them.

    Parameters
    ----------
    name
        The object that calls them, for the log of failures.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._callbacks: tuple[Callable[[], None], ...] = ()
        self._changing = Lock()

    def add(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Add a callback, and return the function that removes it."""
        with self._changing:
            self._callbacks = (*self._callbacks, callback)

        def remove() -> None:
            with self._changing:
                self._callbacks = tuple(known for known in self._callbacks if known is not callback)

        return remove

    def call_all(self) -> None:
        """Call every callback, in the thread of the caller."""
        for callback in self._callbacks:
            try:
                callback()
            except Exception:  # the events are in the log already: the run and the other consumers go on
                _logger.exception("a listener of %s failed", self._name)

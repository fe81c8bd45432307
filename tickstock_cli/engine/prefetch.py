"""Reading ahead: an iterator runs in a thread of its own, a bounded number of items before its consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

ItemT = TypeVar("ItemT")

STOP_LOOK_SECONDS = 0.1
"""Interval at which a consumer that waits for an item checks whether it should still wait."""


class Prefetch(Generic[ItemT]):
    """Iterates ``items`` in a thread, ``depth`` items ahead; an exception there is raised here, in its place.

    Leaving the context ends the thread and closes the iterator, whatever is left in it.

    Parameters
    ----------
    stopped
        Returns whether to stop waiting for the next item; the iteration ends then.
    interrupt
        Called when the context is left; makes ``items`` end soon if it waits.
    """

    def __init__(
        self,
        items: Iterator[ItemT],
        depth: int,
        stopped: Callable[[], bool] = lambda: False,
        interrupt: Callable[[], None] = lambda: None,
    ) -> None:
        self._items = items
        self._stopped = stopped
        self._interrupt = interrupt
        self._queue: Queue[tuple[ItemT | None, BaseException | None]] = Queue(depth)
        self._closed = Event()
        self._thread = Thread(target=self._run, name="tickstock-reader", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._interrupt()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.01)
            except Empty:
                continue
        self._thread.join()

    def __iter__(self) -> Iterator[ItemT]:
        while True:
            try:
                item, error = self._queue.get(timeout=STOP_LOOK_SECONDS)
            except Empty:
                if self._stopped():
                    return
                continue
            if error is not None:
                raise error
            if item is None:
                return
            yield item

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item, None):
                    break
            self._put(None, None)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            self._put(None, error)
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()

    def _put(self, item: ItemT | None, error: BaseException | None) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put((item, error), timeout=0.1)
            except Full:
                continue
            return True
        return False

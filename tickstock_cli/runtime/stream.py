"""Released events for a program that iterates over them on the system's own loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Self

import pyarrow as pa

from tickstock_cli.core.events import EventRows
from tickstock_cli.errors import SlowConsumerError, TickstockError

BUFFER_EVENTS = 65_536
"""Events that a stream holds for its consumer, about 250 bytes each."""


class EventStream:
    """An asynchronous iterator over released events, in output order, as rows of the event schema.

    The stream holds the events that its consumer has not taken yet. It takes events while it holds fewer than
    ``buffer_events``; a step's events are taken together. A stream that is full takes no more: its consumer gets the
    events that are held, and then `SlowConsumerError`. So no event is lost without an error, and a slow consumer
    stops neither the market nor other consumers.

    Parameters
    ----------
    encode
        Turns internal events into rows of the event schema.
    buffer_events
        At least 1.
    """

    def __init__(self, encode: Callable[[EventRows], pa.RecordBatch], buffer_events: int = BUFFER_EVENTS) -> None:
        self._encode = encode
        self._buffer_events = buffer_events
        self._waiting: deque[EventRows] = deque()
        self._rows: deque[dict[str, Any]] = deque()
        self._held = 0
        self._taken = 0
        self._ended = False
        self._error: TickstockError | None = None
        self._changed = asyncio.Event()

    def put(self, events: EventRows) -> None:
        """Hold events for the consumer. Never blocks."""
        if self._ended:
            return
        if self._held >= self._buffer_events:
            self.end(
                SlowConsumerError(
                    f"a consumer of events fell behind: it had taken {self._taken:,} of its events and "
                    f"{self._held:,} waited, as many as it may hold; "
                    "take events faster, or ask for events(buffer_events=...) with more"
                )
            )
            return
        self._waiting.append(events)
        self._held += len(events)
        self._changed.set()

    def end(self, error: TickstockError | None = None) -> None:
        """Take no more events. The consumer gets those that are held; then the iteration ends, or raises ``error``."""
        if not self._ended:
            self._ended, self._error = True, error
            self._changed.set()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        """Return the next event; wait for it if there is none yet.

        Raises
        ------
        SlowConsumerError
            The consumer fell behind: events after the last one were not held.
        SystemBrokenError
            The system broke.
        """
        while not self._rows:
            if self._waiting:
                self._rows.extend(self._encode(self._waiting.popleft()).to_pylist())
            elif not self._ended:
                self._changed.clear()
                await self._changed.wait()
            elif self._error is not None:
                raise self._error
            else:
                raise StopAsyncIteration
        self._held -= 1
        self._taken += 1
        return self._rows.popleft()

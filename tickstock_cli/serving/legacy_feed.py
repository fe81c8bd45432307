"""Events as transport dictionaries, for clients of the older system.

A running log is translated once for all users, and the latest events are kept. A finished log is read and translated
for each user, from its beginning.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple, Protocol

from tickstock_cli.core.kinds import Kind
from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.errors import DamagedError, DataError, ExpiredError
from tickstock_cli.serving.notifier import Notifier
from tickstock_cli.serving.payload import LegacyTranslator
from tickstock_cli.serving.ports import EventLogPort

RING_EVENTS = 10_000
"""Events kept, 2 kB each. A reader that is further behind has missed events."""
READ_EVENTS = 2_048
AHEAD_EVENTS = 256
"""Events that are translated at once for one user of a finished run."""


class OvertakenError(Exception):
    """The next events of a reader are no longer kept, or cannot be read."""


class EventFeed(Protocol):
    """The events of one user, as transport dictionaries."""

    @property
    def next(self) -> int:
        """The sequence number behind the last event that can be read."""

    @property
    def end(self) -> int:
        """The sequence number behind the last event of the log, including events that are not translated yet."""

    async def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:
        """Return at most ``limit`` events from ``sequence`` on, highest priority first.

        Raises
        ------
        OvertakenError
            The events are no longer kept.
        """


class _FeedEvent(NamedTuple):
    priority: int
    ticker: str
    event: dict[str, Any]


def _feed_event(translator: LegacyTranslator, sequence: int, event: dict[str, Any]) -> _FeedEvent:
    return _FeedEvent(event["priority"], event["ticker"], translator.translate(sequence, event))


class LegacyFeed:
    """Follows a log in one event loop. Events before ``begin`` are counted and not kept: old clients begin at now."""

    def __init__(self, log: EventLogPort, notifier: Notifier, begin: int, kinds: Iterable[Kind] = ()) -> None:
        self._log = log
        self._notifier = notifier
        self._translator = LegacyTranslator(kinds)
        self._priorities = PriorityManager()
        self._ring: deque[_FeedEvent] = deque(maxlen=RING_EVENTS)
        self.next = begin
        """The sequence number behind the last translated event; at first, that of the first event to translate."""
        self._begin = begin

    @property
    def end(self) -> int:
        return self._log.next_sequence

    async def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:
        place = len(self._ring) - (self.next - sequence)
        if place < 0:
            raise OvertakenError
        pulled = self._priorities.highest_first(islice(self._ring, place, place + limit))
        return [item.event for item in pulled]

    async def follow(self) -> None:
        """Translate the events of the log, present and future, until cancelled."""
        wake = asyncio.Event()
        self._notifier.add(wake)
        place = self._log.first_sequence
        try:
            while True:
                wake.clear()
                while place < self._log.next_sequence:
                    place = await self._translate(place)
                await wake.wait()
        finally:
            self._notifier.remove(wake)

    async def _translate(self, place: int) -> int:
        """Count events before the beginning, or translate those after it; return the next sequence number."""
        end = self._begin if place < self._begin else self._log.next_sequence
        try:
            part = await asyncio.to_thread(self._log.read, place, min(READ_EVENTS, end - place))
        except ExpiredError as expired:
            return expired.first_sequence
        except DamagedError as damage:  # `/health` and an alert report it: the older protocol has no message for it
            if place >= self._begin:
                self._ring.clear()
                self.next = damage.next_sequence
            return min(damage.next_sequence, end)
        if place < self._begin:
            columns = part.events.select(["ticker", "kind", "direction"])
            for row in columns.to_pylist():
                self._translator.count(row["ticker"], row["kind"], row["direction"])
            return place + part.events.num_rows
        for sequence, event in enumerate(part.events.to_pylist(), place):
            self._ring.append(_feed_event(self._translator, sequence, event))
        self.next = place + part.events.num_rows
        self._notifier.notify()
        return self.next


class ReplayFeed:
    """The events of a finished run for one user, from the first one on: a finished run has no later events."""

    def __init__(self, log: EventLogPort, kinds: Iterable[Kind] = ()) -> None:
        self._log = log
        self._translator = LegacyTranslator(kinds)
        self._priorities = PriorityManager()
        self._ahead: deque[_FeedEvent] = deque()
        self._place = log.first_sequence

    @property
    def next(self) -> int:
        return self._log.next_sequence

    @property
    def end(self) -> int:
        return self._log.next_sequence

    async def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:  # noqa: ARG002 - it is read in order
        """Return the next ``limit`` events, each once; ``sequence`` is not used."""
        while not self._ahead and self._place < self.next:
            try:
                part = await asyncio.to_thread(self._log.read, self._place, AHEAD_EVENTS)
            except DamagedError as damage:
                self._place = damage.next_sequence
                continue
            except DataError as error:
                raise OvertakenError from error
            for number, event in enumerate(part.events.to_pylist(), self._place):
                self._ahead.append(_feed_event(self._translator, number, event))
            self._place += part.events.num_rows
        pulled = self._priorities.highest_first(self._ahead.popleft() for _ in range(min(limit, len(self._ahead))))
        return [item.event for item in pulled]

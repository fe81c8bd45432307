"""Events as transport dictionaries, for users of the older system.

Of a run that goes on the latest ones, translated once for all users; of a run that is over all of them, user by user.
"""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice
from typing import Any, NamedTuple, Protocol

from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.errors import DataError, ExpiredError
from tickstock_cli.serving.notifier import Notifier
from tickstock_cli.serving.payload import LegacyTranslator
from tickstock_cli.serving.ports import EventLogPort

RING_EVENTS = 10_000
"""Kept; 2 kB each. A reader further behind than this has missed events."""
READ_EVENTS = 2_048
AHEAD_EVENTS = 256
"""Translated at once for one user of a run that is over."""


class OvertakenError(Exception):
    """The events that a reader needs next are not to be had: it is too far behind, or they cannot be read."""


class EventFeed(Protocol):
    """What a user is told."""

    @property
    def next(self) -> int:
        """The sequence number behind the last event there is to tell."""

    @property
    def end(self) -> int:
        """The same of all events of the log, those included that will be told in a moment."""

    async def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:
        """Return at most ``limit`` events from ``sequence`` on, highest priority first.

        Raises
        ------
        OvertakenError
            They are no longer kept.
        """


class _FeedEvent(NamedTuple):
    priority: int
    ticker: str
    event: dict[str, Any]


def _feed_event(transporter: LegacyTranslator, sequence: int, event: dict[str, Any]) -> _FeedEvent:
    return _FeedEvent(event["priority"], event["ticker"], transporter.translate(sequence, event))


class LegacyFeed:
    """Follows a log in one event loop. What was in it before is counted and not kept: old clients begin at now."""

    def __init__(self, log: EventLogPort, notifier: Notifier, begin: int) -> None:
        self._log = log
        self._notifier = notifier
        self._transporter = LegacyTranslator()
        self._priorities = PriorityManager()
        self._ring: deque[_FeedEvent] = deque(maxlen=RING_EVENTS)
        self.next = begin
        """The sequence number behind the last event translated; before any was, the first that will be."""
        self._begin = begin

    @property
    def end(self) -> int:
        return self._log.next_sequence

    async def since(self, sequence: int, limit: int) -> list[dict[str, Any]]:
        place = len(self._ring) - (self.next - sequence)
        if place < 0:
            raise OvertakenError
        pulled = self._priorities.highest_first(islice(self._ring, place, place + limit))
        return [told.event for told in pulled]

    async def follow(self) -> None:
        """Translate what the log has and gets, until cancelled."""
        wake = asyncio.Event()
        self._notifier.add(wake)
        place = self._log.first_sequence
        try:
            while True:
                wake.clear()
                while place < self._log.next_sequence:
                    place = await self._take(place)
                await wake.wait()
        finally:
            self._notifier.remove(wake)

    async def _take(self, place: int) -> int:
        """Take the next events, those before the beginning apart from those after it, and return what follows them."""
        end = self._begin if place < self._begin else self._log.next_sequence
        try:
            part = await asyncio.to_thread(self._log.read, place, min(READ_EVENTS, end - place))
        except ExpiredError as expired:
            return expired.first_sequence
        if place < self._begin:
            columns = part.events.select(["ticker", "kind", "direction"])
            for row in columns.to_pylist():
                self._transporter.note(row["ticker"], row["kind"], row["direction"])
            return place + part.events.num_rows
        for sequence, event in enumerate(part.events.to_pylist(), place):
            self._ring.append(_feed_event(self._transporter, sequence, event))
        self.next = place + part.events.num_rows
        self._notifier.notify()
        return self.next


class ReplayFeed:
    """A run that is over, told to one user from its beginning: there is nothing to come that could begin at now."""

    def __init__(self, log: EventLogPort) -> None:
        self._log = log
        self._transporter = LegacyTranslator()
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
        """See ``EventFeed``; each event is given once."""
        if not self._ahead and self._place < self.next:
            try:
                part = await asyncio.to_thread(self._log.read, self._place, AHEAD_EVENTS)
            except DataError as error:
                raise OvertakenError from error
            for number, event in enumerate(part.events.to_pylist(), self._place):
                self._ahead.append(_feed_event(self._transporter, number, event))
            self._place += part.events.num_rows
        pulled = self._priorities.highest_first(self._ahead.popleft() for _ in range(min(limit, len(self._ahead))))
        return [told.event for told in pulled]

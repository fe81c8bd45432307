"""The sessions that get events: each release is selected and framed once for all clients with equal subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tickstock_cli.vendors.polygon.server.audience import Audience, WantedEvents
from tickstock_cli.vendors.polygon.server.chunks import EncodedChunk, ItemTable
from tickstock_cli.vendors.polygon.server.send_buffer import SendBuffer


class Subscriber(Protocol):
    """A client that gets events."""

    number: int
    items: frozenset[str]
    buffer: SendBuffer

    def deliver(self, selection: WantedEvents) -> None:
        """Take the events of a release, or drop them; never block."""

    def moment_behind(self, time: int) -> int | None:
        """Return the next time of rows behind ``time`` (ns UTC) at which a fault happens to it; None: none does."""

    def reached(self, moment: int) -> None:
        """Start the fault of that time."""

    def cut_off(self) -> None:
        """End the connection because events for it were dropped, as that of a slow client."""

    def too_many(self, *, close: bool) -> None:
        """End the connection because the account has too many; with a closing frame or without."""


@dataclass(slots=True)
class ServerCounts:
    """Counts of a server. ``frames`` and ``events`` are those written to clients that have left, or of all at the end.

    Parameters
    ----------
    connections
        Connections, also those that were refused.
    at_once
        Most subscribed clients at the same time.
    too_slow
        Clients that were cut off with a full send buffer.
    ignored_commands
        Commands that were no JSON object with an action and parameters, or had an unknown action.
    """

    connections: int = 0
    at_once: int = 0
    frames: int = 0
    events: int = 0
    too_slow: int = 0
    ignored_commands: int = 0


class VendorHub:
    """Subscribed clients. All methods are of one event loop.

    Parameters
    ----------
    per_frame
        Most events in a frame.
    waits_for_clients
        Whether ``room`` is awaited before each release, so that no client is cut off.

    Attributes
    ----------
    accepted
        The clients whose key was accepted, by number.
    sent_before
        The last events that a client was sent before it left, for faults that repeat some.
    wanted
        The items that clients are subscribed to; can be read in any thread.
    """

    def __init__(self, per_frame: int, *, waits_for_clients: bool) -> None:
        self.sent_before: Sequence[bytes] = ()
        self.accepted: dict[int, Subscriber] = {}
        self.wanted: frozenset[str] = frozenset()
        self._market = 0
        self.items = ItemTable()
        self.counts = ServerCounts()
        self.per_frame = per_frame
        self.waits_for_clients = waits_for_clients
        self._groups: dict[Audience, list[Subscriber]] = {}
        self._audiences: dict[frozenset[str], Audience] = {}
        self._subscribers: dict[int, Subscriber] = {}
        self._watched: dict[int, Subscriber] = {}
        self._subscribed = asyncio.Event()

    def resubscribed(self, subscriber: Subscriber) -> None:
        """Take note of a client's subscriptions, which can be none."""
        if subscriber.items:
            self._subscribers[subscriber.number] = subscriber
        else:
            self._subscribers.pop(subscriber.number, None)
        self.counts.at_once = max(self.counts.at_once, len(self._subscribers))
        self._regroup()

    def left(self, subscriber: Subscriber) -> None:
        """Forget a client."""
        self.accepted.pop(subscriber.number, None)
        self._watched.pop(subscriber.number, None)
        if self._subscribers.pop(subscriber.number, None) is not None:
            self._regroup()

    def watch(self, subscriber: Subscriber) -> None:
        """Start the faults of a client before the first row at or behind each of their times."""
        self._watched[subscriber.number] = subscriber

    def _regroup(self) -> None:
        wanted = {subscriber.items for subscriber in self._subscribers.values()}
        self.wanted = frozenset().union(*wanted)
        self._audiences = {items: self._audiences.get(items) or Audience(items, self.items) for items in wanted}
        self._groups = {audience: [] for audience in self._audiences.values()}
        for subscriber in self._subscribers.values():
            self._groups[self._audiences[subscriber.items]].append(subscriber)
        if self._subscribers:
            self._subscribed.set()
        else:
            self._subscribed.clear()

    def cut_off_all(self) -> None:
        """End the connections of all subscribed clients, because events for them were dropped."""
        for subscriber in list(self._subscribers.values()):
            subscriber.cut_off()

    @property
    def subscribed(self) -> int:
        """The number of clients that are subscribed to something."""
        return len(self._subscribers)

    @property
    def sent_events(self) -> int:
        """The number of events written to clients so far."""
        return self.counts.events + sum(client.buffer.events_sent for client in list(self.accepted.values()))

    async def subscription(self) -> None:
        """Wait until a client is subscribed to something."""
        await self._subscribed.wait()

    async def room(self) -> None:
        """Wait until every client has room, and there is one."""
        await self._subscribed.wait()
        for subscriber in list(self._subscribers.values()):
            await subscriber.buffer.room()

    def publish(self, chunk: EncodedChunk) -> None:
        """Hand the events of one release to the clients that want them, in parts that end before clients' moments."""
        if self._watched and len(chunk):
            chunk = self._behind_moments(chunk)
        self._publish(chunk)
        if len(chunk):
            self._market = int(chunk.times[-1])

    def _behind_moments(self, chunk: EncodedChunk) -> EncodedChunk:
        """Hand out what comes before the last moment of a release, and return the rest."""
        if chunk.times[0] < self._market:  # the rows begin again
            self._market = int(chunk.times[0]) - 1
        while (found := self._next_moment()) is not None and found[0] <= chunk.times[-1]:
            moment, subscriber = found
            place = int(chunk.times.searchsorted(moment))
            self._publish(chunk.cut(0, place))
            chunk = chunk.cut(place, len(chunk))
            subscriber.reached(moment)
        return chunk

    def _next_moment(self) -> tuple[int, Subscriber] | None:
        moments = ((one.moment_behind(self._market), one) for one in self._watched.values())
        return min(
            ((moment, one) for moment, one in moments if moment is not None), key=lambda found: found[0], default=None
        )

    def _publish(self, chunk: EncodedChunk) -> None:
        for audience, subscribers in list(self._groups.items()):
            selection = audience.select(chunk, self.per_frame)
            if selection.events:
                for subscriber in list(subscribers):
                    subscriber.deliver(selection)

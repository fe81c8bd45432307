"""One connection of a client: handshake, key, subscriptions, and the events that it gets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from tickstock_cli.vendors.polygon.server import statuses
from tickstock_cli.vendors.polygon.server.audience import Selection
from tickstock_cli.vendors.polygon.server.commands import Command, known_items, parse_command
from tickstock_cli.vendors.polygon.server.hub import Hub
from tickstock_cli.vendors.polygon.server.send_buffer import SendBuffer
from tickstock_cli.vendors.polygon.server.statuses import Status

LAST_WORDS_SECONDS = 2.0
"""Longest time that a client that does not read has for its last status message."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How the vendor treats clients.

    Parameters
    ----------
    key
        The key that clients must send; None accepts any.
    client_buffer
        Most bytes that wait for one client.
    acks_together
        Whether the acknowledgements of a command share a frame; else each has its own.
    """

    key: str | None = None
    client_buffer: int = 4 << 20
    acks_together: bool = True


class Session:
    """One connection, from the upgrade to its end. All methods are of one event loop.

    Parameters
    ----------
    number
        Number of the connection, from 1.

    Attributes
    ----------
    items
        The subscriptions now.
    """

    def __init__(self, number: int, connection: ServerConnection, hub: Hub, options: SessionOptions) -> None:
        self.number = number
        self.items: frozenset[str] = frozenset()
        self.buffer = SendBuffer(connection, options.client_buffer, waited_for=hub.waits_for_clients)
        self._connection = connection
        self._hub = hub
        self._options = options
        self._authenticated = False
        self._ending = False

    async def serve(self) -> None:
        """Serve the client until the connection ends."""
        sending = asyncio.create_task(self.buffer.send())
        try:
            self._tell(statuses.CONNECTED)
            async for frame in self._connection:
                if not self._ending:
                    self._obey(parse_command(frame))
        except ConnectionClosed:
            pass
        finally:
            self._hub.left(self)
            sending.cancel()
            await asyncio.wait({sending})
            self._hub.counts.frames += self.buffer.frames_sent
            self._hub.counts.events += self.buffer.events_sent

    def deliver(self, selection: Selection) -> None:
        """Queue the events of a release; a client whose buffer is full is cut off."""
        for frame in selection.frames:
            if not self.buffer.put(frame):
                self._cut_off()
                return

    def _obey(self, command: Command | None) -> None:
        match command:
            case Command(action="auth"):
                self._authenticate(command.params)
            case Command(action="subscribe" | "unsubscribe") if not self._authenticated:
                self._tell(statuses.AUTH_REQUIRED)
            case Command(action="subscribe"):
                self._subscribe(known_items(command.items))
            case Command(action="unsubscribe"):
                self._unsubscribe(command.items)
            case _:
                self._hub.counts.ignored_commands += 1

    def _authenticate(self, key: str) -> None:
        if self._options.key not in (None, key):
            self._tell(statuses.WRONG_KEY)
            self._end()
            return
        self._authenticated = True
        self._tell(statuses.AUTHENTICATED)

    def _subscribe(self, items: Iterable[str]) -> None:
        new = [item for item in items if item not in self.items]
        self._acknowledge("subscribed", new)
        self.items |= frozenset(new)
        self._hub.resubscribed(self)

    def _unsubscribe(self, items: Iterable[str]) -> None:
        left = [item for item in items if item in self.items]
        self._acknowledge("unsubscribed", left)
        self.items -= frozenset(left)
        self._hub.resubscribed(self)

    def _acknowledge(self, verb: str, items: list[str]) -> None:
        acks = statuses.acknowledgements(verb, items)
        if self._options.acks_together and acks:
            self._tell(*acks)
            return
        for ack in acks:
            self._tell(ack)

    def _tell(self, *told: Status) -> None:
        """Queue a frame of status messages."""
        if not self._ending and not self.buffer.put((statuses.status_frame(*told), 0)):
            self._cut_off()

    def _cut_off(self) -> None:
        """End the connection as the vendor ends that of a slow consumer: a status message, then an abort."""
        self._hub.counts.too_slow += 1
        self._stop_delivery()
        self.buffer.cut_off((statuses.status_frame(statuses.SLOW_CONSUMER), 0), self._abort)
        asyncio.get_running_loop().call_later(LAST_WORDS_SECONDS, self._abort)

    def _end(self) -> None:
        """Abort the connection, without a closing frame, once everything before has been written."""
        self._stop_delivery()
        self.buffer.then(self._abort)

    def _stop_delivery(self) -> None:
        self._ending = True
        self.items = frozenset()
        self._hub.left(self)

    def _abort(self) -> None:
        self._connection.transport.abort()

"""One connection of a client: handshake, key, subscriptions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec
from websockets.exceptions import ConnectionClosed

from tickstock_cli.vendors.polygon.server import faults as kinds
from tickstock_cli.vendors.polygon.server import statuses
from tickstock_cli.vendors.polygon.server.audience import WantedEvents
from tickstock_cli.vendors.polygon.server.beginning import begin
from tickstock_cli.vendors.polygon.server.commands import Command, everything_of, known_items, parse_command
from tickstock_cli.vendors.polygon.server.connection import VendorConnection
from tickstock_cli.vendors.polygon.server.hub import VendorHub
from tickstock_cli.vendors.polygon.server.injection import ArmedFault
from tickstock_cli.vendors.polygon.server.outgoing import Outgoing
from tickstock_cli.vendors.polygon.server.send_buffer import SendBuffer

POLICY_VIOLATION = 1008


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
    carries
        Returns whether there can be events of an item; others are not authorized. None: every item is acknowledged.
    """

    key: str | None = None
    client_buffer: int = 4 << 20
    acks_together: bool = True
    carries: Callable[[str], bool] | None = None


class Session:
    """One connection, from the upgrade to its end. All methods are of one event loop.

    Attributes
    ----------
    number
        Number of the connection, from 1.
    items
        The subscriptions now.
    """

    def __init__(self, connection: VendorConnection, hub: VendorHub, options: SessionOptions) -> None:
        self.number = connection.number
        self.items: frozenset[str] = frozenset()
        self.buffer = SendBuffer(connection, options.client_buffer, waited_for=hub.waits_for_clients)
        self.outgoing = Outgoing(connection, self.buffer, hub.per_frame, self._left, self._too_slow, self._begin)
        self._connection = connection
        self._hub = hub
        self._options = options
        self._faults = connection.faults
        self._authenticated = False
        self._was_subscribed = False
        self._timers: list[asyncio.TimerHandle] = []
        self._moments: list[ArmedFault] = []

    async def serve(self) -> None:
        """Serve the client until the connection ends."""
        sending = asyncio.create_task(self.buffer.send())
        try:
            self.outgoing.tell(statuses.CONNECTED)
            self.outgoing.watch_rows(self._faults.by_rows())
            self._moments = self._faults.by_market_time()
            for armed in self._faults.timed():
                self._later(armed.after_seconds or 0.0, self._begin, armed)
            async for frame in self._connection:
                if not self.outgoing.ended:
                    self._obey(parse_command(frame))
        except ConnectionClosed:
            pass
        finally:
            self._hub.left(self)
            if self.outgoing.remembered:
                self._hub.sent_before = self.outgoing.remembered
            for timer in self._timers:
                timer.cancel()
            sending.cancel()
            await asyncio.wait({sending})
            self._hub.counts.frames += self.buffer.frames_sent
            self._hub.counts.events += self.buffer.events_sent

    def deliver(self, selection: WantedEvents) -> None:
        self.outgoing.deliver(selection)

    def moment_behind(self, time: int) -> int | None:
        return next((armed.at for armed in self._moments if armed.at is not None and armed.at > time), None)

    def reached(self, moment: int) -> None:
        armed = next(armed for armed in self._moments if armed.at == moment)
        self._moments.remove(armed)
        self._begin(armed)

    def cut_off(self) -> None:
        self.outgoing.cut_off()

    def too_many(self, *, close: bool) -> None:
        """End the connection because the account has too many."""
        self.outgoing.tell(statuses.MAX_CONNECTIONS)
        if close:
            self.outgoing.close(POLICY_VIOLATION, "")
        else:
            self.outgoing.end()

    def _obey(self, command: Command | None) -> None:
        match command:
            case Command(action="auth"):
                self._authenticate(command.params)
            case Command(action="subscribe" | "unsubscribe") if not self._authenticated:
                self.outgoing.tell(statuses.AUTH_REQUIRED)
            case Command(action="subscribe"):
                self._subscribe(known_items(command.items))
            case Command(action="unsubscribe"):
                self._unsubscribe(command.items)
            case _:
                self._hub.counts.ignored_commands += 1

    def _authenticate(self, key: str) -> None:
        if self._faults.take(kinds.AbortBeforeAuthReply) is not None:
            self.outgoing.abort()
        elif self._faults.take(kinds.NoAuthReply) is not None:
            return
        elif (late := self._faults.take(kinds.AuthTimeout)) is not None:
            self.outgoing.tell(statuses.AUTH_TIMEOUT)
            self._later(late.seconds, self.outgoing.abort)
        elif (bad := self._faults.take(kinds.BadKey)) is not None:
            self.outgoing.end(statuses.NOT_IN_PLAN if bad.because == "plan" else statuses.WRONG_KEY)
        elif self._options.key not in (None, key):
            self.outgoing.end(statuses.WRONG_KEY)
        else:
            self._accept()

    def _accept(self) -> None:
        self._authenticated = True
        self._hub.accepted[self.number] = self
        if self._moments:
            self._hub.watch(self)
        self.outgoing.tell(statuses.AUTHENTICATED)
        for armed, fault in self._faults.lasting(kinds.MaxConnections):
            self._later(fault.seconds, self._count_connections, armed, fault)

    def _count_connections(self, armed: ArmedFault, fault: kinds.MaxConnections) -> None:
        """End the oldest connection or this one, if there are too many."""
        accepted = self._hub.accepted
        too_many = fault.limit is None or len(accepted) > fault.limit
        if self.number in accepted and too_many and self._faults.strikes(armed):
            ending = accepted[min(accepted)] if fault.whom == "old" else self
            ending.too_many(close=fault.end == "close")

    def _subscribe(self, items: Iterable[str]) -> None:
        if any(self._faults.strikes(armed) for armed, _ in self._faults.lasting(kinds.NoRealTime)):
            self.outgoing.tell(statuses.NO_REAL_TIME)
            return
        new = []
        for item in items:
            if item in self.items:
                continue
            if self._is_refused(item):
                self.outgoing.tell(statuses.NOT_AUTHORIZED)
            else:
                new.append(item)
        self._acknowledge("subscribed", new)
        self.items |= frozenset(new)
        self._hub.resubscribed(self)
        if new and not self._was_subscribed:
            self._was_subscribed = True
            for armed in self._faults.with_first_subscription():
                self._begin(armed)

    def _is_refused(self, item: str) -> bool:
        if self._options.carries is not None and not self._options.carries(item):
            return True
        return any(
            any(fnmatchcase(item, pattern) for pattern in fault.items) and self._faults.strikes(armed)
            for armed, fault in self._faults.lasting(kinds.NotAuthorized)
        )

    def _unsubscribe(self, items: Iterable[str]) -> None:
        left = [item for item in items if item in self.items]
        self._acknowledge("unsubscribed", left)
        self.items -= frozenset(left)
        self._hub.resubscribed(self)

    def _acknowledge(self, verb: str, items: list[str]) -> None:
        acks = statuses.acknowledgements(verb, items)
        if self._options.acks_together and acks:
            self.outgoing.tell(*acks)
            return
        for ack in acks:
            self.outgoing.tell(ack)

    def _begin(self, armed: ArmedFault) -> None:
        if self.outgoing.ended or not self._faults.happens(armed):
            return
        if isinstance(armed.fault, kinds.Duplicates):
            self.outgoing.repeat(self._wanted_of(self._hub.sent_before)[-armed.fault.rows :])
        else:
            begin(armed.fault, self.outgoing)

    def _wanted_of(self, events: Iterable[bytes]) -> list[bytes]:
        """Return the events that the client is subscribed to."""
        items = [
            (event, f"{fields['ev']}.{fields['sym']}") for event in events if (fields := msgspec.json.decode(event))
        ]
        return [event for event, item in items if item in self.items or everything_of(item) in self.items]

    def _later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, call, *arguments))

    def _left(self) -> None:
        self._hub.left(self)

    def _too_slow(self) -> None:
        self._hub.counts.too_slow += 1

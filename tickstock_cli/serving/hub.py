"""The state that all clients of one server share: the served run, its encoded events, the connected clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

from tickstock_cli import __version__
from tickstock_cli.core.declarations import DetectorDocument
from tickstock_cli.core.events import unit_of
from tickstock_cli.serving.boards import MessageBoard
from tickstock_cli.serving.encoded import EncodedLog
from tickstock_cli.serving.notifier import Notifier
from tickstock_cli.serving.ports import Health, MarketState
from tickstock_cli.serving.protocol import ColumnModel, Epoch, Features, Hello, KindModel
from tickstock_cli.serving.served import ServedRun

HTTP_CONNECTIONS = 256
"""Most connections beyond those of WebSocket clients."""
CLOSE_SECONDS = 2.0
"""Longest time for a closing connection to empty its buffer; after it, the connection is aborted."""
PULSE_SECONDS = 0.5
"""How long the run's health and market state are cached, for all clients."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of the server: clients, seconds without a send, seconds between heartbeats."""

    heartbeat_seconds: float = 5.0
    send_seconds: float = 20.0
    """A client that takes no byte for this long is disconnected; it can reconnect and resume."""
    max_clients: int = 1_000
    """Most clients of the WebSocket."""
    request_seconds: float = 10.0
    """Longest time in which a client must send the head of an HTTP request, and again its body."""

    @property
    def max_connections(self) -> int:
        """Most connections of all kinds."""
        return self.max_clients + HTTP_CONNECTIONS


@dataclass(slots=True)
class ConnectionCounts:
    """Most connections at a time, and how many were refused beyond it, sent no request in time, or took no data."""

    limit: int
    refused: int = 0
    timed_out: int = 0
    stalled: int = 0


class Client(Protocol):
    """A connected client."""

    @property
    def caught_up(self) -> bool:
        """Whether it was sent all events of its subscription so far."""


class Hub:
    """Shared by the sessions of one server, within one event loop, until ``close``."""

    def __init__(self, served: ServedRun, limits: Limits, may_control: bool, connections: ConnectionCounts) -> None:
        self.served = served
        self.connections = connections
        self.limits = limits
        self.may_control = may_control
        self.notifier = Notifier(asyncio.get_running_loop())
        self.alerts = MessageBoard(self.notifier.notify)
        self.notices = MessageBoard(self.notifier.notify)
        """Notices of a live feed; `protocol.NOTICES` has their forms."""
        self.encoded = EncodedLog(served.log)
        self.clients: set[Client] = set()
        self.sent_events = 0
        self.cut_off = 0
        self._unlisten = served.log.listen(self.notifier.notify)
        self._pulse: tuple[MarketState, Health] = (MarketState(), Health(ok=True))
        self._pulse_until = -1.0

    def begin_epoch(self, served: ServedRun) -> None:
        """Serve another epoch of the run; connected clients are closed, so that they reconnect to it."""
        self._unlisten()
        self.served = served
        self.encoded = EncodedLog(served.log)
        self._unlisten = served.log.listen(self.notifier.notify)
        self._pulse_until = -1.0
        self.notifier.notify()

    def close(self) -> None:
        """Stop listening to the log."""
        self._unlisten()

    @property
    def full(self) -> bool:
        """Whether the limit of clients is reached."""
        return len(self.clients) >= self.limits.max_clients

    @property
    def caught_up(self) -> bool:
        """Whether every client was sent all events of its subscription so far."""
        return all(client.caught_up for client in self.clients)

    def pulse(self) -> tuple[MarketState, Health]:
        """Return market state and health, at most ``PULSE_SECONDS`` old. Safe in any thread."""
        now = monotonic()
        if now >= self._pulse_until:
            self._pulse = (self.served.status.market(), self.served.status.health())
            self._pulse_until = now + PULSE_SECONDS
        return self._pulse

    def hello(self) -> Hello:
        """Return the first message of a connection."""
        log = self.served.log
        return Hello(
            server=f"tickstock {__version__}",
            run=self.served.id,
            epoch=Epoch(run=self.served.run, number=self.served.epoch, first_sequence=self.served.begins),
            about=dict(self.served.about),
            columns=[
                ColumnModel(
                    name=column.name,
                    type="string" if column.name == "event_id" else str(column.type),
                    nullable=column.nullable,
                )
                for column in log.schema
            ],
            first_sequence=log.first_sequence,
            last_sequence=log.next_sequence - 1,
            finished=self.served.over,
            kinds=self.served.kind_names,
            units={column.name: unit for column in log.schema if (unit := unit_of(column))},
            declared_kinds=[KindModel.of(kind) for kind in self.served.kinds],
            detectors=[DetectorDocument.of(one) for one in log.declared],
            universes=list(self.served.universes),
            heartbeat_seconds=self.limits.heartbeat_seconds,
            features=Features(
                control=self.may_control and self.served.control is not None,
                prices=self.served.prices is not None,
                notices=True,
            ),
        )

    def status(self) -> dict[str, Any]:
        """Return the server's own part of ``/status``."""
        log = self.served.log
        return {
            "clients": len(self.clients),
            "max_clients": self.limits.max_clients,
            "sent_events": self.sent_events,
            "cut_off": self.cut_off + self.connections.stalled,
            "max_connections": self.connections.limit,
            "refused_connections": self.connections.refused,
            "timed_out_requests": self.connections.timed_out,
            "first_sequence": log.first_sequence,
            "last_sequence": log.next_sequence - 1,
            "finished": self.served.over,
        }

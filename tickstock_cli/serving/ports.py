"""Protocols of the run that a server needs. The server imports neither the runtime nor the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from tickstock_cli.core.declarations import DetectorDeclaration


class EventSlice(Protocol):
    """Consecutive events of the log."""

    @property
    def first(self) -> int:
        """Sequence number of the first row."""

    @property
    def events(self) -> pa.RecordBatch:
        """The rows; may be empty."""


class EventLogPort(Protocol):
    """Events with sequence numbers 1, 2, 3 … for any number of readers; see ``docs/event-log.md``."""

    @property
    def first_sequence(self) -> int:
        """Number of the oldest event still kept."""

    @property
    def next_sequence(self) -> int:
        """Number that the next event will get."""

    @property
    def schema(self) -> pa.Schema:
        """Columns of the events: those of ``core.events.EVENT_SCHEMA``, perhaps more."""

    @property
    def declared(self) -> tuple[DetectorDeclaration, ...]:
        """Declarations of the detectors of the run; none if they are unknown."""

    @property
    def finished(self) -> bool:
        """Whether no more events will follow."""

    def read(self, sequence: int, limit: int) -> EventSlice:
        """Return at most ``limit`` events from ``sequence`` on, up to damage; none if there are none yet.

        Safe in any thread; may read from disk.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        DamagedError
            The file that holds ``sequence`` cannot be read.
        """

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback`` after each append and when damage is found, in any thread; return what stops this."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a run is healthy, and if not, every reason in a few words."""

    ok: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarketState:
    """Recorded time of the market (ns UTC) and its phase; None before the first row."""

    time: int | None = None
    phase: str | None = None


class StatusPort(Protocol):
    """Status of a run. The server's thread calls it a few times a second at most; it must not block."""

    def status(self) -> Mapping[str, Any]:
        """Return the dashboard document of ``docs/websocket.md``, as values that JSON can hold."""

    def health(self) -> Health:
        """Return whether the run is healthy."""

    def market(self) -> MarketState:
        """Return the recorded time and the phase of the market."""

    def debug(self) -> Mapping[str, Any]:
        """Return the health summary of ``docs/monitoring.md``, as values that JSON can hold."""

    def debug_channel(self, channel: str) -> Mapping[str, Any] | None:
        """Return the debug document of a channel instance; None if there is none of that name."""


class ControlPort(Protocol):
    """Control of a run. The server calls it in a thread of its own, so it may block.

    Every method may raise a ``TickstockError``; the server returns its message to the client.
    """

    def pause(self) -> None:
        """Pause the replay."""

    def resume(self) -> None:
        """Resume the replay."""

    def step(self) -> None:
        """Pause, and replay one row."""

    def set_speed(self, speed: float) -> None:
        """Replay at ``speed`` times recorded time, above 0."""

    def seek(self, time: int) -> None:
        """Move to a recorded time (ns UTC), forward or back, with the state of that time."""

    def kill(self, channel: str) -> None:
        """Kill a channel instance by name; the system restarts it."""

    def set_rollout(self, percent: float) -> None:
        """Let ``percent`` of the tickers, 0 to 100, take the multi-channel path."""

    def status(self) -> Mapping[str, Any]:
        """Return at least ``paused`` (bool), ``speed`` (None = flat out), ``time`` (ns UTC or None) and ``actions``.

        ``actions`` are the names of the actions that the run takes now; the others raise a ``TickstockError``.
        """


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Prices of one ticker in time order."""

    times: Sequence[int]
    """ns UTC."""
    prices: Sequence[float]


class PricePort(Protocol):
    """Recent prices for the page's chart. The server calls it in a thread of its own, so it may block."""

    def prices(self, ticker: str) -> PriceLine:
        """Return the kept prices of a ticker; empty if there are none."""

"""What the server needs of a run. It knows these protocols, and neither the runtime nor the engine behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa


class EventSlice(Protocol):
    """Events that follow one another in the log."""

    @property
    def first(self) -> int:
        """Sequence number of the first row."""

    @property
    def events(self) -> pa.RecordBatch:
        """Return the rows; may be empty."""


class EventLogPort(Protocol):
    """Events with sequence numbers 1, 2, 3 …, which any number of readers pull; see ``docs/event-log.md``."""

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
    def finished(self) -> bool:
        """Whether no more events will follow."""

    def read(self, sequence: int, limit: int) -> EventSlice:
        """Return at most ``limit`` events from ``sequence`` on; none if there are none yet.

        Safe in any thread; may read from disk.

        Raises
        ------
        ExpiredError
            The log no longer keeps ``sequence``.
        """

    def listen(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have ``callback`` called after each append, in the appender's thread, and return what ends it."""


@dataclass(frozen=True, slots=True)
class Health:
    """Whether a run is well, and if not, every reason in a few words."""

    ok: bool
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MarketState:
    """Where the market stands: recorded time (ns UTC) and its phase; None before the first row."""

    time: int | None = None
    phase: str | None = None


class StatusPort(Protocol):
    """How a run does. Called from the server's thread a few times a second at most; must not block."""

    def status(self) -> Mapping[str, Any]:
        """Return the dashboard document, as JSON can hold it; see ``docs/websocket.md``."""

    def health(self) -> Health:
        """Return whether the run is well."""

    def market(self) -> MarketState:
        """Tell where the market stands."""


class ControlPort(Protocol):
    """Steers a replay. Called in a thread of its own, so it may block.

    Every method may raise a ``TickstockError``, whose message is passed on to who asked.
    """

    def pause(self) -> None:
        """Let the market stand still."""

    def resume(self) -> None:
        """Let it go on."""

    def step(self) -> None:
        """Pause if running; let one more row through."""

    def set_speed(self, speed: float) -> None:
        """Go at ``speed`` times recorded time, above 0."""

    def seek(self, time: int) -> None:
        """Go to a recorded time (ns UTC), forward or back, with the state that the market had then."""

    def kill(self, channel: str) -> None:
        """Let an instance of a channel die, by its name; it is started again by itself."""

    def status(self) -> Mapping[str, Any]:
        """Return ``paused`` (bool), ``speed`` (None = flat out), ``time`` (ns UTC or None), and what else is known."""


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Prices of one ticker in time order."""

    times: Sequence[int]
    """ns UTC."""
    prices: Sequence[float]


class PricePort(Protocol):
    """Recent prices, for the page's chart. Called in a thread of its own, so it may block."""

    def prices(self, ticker: str) -> PriceLine:
        """Return the line of a ticker, as long as the port cares to; empty if nothing is known."""

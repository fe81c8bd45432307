"""What a strategy written in Python is told, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

BUY, SELL = 1, -1


@dataclass(frozen=True, slots=True)
class MarketOrder:
    """An order to buy or sell at the market.

    An order without a position opens one: buying a long one, selling a short one. An order in the position's direction
    adds to it, one against it gives back a part or all of it, never more. A ticker has one working order at a time; an
    order to leave ends a working entry. What cannot be taken is a signal that is ignored, with its reason.

    Parameters
    ----------
    ticker
        A ticker of the recording.
    side
        ``BUY`` (1) or ``SELL`` (-1).
    shares
        Whole shares, above 0.
    reason
        A word for records of trades, of an order to leave.
    """

    ticker: str
    side: int
    shares: int
    reason: str = "strategy"


@dataclass(frozen=True, slots=True)
class ToldEvent:
    """An event, with the columns of docs/semantics.md, section 7; None is what it lacks. Times are int64 ns UTC."""

    event_id: int
    ticker: str
    kind: str
    source: str
    direction: int
    phase: str
    timestamp: int
    available_at: int
    emitted_at: int
    price: float
    confidence: float
    percent_change: float | None
    previous: float | None
    volume: float | None
    rel_volume: float | None
    score: float | None
    strength: int | None


@dataclass(frozen=True, slots=True)
class ToldPrint:
    """A tick or a bar that has become available. Times are int64 ns UTC, prices dollars.

    A tick has one price in all of ``open``, ``high``, ``low`` and ``close``, and ``opening`` is its time.
    """

    ticker: str
    time: int
    opening: int
    open: float
    high: float
    low: float
    close: float
    shares: float


class Portfolio(Protocol):
    """The books of a strategy at the time of a call."""

    @property
    def time(self) -> int:
        """Return the time of the call (int64 ns UTC)."""

    @property
    def cash(self) -> float:
        """Return cash in dollars."""

    @property
    def equity(self) -> float:
        """Return cash and the value of all positions, in dollars."""

    def shares(self, ticker: str) -> int:
        """Return the shares held of a ticker: below 0 if the position is short, 0 without one."""

    def is_working(self, ticker: str) -> bool:
        """Return whether an order of a ticker works."""

    def price(self, ticker: str) -> float | None:
        """Return the price of a ticker's last print, in dollars; None if it had none."""

    def positions(self) -> Mapping[str, int]:
        """Return the shares held by ticker, sorted by ticker."""


class TradingStrategy(Protocol):
    """A strategy in Python. Derive a class from it and write the methods that it needs.

    Every method returns the orders that it decides on. Orders have the same fills, fees and books as those of rules,
    and positions end with the session and with the data in the same way. A strategy decides by nothing but what it is
    told: no clock, no random numbers, no files, or a backtest is not the same twice.
    """

    settings: ClassVar[Mapping[str, Any]] = {}
    """Sections of a strategy's file without ``[[enter]]``: ``{"exit": {"session_end": "10m"}}``. Exits of them hold,
    too; ``exit.after`` is off unless it is set."""

    def on_event(self, event: ToldEvent, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
        """Return orders after an event, decided ``strategy.latency_ms`` after it was emitted: the time of the call."""
        return ()

    def on_print(self, told: ToldPrint, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
        """Return orders after a print. They are decided ``strategy.latency_ms`` later. A class without it is faster."""
        return ()

    def on_time(self, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
        """Return orders at a whole minute of a recorded day, after all prints and signals of that time."""
        return ()

    def state(self) -> Mapping[str, NDArray[np.generic]]:
        """Return all state as arrays, by name, for checkpoints."""
        return {}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Replace all state by what ``state`` returned."""
        del state

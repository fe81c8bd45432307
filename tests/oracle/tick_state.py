"""Section 3: what is known of a ticker in its present segment."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.oracle.records import SECOND, Event
from tests.oracle.sessions import Segment

NOT_LAST_PRICE = 1
NO_VOLUME = 2
NO_EXTREME = 4


@dataclass(frozen=True)
class Tick:
    """An accepted tick; ``micros`` is its size in 1e-6 shares, whatever its flags."""

    ticker: str
    time: int
    available_at: int
    phase: str
    price: float
    micros: int

    def event(self, kind: str, direction: int, measure: float) -> Event:
        """Return an event of this tick."""
        return Event(
            kind, "tick", self.ticker, self.time, self.available_at, self.phase, direction, self.price, measure
        )


@dataclass(frozen=True)
class Seen:
    """A row of the segment as surge and trend see it: ``price`` is None if they must not see it."""

    time: int
    micros: int
    price: float | None

    @property
    def second(self) -> int:
        """The one-second bucket."""
        return self.time // SECOND


@dataclass
class Side:
    """The highs (sign +1) or the lows (sign -1) since high/low began."""

    sign: int
    extreme: float
    reference: float
    told_at: int | None = None
    told_price: float | None = None


@dataclass
class Level:
    """What the guard knows: L and its rows, S and its run."""

    price: float | None = None
    rows: int = 0
    stray: float | None = None
    run: int = 0


@dataclass
class TickState:
    """All that is known of a ticker in its present segment, which began with the row of time ``first``."""

    segment: Segment
    first: int
    level: Level = field(default_factory=Level)
    sides: tuple[Side, Side] | None = None
    seen: list[Seen] = field(default_factory=list)
    surged_at: int | None = None
    trend_direction: int = 0
    trend_strength: int = 0
    trended_at: int | None = None

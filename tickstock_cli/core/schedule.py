"""Pacing: the wall time of a market time, as a pure function of an anchor and a speed.

Every row's due time is computed from the one anchor, never from summed sleeps, so that hours of replay do not drift. A
change of speed or a pause moves the anchor to the present market time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Schedule:
    """The market runs at ``speed`` times recorded time, and was at ``market`` when the clock said ``wall``.

    All times are int ns: ``wall`` of a monotonic clock, ``market`` since the Unix epoch. ``speed`` is above 0 and
    finite. The arithmetic is exact, in integers of any size: a float would round the due times of slow replays so
    that a row was not due yet when its own due time had come.

    ``former`` is the schedule before a change of speed; rows up to ``market`` were due by it.
    """

    wall: int
    market: int
    speed: float
    former: Schedule | None = None

    def due(self, market: int) -> int:
        """Return the first wall time at which ``market`` is reached."""
        numerator, denominator = self.speed.as_integer_ratio()
        return self.wall - (self.market - market) * denominator // numerator

    def due_times(self, markets: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the wall times at which rows are or were due, to about a microsecond, to compute their lateness."""
        due = self.wall + (markets - self.market) / self.speed
        if self.former is None:
            return due
        return np.where(markets <= self.market, self.former.due_times(markets), due)

    def market_at(self, wall: int) -> int:
        """Return the market time at ``wall``."""
        numerator, denominator = self.speed.as_integer_ratio()
        return self.market + (wall - self.wall) * numerator // denominator

    def at_speed(self, speed: float, wall: int) -> Schedule:
        """Return the schedule that goes on from ``wall`` at another speed."""
        return Schedule(wall, self.market_at(wall), speed, self)

    def settled(self) -> Schedule:
        """Return the schedule without ``former``, once no row that was due by it is left."""
        return self if self.former is None else replace(self, former=None)

    def resumed(self, paused_at: int, wall: int) -> Schedule:
        """Return the schedule that goes on at ``wall`` from where it was paused."""
        return Schedule(wall, self.market_at(paused_at), self.speed, self.delayed(wall - paused_at))

    def delayed(self, pause: int) -> Schedule:
        """Return the schedule with all due times later by a pause."""
        former = self.former if self.former is None else self.former.delayed(pause)
        return replace(self, wall=self.wall + pause, former=former)

    def reached(self, market: int, wall: int) -> Schedule:
        """Return the schedule that goes on at ``wall`` from ``market``, unless it is later already."""
        return Schedule(wall, market, self.speed) if self.market_at(wall) < market else self

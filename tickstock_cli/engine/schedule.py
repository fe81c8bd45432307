"""Pacing: which wall time a market time belongs to. A pure function of an anchor and a speed.

There are no summed sleeps: every row's due time comes from the one anchor, so hours of replay drift by nothing. A
change of speed or a pause moves the anchor to where the market stands.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Schedule:
    """The market runs at ``speed`` times recorded time, and was at ``market`` when the clock said ``wall``.

    All times are int ns: ``wall`` of a monotonic clock, ``market`` since the Unix epoch. ``speed`` is above 0.
    """

    wall: int
    market: int
    speed: float

    def due(self, market: int) -> int:
        """Give the wall time at which ``market`` is due, rounded up, so that nothing is early."""
        return self.wall - int(-(market - self.market) // self.speed)

    def market_at(self, wall: int) -> int:
        """Give the market time that has come at ``wall``."""
        return self.market + int((wall - self.wall) * self.speed)

    def at_speed(self, speed: float, wall: int) -> Schedule:
        """Give the schedule that goes on from ``wall`` at another speed."""
        return Schedule(wall, self.market_at(wall), speed)

    def resumed(self, paused_at: int, wall: int) -> Schedule:
        """Give the schedule that goes on at ``wall`` from where it was paused."""
        return Schedule(wall, self.market_at(paused_at), self.speed)

"""Waits before a connection is made again: pure functions of what happened, with jitter from a seeded generator."""

from __future__ import annotations

from random import Random

FIRST_SECONDS = 0.5
LONGEST_SECONDS = 30.0
SETTLED_SECONDS = 60.0
"""A connection that has streamed this long is a good one: the waits begin anew. A sign-on that is followed by a drop
is none, or the vendor's limit of connections would be asked for without a pause."""


class Backoff:
    """The waits of one connection: up to 0.5 s, then up to twice as long each time, 30 s at most.

    Parameters
    ----------
    random
        Draws the jitter: each wait is drawn from 0 up to its limit, so that clients do not return at once together.
    """

    def __init__(self, random: Random) -> None:
        self._random = random
        self._limit = FIRST_SECONDS

    def streamed(self, seconds: float) -> bool:
        """Record how long the last connection streamed; return whether the waits begin anew."""
        if seconds < SETTLED_SECONDS:
            return False
        self._limit = FIRST_SECONDS
        return True

    def next(self) -> float:
        """Return the next wait, in seconds."""
        limit = self._limit
        self._limit = min(LONGEST_SECONDS, 2 * limit)
        return self._random.uniform(0, limit)

"""Rows by wall second: whether a rate was held, or only reached on average."""

from __future__ import annotations

import time
from itertools import pairwise

from tickstock_cli.engine.observer import Observer


class PerSecond(Observer):
    """Counts rows by wall second, from the first row on; an observer of the run."""

    def __init__(self) -> None:
        self._begun: float | None = None
        self._done: dict[int, int] = {}
        self.seconds = 0.0
        """From the first row to the last."""

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        now = time.perf_counter()
        if self._begun is None:
            self._begun = now
        self.seconds = now - self._begun
        self._done[int(self.seconds)] = rows

    def slowest(self) -> int:
        """Return the rows of the slowest whole second."""
        totals = [self._done[second] for second in sorted(self._done)]
        whole = [after - before for before, after in pairwise(totals[:-1])]
        return min(whole, default=0)

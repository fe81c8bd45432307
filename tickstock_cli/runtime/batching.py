"""Batching: when a channel takes rows from its queue, and how many. The functions are pure; the caller waits.

immediate
    All queued rows, at once.
size, hybrid
    A full batch as soon as there is one; all queued rows once the oldest has waited the maximum time. (The two
    decide alike: with a size and no time limit, a row could wait for ever.)
time
    All queued rows once the oldest has waited the maximum time.
adaptive
    Batches just large enough to keep the channel half idle at the present rate of arrivals, and never so large that
    the wait for the last row and the processing together would break the timeout.

The cost of a batch of n rows is taken to be ``batch_ns + n · row_ns``. With rows arriving every ``gap`` ns, adaptive's
n is the smallest with ``batch_ns + n · row_ns <= BUSY · n · gap``, but at most the largest with
``n · gap + batch_ns + n · row_ns <= timeout_ns``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, exp, inf

BUSY = 0.5
"""The share of its time that an adaptive channel processes rows."""

MEMORY_NS = 1_000_000_000
"""Time constant of the arrival rate: a row that arrived this long ago counts 1/e."""

FORGETTING = 0.95
"""Weight of a batch's cost relative to that of the next batch."""


class Strategy(StrEnum):
    """Names of the strategies, as settings have them."""

    IMMEDIATE = "immediate"
    SIZE = "size"
    TIME = "time"
    HYBRID = "hybrid"
    ADAPTIVE = "adaptive"


@dataclass(frozen=True, slots=True)
class BatchDecision:
    """A decision.

    Parameters
    ----------
    rows
        Rows to take now, oldest first; 0: wait.
    wait_until_ns
        With 0 rows: decide again at this time of the clock, or when more rows arrive. None: only when rows arrive.
    """

    rows: int
    wait_until_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """The load of a channel: arrivals, and the cost of a batch of n rows, ``batch_ns + n · row_ns``."""

    rows_per_second: float = 0.0
    batch_ns: float = 0.0
    row_ns: float = 0.0

    def cost_ns(self, rows: int) -> float:
        """Return the expected processing time of a batch, in ns."""
        return self.batch_ns + rows * self.row_ns


IDLE = Load()


class LoadMeter:
    """Estimates a channel's load from its latest arrivals and batches. For one thread."""

    def __init__(self) -> None:
        self._begun: int | None = None
        self._arrived = 0.0  # rows, decayed to _seen
        self._seen = 0
        self._weight = self._rows = self._cost = self._rows_rows = self._rows_cost = 0.0  # sums for the regression

    def arrived(self, rows: int, at_ns: int) -> None:
        """Record that ``rows`` rows arrived at ``at_ns``, which never decreases."""
        if self._begun is None:
            self._begun = self._seen = at_ns
        self._arrived = self._decayed(at_ns) + rows
        self._seen = at_ns

    def processed(self, rows: int, processing_ns: int) -> None:
        """Record the processing time of a batch of ``rows`` rows."""
        self._weight = self._weight * FORGETTING + 1
        self._rows = self._rows * FORGETTING + rows
        self._cost = self._cost * FORGETTING + processing_ns
        self._rows_rows = self._rows_rows * FORGETTING + rows * rows
        self._rows_cost = self._rows_cost * FORGETTING + rows * processing_ns

    def load(self, now_ns: int) -> Load:
        """Return the estimate at ``now_ns``; zeros before the first rows."""
        return Load(self._rate(now_ns), *self._costs())

    def _decayed(self, now_ns: int) -> float:
        return self._arrived * exp((self._seen - now_ns) / MEMORY_NS)

    def _rate(self, now_ns: int) -> float:
        if self._begun is None or now_ns <= self._begun:
            return 0.0
        # Weights since the beginning sum to less than 1 at first; without this the rate would start too low.
        seen = 1 - exp((self._begun - now_ns) / MEMORY_NS)
        return self._decayed(now_ns) / seen / (MEMORY_NS / 1e9)

    def _costs(self) -> tuple[float, float]:
        """Return the cost of a batch and of a row, fitted to the latest batches; 0 a row if all have one size."""
        if not self._weight:
            return 0.0, 0.0
        mean_rows, mean_cost = self._rows / self._weight, self._cost / self._weight
        spread = self._rows_rows / self._weight - mean_rows**2
        if spread <= 1e-9 * mean_rows**2:
            return mean_cost, 0.0
        slope = (self._rows_cost / self._weight - mean_rows * mean_cost) / spread
        slope = min(max(slope, 0.0), mean_cost / mean_rows)
        return mean_cost - slope * mean_rows, slope


@dataclass(frozen=True, slots=True)
class Batching:
    """A strategy with its limits.

    Parameters
    ----------
    max_rows
        Limit of a batch's rows, at least 1.
    max_wait_ns
        Limit of a row's wait for a full batch, above 0; ``immediate`` ignores it.
    timeout_ns
        The channel's processing timeout; ``adaptive`` keeps wait and processing below it.
    """

    strategy: Strategy
    max_rows: int
    max_wait_ns: int
    timeout_ns: int

    @property
    def granted_wait_ns(self) -> int:
        """The longest wait that does not count against the timeout."""
        waits = (Strategy.SIZE, Strategy.TIME, Strategy.HYBRID)
        return self.max_wait_ns if self.strategy in waits else 0

    def take(
        self, queued_rows: int, oldest_ns: int, now_ns: int, load: Load = IDLE, flush: bool = False
    ) -> BatchDecision:
        """Return how many rows to take now, or how long to wait.

        Parameters
        ----------
        queued_rows
            Rows in the queue; with 0, the other arguments are not used.
        oldest_ns, now_ns
            When the oldest of them arrived, and the time now; same clock.
        load
            Used by ``adaptive`` only.
        flush
            Take the queued rows at once, up to ``max_rows``.
        """
        if not queued_rows:
            return BatchDecision(0)
        available = min(queued_rows, self.max_rows)
        if flush or self.strategy is Strategy.IMMEDIATE:
            return BatchDecision(available)
        match self.strategy:
            case Strategy.TIME:
                wanted, patience = inf, self.max_wait_ns
            case Strategy.ADAPTIVE:
                wanted = self._adaptive_rows(load)
                patience = min(self.max_wait_ns, max(0, int(self.timeout_ns - load.cost_ns(wanted))))
                available = min(available, max(wanted, self._rows_in_time(load)))
            case _:
                wanted, patience = self.max_rows, self.max_wait_ns
        deadline = oldest_ns + patience
        return BatchDecision(available) if queued_rows >= wanted or now_ns >= deadline else BatchDecision(0, deadline)

    def _adaptive_rows(self, load: Load) -> int:
        if not load.rows_per_second:
            return 1
        gap = 1e9 / load.rows_per_second
        spare = BUSY * gap - load.row_ns
        enough = ceil(min(load.batch_ns / spare, self.max_rows)) if spare > 0 else self.max_rows
        most = int(max(0.0, self.timeout_ns - load.batch_ns) / (gap + load.row_ns))
        return max(1, min(enough, most, self.max_rows))

    def _rows_in_time(self, load: Load) -> int:
        """Return the most rows whose processing alone ends within the timeout: the batch size of a backlog."""
        left = max(0.0, self.timeout_ns - load.batch_ns)
        return max(1, int(min(left / load.row_ns, self.max_rows))) if load.row_ns else self.max_rows

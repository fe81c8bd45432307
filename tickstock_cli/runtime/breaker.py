"""A circuit breaker: refuses work that keeps failing, and tries again after a while.

    closed ── too many failures ──▶ open ── its time has passed ──▶ half open ── trials succeeded ──▶ closed
                                     ▲                                  │
                                     └──────────── one failed ──────────┘

Two limits open a closed breaker: failures in a row, and the share of failures among the latest outcomes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.metrics import BreakerMetrics, BreakerState, Transition

TRANSITIONS_KEPT = 32


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """When a breaker opens, for how long, and how many trials close it.

    Parameters
    ----------
    failures_in_row
        Number of consecutive failures that opens it; at least 1.
    failure_share
        A share of failures above this among the last ``window`` outcomes opens it, 0 to 1; checked once there are
        ``window`` outcomes since it closed.
    window
        Number of latest outcomes that the share is computed from; at least 1.
    open_ns
        How long it stays open; above 0.
    trials
        Trials that a half-open breaker allows; all must succeed to close it; at least 1.
    """

    failures_in_row: int
    failure_share: float
    window: int
    open_ns: int
    trials: int


class CircuitBreaker:
    """Counts outcomes and decides whether work may be tried. For one thread; a call costs about a microsecond.

    A caller that gets True from ``allows()`` calls ``succeeded()`` or ``failed()`` once with the outcome.
    An open breaker ignores outcomes of work that was allowed before it opened.
    """

    def __init__(self, limits: BreakerLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._state = BreakerState.CLOSED
        self._outcomes: deque[bool] = deque(maxlen=limits.window)  # True = failed
        self._failures = 0  # among them
        self._in_row = 0
        self._opened_at = 0
        self._opened = 0
        self._trials_left = 0
        self._trials_to_succeed = 0
        self._transitions: deque[Transition] = deque(maxlen=TRANSITIONS_KEPT)

    @property
    def state(self) -> BreakerState:
        """The state now: an open breaker becomes half open once ``open_ns`` have passed."""
        half_open_at = self._opened_at + self._limits.open_ns
        if self._state is BreakerState.OPEN and self._clock.now() >= half_open_at:
            self._trials_left = self._trials_to_succeed = self._limits.trials
            self._change(half_open_at, BreakerState.HALF_OPEN, "time to try again")
        return self._state

    @property
    def half_open_at(self) -> int | None:
        """The clock's time at which an open breaker becomes half open; None if it is not open."""
        return self._opened_at + self._limits.open_ns if self.state is BreakerState.OPEN else None

    def allows(self) -> bool:
        """Return whether work may be tried now; when half open, True uses up one of the trials."""
        state = self.state
        if state is not BreakerState.HALF_OPEN:
            return state is BreakerState.CLOSED
        if not self._trials_left:
            return False
        self._trials_left -= 1
        return True

    def succeeded(self) -> None:
        """Record the success of an allowed batch."""
        state = self.state
        if state is BreakerState.CLOSED:
            self._in_row = 0
            self._note(failed=False)
        elif state is BreakerState.HALF_OPEN:
            self._trials_to_succeed -= 1
            if not self._trials_to_succeed:
                self._outcomes.clear()
                self._failures = self._in_row = 0
                trials = self._limits.trials
                self._change(self._clock.now(), BreakerState.CLOSED, f"{trials} of {trials} trials succeeded")

    def failed(self, reason: str = "failure") -> None:
        """Record the failure of an allowed batch, with its reason."""
        state = self.state
        if state is BreakerState.CLOSED:
            self._in_row += 1
            self._note(failed=True, reason=reason)
        elif state is BreakerState.HALF_OPEN:
            self._open(f"a trial failed: {reason}")

    def figures(self) -> BreakerMetrics:
        """Return state, number of openings and the latest transitions."""
        return BreakerMetrics(self.state, self._opened, tuple(self._transitions))

    def _note(self, *, failed: bool, reason: str = "") -> None:
        """Add an outcome of a closed breaker; a failure may open it."""
        limits = self._limits
        full = len(self._outcomes) == limits.window
        self._failures += failed - (full and self._outcomes[0])
        self._outcomes.append(failed)
        if not failed:
            return
        if self._in_row >= limits.failures_in_row:
            self._open(f"{self._in_row} failures in a row, the last: {reason}")
        elif len(self._outcomes) == limits.window and self._failures > limits.failure_share * limits.window:
            self._open(f"{self._failures} of the last {limits.window} failed, the last: {reason}")

    def _open(self, reason: str) -> None:
        self._opened_at = self._clock.now()
        self._opened += 1
        self._change(self._opened_at, BreakerState.OPEN, reason)

    def _change(self, at: int, state: BreakerState, reason: str) -> None:
        self._transitions.append(Transition(at, self._state, state, reason))
        self._state = state

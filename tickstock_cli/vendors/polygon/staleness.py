"""Silence of a channel: judged per channel and phase, because silence at night is normal, and so is that of one ticker.

Silence counts from the last row, the start of the stream or the start of the phase, whichever is latest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from threading import Lock

from tickstock_cli.core.calendar import CLOSED, REGULAR
from tickstock_cli.core.times import NS_PER_SECOND

BAR_SECONDS: Mapping[str, float] = {"A": 1, "AM": 60}
"""Bars come this long after one another, in the best of times."""
RECONNECT_EVERY_NS = 600 * NS_PER_SECOND


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """How long a channel may be silent, in seconds.

    Parameters
    ----------
    regular
        In regular hours.
    quiet
        In all other phases but ``closed``, in which silence is never judged.
    """

    regular: float
    quiet: float

    def of(self, channel: str, phase: int) -> int | None:
        """Return the limit of a channel in a phase, in ns; None is no limit."""
        if phase == CLOSED:
            return None
        seconds = (self.regular if phase == REGULAR else self.quiet) + BAR_SECONDS.get(channel, 0)
        return round(seconds * NS_PER_SECOND)


class SilenceJudgement(Enum):
    """What to do about a silent channel."""

    NOTHING = "nothing"
    ALERT = "alert"
    RECONNECT = "reconnect"


class ChannelSilence:
    """The silence of one connection's channels. Times are ns UTC. Safe in any thread.

    Parameters
    ----------
    phase_at
        Returns the phase of a time, a place in ``events.PHASES``.
    """

    def __init__(self, channels: Sequence[str], limits: SilenceLimits, phase_at: Callable[[int], int]) -> None:
        self._limits = limits
        self._phase_at = phase_at
        self._phase: int | None = None
        self._since = dict.fromkeys(channels, 0)
        self._times = dict.fromkeys(channels, 0)
        self._reconnected: int | None = None
        self._lock = Lock()

    @property
    def silent(self) -> tuple[str, ...]:
        """The channels that were silent too long at the last judgement."""
        return tuple(channel for channel, times in self._times.items() if times)

    def begin(self, now: int) -> None:
        """Begin anew with a connection that streams since ``now``; a channel that was silent still counts as such."""
        with self._lock:
            self._since = dict.fromkeys(self._since, now)

    def came(self, channel: str, now: int) -> None:
        """Record that a row of a channel was received at ``now``."""
        with self._lock:
            if channel in self._since:
                self._since[channel] = max(self._since[channel], now)
                self._times[channel] = 0

    def judge(self, now: int) -> SilenceJudgement:
        """Return what to do at ``now``: an alert at the first limit without a row, another connection at the second.

        Another connection is due at most once in 10 minutes.
        """
        phase = self._phase_at(now)
        with self._lock:
            return self._judge(phase, now)

    def _judge(self, phase: int, now: int) -> SilenceJudgement:
        if phase != self._phase:
            self._phase = phase
            self._since = dict.fromkeys(self._since, now)
            self._times = dict.fromkeys(self._times, 0)
        found = SilenceJudgement.NOTHING
        for channel, since in self._since.items():
            limit = self._limits.of(channel, phase)
            if limit is None or now - since < limit:
                continue
            self._times[channel] += 1
            self._since[channel] = now
            if self._times[channel] == 1 and found is SilenceJudgement.NOTHING:
                found = SilenceJudgement.ALERT
            elif self._times[channel] > 1 and self._may_reconnect(now):
                self._reconnected = now
                found = SilenceJudgement.RECONNECT
        return found

    def _may_reconnect(self, now: int) -> bool:
        return self._reconnected is None or now - self._reconnected >= RECONNECT_EVERY_NS

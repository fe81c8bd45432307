"""The seconds of all sessions, with their activity and volatility.

Extended hours have few trades. The regular session opens with a burst, becomes calm towards noon and busy again towards
the close.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.calendar import DAY_NS, POST, PRE, REGULAR, SEGMENT_DAY, Calendar
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.rng import draws
from tickstock_cli.synth.tables import WAIT_BITS, WAIT_MEAN, waits

_EPOCH = date(1970, 1, 1)
_SEARCH_DAYS = 14
_BUSY_SCALE = 16

CALM = 256
"""Volatility of an average second, in 1/256 of the usual."""


class TradingSession(NamedTuple):
    """One trading day. ``start`` is the beginning of `pre` in ns UTC; the rest are seconds after it.

    Regular trading is ``[opens, closes)``; the day ends at ``seconds``, a whole number of minutes.
    """

    day: date
    start: int
    opens: int
    closes: int
    seconds: int


def find_sessions(first: date, days: int) -> list[TradingSession]:
    """Return the ``days`` New York sessions from ``first`` on.

    Raises
    ------
    UsageError
        The exchange is closed on ``first``; the message names the next session.
    """
    calendar = Calendar("XNYS")
    sessions: list[TradingSession] = []
    day = first
    while len(sessions) < days:
        session = _session_of(calendar, day)
        if session is not None:
            sessions.append(session)
        elif not sessions:
            raise UsageError(
                f"--date {first} is no trading day in New York ({first:%A}); the next is {_next(calendar, day)}"
            )
        day += timedelta(days=1)
    return sessions


def _next(calendar: Calendar, day: date) -> date:
    later = (day + timedelta(days=ahead) for ahead in range(1, _SEARCH_DAYS))
    return next(day for day in later if _session_of(calendar, day) is not None)


def _session_of(calendar: Calendar, day: date) -> TradingSession | None:
    number = (day - _EPOCH).days
    table = calendar.table(number * DAY_NS, (number + 1) * DAY_NS)
    own = np.flatnonzero(table.segments // SEGMENT_DAY == number)
    starts = {int(table.segments[i]) % SEGMENT_DAY: int(table.starts[i]) for i in own}
    if REGULAR not in starts:
        return None
    start = starts[PRE]
    ends = table.starts[np.searchsorted(table.starts, starts[POST], side="right")]
    opens, closes, last = ((int(at) - start) // NS_PER_SECOND for at in (starts[REGULAR], starts[POST], ends))
    return TradingSession(day, start, opens, closes, last)


class Timeline:
    """The seconds of all sessions, numbered from 0.

    Attributes
    ----------
    first
        First second by session; one entry more than there are sessions.
    busy
        Share of all trades by second, an int64 weight.
    volatility
        Volatility of the market by second, in 1/256 of the usual.
    regular
        Whether a second belongs to regular trading, by second.
    """

    def __init__(
        self,
        sessions: list[TradingSession],
        busy: NDArray[np.int64],
        volatility: NDArray[np.int64],
        regular: NDArray[np.bool_],
    ) -> None:
        self.sessions = sessions
        self.first = np.cumsum([0, *(session.seconds for session in sessions)])
        self.busy = busy
        self.volatility = volatility
        self.regular = regular

    def second_ns(self, second: int) -> int:
        """Return the start of a second, ns UTC."""
        day = int(np.searchsorted(self.first, second, side="right")) - 1
        return self.sessions[day].start + (second - int(self.first[day])) * NS_PER_SECOND

    def allot(self, rows: int, weights: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distribute ``rows`` in proportion to ``weights``; return the first row of each second, and ``rows``."""
        total = int(weights.sum())
        # Python integers, because the products exceed 64 bits.
        cuts = [rows * reached // total for reached in np.cumsum(weights).tolist()]
        return np.array([0, *cuts], dtype=np.int64)


def trading_timeline(seed: int, sessions: list[TradingSession]) -> Timeline:
    """Return the seconds of sessions with a realistic activity: busy at both ends of the day, with random bursts."""
    busy, volatility, regular = (
        np.concatenate(parts) for parts in zip(*(_profile(session) for session in sessions), strict=True)
    )
    # Trading is bursty: half of every second's weight is exponential.
    gusts = waits()[draws(seed, "gusts", len(busy)) >> np.uint64(64 - WAIT_BITS)]
    return Timeline(sessions, busy * (WAIT_MEAN + gusts) // (2 * WAIT_MEAN), volatility, regular)


def even_timeline(sessions: list[TradingSession]) -> Timeline:
    """Return the seconds of sessions with a constant activity: 64 times as much in regular trading as outside."""
    regular = np.concatenate([_profile(session)[2] for session in sessions])
    return Timeline(sessions, np.where(regular, 64, 1), np.full(len(regular), CALM), regular)


def _profile(session: TradingSession) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Return activity, volatility and regularity of one session's seconds."""
    second = np.arange(session.seconds)
    regular = (second >= session.opens) & (second < session.closes)
    after = second // 60 - session.opens // 60  # minutes after the open
    left = session.closes // 60 - 1 - second // 60  # minutes until the close
    noon = (session.closes - session.opens) // 120

    into, out = np.maximum(after, 0), np.maximum(left, 0)
    busy = 800 + 26_000 // (4 + into) + 12_000 // (6 + out) + 300 * (into - noon) ** 2 // noon**2
    opening = second - session.opens
    busy = np.where(regular & (opening < 60), busy * (6 + np.maximum(opening, 0)) // (1 + np.maximum(opening, 0)), busy)
    busy = np.where(out == 0, 2 * busy, busy)
    pre = 6 + 3_000 // (40 - np.minimum(after, 0))
    post = 8 + 2_500 // (8 - 2 * np.minimum(left, 0))
    busy = np.where(regular, busy, np.where(opening < 0, pre, post))

    volatility = 205 + 4_600 // (10 + into) + 2_600 // (20 + out)
    return busy * _BUSY_SCALE, np.where(regular, volatility, CALM // 3), regular

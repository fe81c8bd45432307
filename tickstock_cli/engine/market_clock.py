"""Market clocks: market time between the rows of a live run.

A live run releases an event when its window has ended, although no further row arrives. A market clock tells when that
is. Market time is never before the latest row, and a clock passes it only if a waiting event needs it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from tickstock_cli.core.clock import Clock
from tickstock_cli.core.schedule import Schedule
from tickstock_cli.core.stages import ArrivalOptions, Pace
from tickstock_cli.core.stamps import Stamps

LOOK_NS = 100_000_000
"""The longest wait in silence: observers are shown how market time goes on."""
IN_FLIGHT_LOOK_NS = 5_000_000
"""The wait while frames that are not decoded yet keep market time from an event that is due."""
RECORDING_LEAD_NS = 1_000_000_000
"""Rows that come this much faster than their own time are a recording that is piped in, not a live feed."""
NEAR_NOW_NS = 5_000_000_000
"""Rows whose available time is this close to the machine's date are live, whatever they came with."""


class MarketClock(Protocol):
    """Returns market time between rows. For one thread."""

    def came(self, available: int, at: int) -> None:
        """Record that a row available at ``available`` (ns UTC) arrived at ``at`` (ns of the run's clock)."""

    @property
    def schedule(self) -> Schedule | None:
        """When market times are due, by the run's clock; None: market time passes with rows alone."""

    def passed(self, now: int) -> int | None:
        """Return the market time at ``now`` (ns of the run's clock), as ``schedule`` has it; None with rows alone.

        A driver that finds the arrival queue empty afterwards may pass up to it.
        """


class RowClock:
    """Market time passes with rows only: a silent source sends batches without rows."""

    def came(self, available: int, at: int) -> None:
        """Do nothing."""

    @property
    def schedule(self) -> None:
        return None

    def passed(self, now: int) -> None:  # noqa: ARG002 - the protocol's
        return None


class ArrivalClock:
    """Market time passes at the pace of the wall clock, from the latest row on.

    With ``Pace.AUTO``, rows that arrive faster than their own time are a recording. Then market time passes with rows
    only, so that a recording gives the same events through a pipe as from a file, even if its writer stalls. Rows with
    times close to the machine's date are always live.

    Parameters
    ----------
    wall
        ns since the epoch, UTC.
    hold_back_ns
        How far market time stays behind, so that rows on their way are not late.
    begun
        The earliest time of the run's clock at which the first row can have been sent: rows wait in a pipe while a
        process starts. None: when the first row arrived.
    """

    def __init__(
        self, wall: Callable[[], int], hold_back_ns: int = 0, pace: Pace = Pace.AUTO, begun: int | None = None
    ) -> None:
        self._begun = begun
        self._wall = wall
        self._pace = pace
        self._hold_back = hold_back_ns
        self._first: tuple[int, int] | None = None
        self._schedule: Schedule | None = None

    def came(self, available: int, at: int) -> None:
        if self._first is None:
            self._first = available, at if self._begun is None else min(at, self._begun)
        first_available, first_at = self._first
        lead = (available - first_available) - (at - first_at)
        is_live = self._pace is Pace.WALL or lead <= RECORDING_LEAD_NS or is_about_now(available, self._wall())
        self._schedule = Schedule(at + self._hold_back, available, 1.0) if is_live else None

    @property
    def schedule(self) -> Schedule | None:
        return self._schedule

    def passed(self, now: int) -> int | None:
        return None if self._schedule is None else self._schedule.market_at(now)


class DateClock:
    """Market time passes at the pace of the wall clock while rows are of about now, and with rows alone otherwise.

    Rows of the past give the same events however slowly they are handed in.

    Parameters
    ----------
    wall
        ns since the epoch, UTC.
    """

    def __init__(self, wall: Callable[[], int]) -> None:
        self._wall = wall
        self._schedule: Schedule | None = None

    def came(self, available: int, at: int) -> None:
        self._schedule = Schedule(at, available, 1.0) if is_about_now(available, self._wall()) else None

    @property
    def schedule(self) -> Schedule | None:
        return self._schedule

    def passed(self, now: int) -> int | None:
        return None if self._schedule is None else self._schedule.market_at(now)


class StampClock:
    """Market time passes with the stamps of a feed, and stays before every frame whose rows are not queued yet.

    Parameters
    ----------
    clock
        The run's clock.
    """

    def __init__(self, stamps: Stamps, clock: Clock) -> None:
        self._stamps = stamps
        self._clock = clock
        self._begun = False

    def came(self, available: int, at: int) -> None:  # noqa: ARG002 - the protocol's
        self._begun = True

    @property
    def schedule(self) -> Schedule | None:
        return Schedule(self._clock.now(), self._stamps.now(), 1.0) if self._begun else None

    def passed(self, now: int) -> int | None:  # noqa: ARG002 - the stamps have a clock
        return self._stamps.passed() if self._begun else None


def is_about_now(available: int, now: int) -> bool:
    """Return whether a row available at ``available`` is live at ``now`` (both ns UTC)."""
    return abs(now - available) <= NEAR_NOW_NS


def next_look(schedule: Schedule | None, release: int, now: int) -> int:
    """Return when to look again, by the run's clock (ns), for an event that waits until market time ``release``."""
    if schedule is None:
        return now + LOOK_NS
    due = schedule.due(release)
    return min(now + LOOK_NS, due if due > now else now + IN_FLIGHT_LOOK_NS)


def market_clock(
    options: ArrivalOptions, clock: Clock, wall: Callable[[], int], begun: int | None = None
) -> MarketClock:
    """Return the market clock of a live source for the run's clock; ``begun`` as `ArrivalClock` takes it."""
    if options.feed is not None:
        return StampClock(options.feed, clock)
    if options.pace is Pace.ROWS:
        return RowClock()
    pace = Pace.WALL if options.stamps else options.pace
    return ArrivalClock(wall, options.hold_back_ns, pace, begun)

"""Trading hours: the phases of a date by local clocks, and calendars that a configuration describes.

Seconds count on the local clock from the midnight that begins the date; they are below 0 on the evening before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import NamedTuple

from tickstock_cli.core.phases import Phase

DAY_SECONDS = 86_400


class PhaseHours(NamedTuple):
    """A phase of a date: ``[start, end)`` in seconds of the local clock."""

    phase: Phase
    start: int
    end: int


DayHours = tuple[PhaseHours, ...]
"""Phases of one date in order; what lies between and around them is closed, and a day without any is closed."""


def hours_of_date(phases: Sequence[PhaseHours]) -> DayHours:
    """Return phases whose times are of day, in the order in which they follow each other, as hours of one date.

    A start before the end of the former phase, and an end not after its start, are of the next day. The last phase ends
    on the date; what comes before a midnight is then of the evening before.

    Raises
    ------
    ValueError
        They take more than 24 hours.

    Examples
    --------
    >>> hours_of_date([PhaseHours("pre", 61_200, 64_800), PhaseHours("regular", 64_800, 61_200)])
    (PhaseHours(phase='pre', start=-25200, end=-21600), PhaseHours(phase='regular', start=-21600, end=61200))
    """
    found: list[PhaseHours] = []
    now = 0
    for phase, start, end in phases:
        begin = start + -(-(now - start) // DAY_SECONDS) * DAY_SECONDS
        now = end + (-(-(begin + 1 - end) // DAY_SECONDS)) * DAY_SECONDS
        found.append(PhaseHours(phase, begin, now))
    if found and now - found[0].start > DAY_SECONDS:
        raise ValueError("must fit into 24 hours, in the order in which they follow each other")
    earlier = DAY_SECONDS if now > DAY_SECONDS else 0
    return tuple(PhaseHours(phase, start - earlier, end - earlier) for phase, start, end in found)


class CustomCalendar(NamedTuple):
    """A calendar of a configuration.

    Parameters
    ----------
    zone
        Name of the time zone of its clocks and dates.
    hours
        Those of a whole day.
    weekdays
        Days of the week with trading, 0 = Monday.
    holidays
        Dates without trading.
    half_days
        Dates whose trading ends at ``half_day_end``, in seconds of the local clock.
    """

    zone: str
    hours: DayHours
    weekdays: frozenset[int]
    holidays: frozenset[date] = frozenset()
    half_days: frozenset[date] = frozenset()
    half_day_end: int = DAY_SECONDS

    def on(self, day: date) -> DayHours:
        """Return the hours of a date; none if it is closed."""
        if day.weekday() not in self.weekdays or day in self.holidays:
            return ()
        if day not in self.half_days:
            return self.hours
        return tuple(
            PhaseHours(phase, start, min(end, self.half_day_end))
            for phase, start, end in self.hours
            if start < self.half_day_end
        )


MarketCalendar = str | CustomCalendar
"""``"XNYS"``, ``"24/7"``, or a calendar of a configuration."""


def calendar_label(calendar: MarketCalendar) -> str:
    """Return what logs and servers name a calendar: its zone if it is one of a configuration."""
    return calendar.zone if isinstance(calendar, CustomCalendar) else calendar


def days_from(first: date, end: date) -> list[date]:
    """Return the dates of ``[first, end)``."""
    return [first + timedelta(days=place) for place in range((end - first).days)]

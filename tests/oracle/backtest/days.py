"""Dates and phases: where a day begins and ends, and what is inside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from tests.oracle.records import SECOND
from tests.oracle.sessions import NEW_YORK, Custom, Segment, _is_half, _is_open, _spans, segment_of

__all__ = ["Days", "Segment"]


class Days:
    """The calendar as a backtest with these ``prices.phases`` sees it."""

    def __init__(self, calendar: str | Custom, phases: Sequence[str]) -> None:
        self.calendar = calendar
        self.phases = tuple(phases)

    def date_of(self, moment: int) -> date:
        """Return the date of the segment of a time, ns."""
        return _segment(moment // SECOND, self.calendar).date

    def is_inside(self, moment: int) -> bool:
        """Return whether the phase of a time is one of ours."""
        return _segment(moment // SECOND, self.calendar).phase in self.phases

    def has_session(self, day: date) -> bool:
        """Return whether a date has any of our phases."""
        return bool(self._spans(day))

    def begin(self, day: date) -> int:
        """Return the start of the first of our phases on a date, ns."""
        return min(start for start, _ in self._spans(day))

    def end(self, day: date) -> int:
        """Return the end of the last of our phases on a date, ns."""
        return max(end for _, end in self._spans(day))

    def midnight(self, day: date) -> int:
        """Return the local midnight with which a date begins, ns."""
        return _ns(day, time(0), self.calendar)

    def clock(self, moment: int) -> time:
        """Return the local time of day, to the microsecond below."""
        local = datetime.fromtimestamp(moment // SECOND, zone_of(self.calendar))
        return (local + timedelta(microseconds=moment % SECOND // 1000)).time()

    def _spans(self, day: date) -> list[tuple[int, int]]:
        return [(start, end) for phase, start, end in _phases_of(day, self.calendar) if phase in self.phases]


def zone_of(calendar: str | Custom) -> tzinfo:
    """Return the zone of a calendar's clocks."""
    if isinstance(calendar, Custom):
        return ZoneInfo(calendar.zone)
    return UTC if calendar == "24/7" else NEW_YORK


@cache
def _segment(seconds: int, calendar: str | Custom) -> Segment:
    return segment_of(seconds * SECOND, calendar)


@cache
def _phases_of(day: date, calendar: str | Custom) -> list[tuple[str, int, int]]:
    """Return the phases of a date with start and end, ns."""
    midnight, behind = _ns(day, time(0), calendar), _ns(day + timedelta(days=1), time(0), calendar)
    if calendar == "24/7":
        return [("regular", midnight, behind)]
    if isinstance(calendar, Custom):
        return _custom_phases(day, calendar, midnight, behind)
    evening = _ns(day, time(20), calendar)
    closes = evening if _is_open(day + timedelta(days=1)) else behind  # then the next day's night begins
    if not _is_open(day):
        return [("closed", midnight, closes)]
    half = _is_half(day)
    clocks = (time(4), time(9, 30), time(13 if half else 16), time(17 if half else 20))
    borders = [_ns(day, clock, calendar) for clock in clocks]
    late = [("closed", borders[3], closes)] if borders[3] < closes else []
    return [
        ("overnight", _ns(day - timedelta(days=1), time(20), calendar), borders[0]),
        ("pre", borders[0], borders[1]),
        ("regular", borders[1], borders[2]),
        ("post", borders[2], borders[3]),
        *late,
    ]


def _custom_phases(day: date, calendar: Custom, midnight: int, behind: int) -> list[tuple[str, int, int]]:
    spans = [(phase, start * SECOND, end * SECOND) for phase, start, end in _spans(day, calendar)]
    tomorrow = _spans(day + timedelta(days=1), calendar)
    closes = min(behind, tomorrow[0][1] * SECOND) if tomorrow else behind
    found: list[tuple[str, int, int]] = []
    now = min(midnight, spans[0][1]) if spans else midnight
    for phase, start, end in [*spans, ("", closes, closes)]:
        if now < start:
            found.append(("closed", now, start))
        if phase:
            found.append((phase, start, end))
        now = end
    return found


def _ns(day: date, clock: time, calendar: str | Custom) -> int:
    return int(datetime.combine(day, clock, zone_of(calendar)).timestamp()) * SECOND

"""Section 1: which segment of which trading day a time belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HALF_DAY, PUBLIC, financial_holidays

from tests.oracle.records import SECOND
from tests.oracle.settings import Settings

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Segment:
    """A date (New York; of 24/7 markets UTC) and a phase of it."""

    date: date
    phase: str


@dataclass(frozen=True)
class Custom:
    """A calendar of a configuration; hours are (phase, start, end) as written."""

    zone: str
    hours: tuple[tuple[str, str, str], ...]
    weekdays: tuple[str, ...]
    holidays: tuple[str, ...]
    half_days: tuple[str, ...]
    half_day_end: str


def calendar_of(settings: Settings) -> str | Custom:
    """Return the calendar of settings."""
    if settings["session.calendar"] != "custom":
        return str(settings["session.calendar"])
    hours = tuple((one["phase"], one["start"], one["end"]) for one in settings["session.hours"])
    lists = (tuple(settings[f"session.{name}"]) for name in ("weekdays", "holidays", "half_days"))
    weekdays, holidays, half_days = lists
    return Custom(settings["session.zone"], hours, weekdays, holidays, half_days, settings["session.half_day_end"])


def segment_of(timestamp: int, calendar: str | Custom) -> Segment:
    """Return the segment of a time in ns since the epoch, UTC."""
    seconds = timestamp // SECOND
    if isinstance(calendar, Custom):
        return _custom_segment(seconds, calendar)
    if calendar == "24/7":
        return Segment(datetime.fromtimestamp(seconds, UTC).date(), "regular")
    local = datetime.fromtimestamp(seconds, NEW_YORK)
    day, clock = local.date(), local.time()
    tomorrow = day + timedelta(days=1)
    if clock >= time(20) and _is_open(tomorrow):
        return Segment(tomorrow, "overnight")
    return Segment(day, _phase(day, clock))


def _phase(day: date, clock: time) -> str:
    if not _is_open(day):
        return "closed"
    if clock < time(4):
        return "overnight"
    half = _is_half(day)
    if clock < time(9, 30):
        return "pre"
    if clock < (time(13) if half else time(16)):
        return "regular"
    if clock < (time(17) if half else time(20)):
        return "post"
    return "closed"


def _custom_segment(seconds: int, calendar: Custom) -> Segment:
    today = datetime.fromtimestamp(seconds, ZoneInfo(calendar.zone)).date()
    for day in (today + timedelta(days=1), today):
        spans = _spans(day, calendar)
        for phase, start, end in reversed(spans):  # clocks that go forward lay one phase over another
            if start <= seconds < end:
                return Segment(day, phase)
        if spans and spans[0][1] <= seconds < spans[-1][2]:
            return Segment(day, "closed")
    return Segment(today, "closed")


@cache
def _spans(day: date, calendar: Custom) -> list[tuple[str, int, int]]:
    """Return the phases of a date with start and end, s since the epoch."""
    name = day.strftime("%a").lower()
    if name not in calendar.weekdays or day.isoformat() in calendar.holidays:
        return []
    walls: list[tuple[str, datetime, datetime]] = []
    now = datetime.combine(day, time(0))
    for phase, start, end in calendar.hours:
        begin = _next(start, now)
        now = _next(end, begin + timedelta(seconds=1))
        walls.append((phase, begin, now))
    midnight = datetime.combine(day + timedelta(days=1), time(0))
    back = timedelta(days=1) if now > midnight else timedelta(0)
    last = midnight if calendar.half_day_end == "24:00" else datetime.fromisoformat(f"{day}T{calendar.half_day_end}")
    spans = []
    for phase, wall, wall_end in walls:
        begin, stop = wall - back, wall_end - back
        if day.isoformat() in calendar.half_days:
            stop = min(stop, last)
        if begin < stop:
            spans.append((phase, _seconds(begin, calendar), _seconds(stop, calendar)))
    return spans


def _next(clock: str, moment: datetime) -> datetime:
    """Return the first time from a moment on at which a clock shows a time of day."""
    shown = datetime.combine(moment.date(), time.fromisoformat("00:00" if clock == "24:00" else clock))
    return shown if shown >= moment else shown + timedelta(days=1)


def _seconds(wall: datetime, calendar: Custom) -> int:
    return int(wall.replace(tzinfo=ZoneInfo(calendar.zone)).timestamp())


@cache
def _is_open(day: date) -> bool:
    return day.weekday() < 5 and day not in financial_holidays("NYSE", years=day.year, categories=(PUBLIC,))


@cache
def _is_half(day: date) -> bool:
    return day in financial_holidays("NYSE", years=day.year, categories=(HALF_DAY,))

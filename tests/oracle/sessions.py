"""Section 1: which segment of which trading day a time belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from holidays import HALF_DAY, PUBLIC, financial_holidays

from tests.oracle.records import SECOND

NEW_YORK = ZoneInfo("America/New_York")


@dataclass(frozen=True)
class Segment:
    """A date (New York; of 24/7 markets UTC) and a phase of it."""

    date: date
    phase: str


def segment_of(timestamp: int, calendar: str) -> Segment:
    """Return the segment of a time in ns since the epoch, UTC."""
    seconds = timestamp // SECOND
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


@cache
def _is_open(day: date) -> bool:
    return day.weekday() < 5 and day not in financial_holidays("NYSE", years=day.year, categories=(PUBLIC,))


@cache
def _is_half(day: date) -> bool:
    return day in financial_holidays("NYSE", years=day.year, categories=(HALF_DAY,))

"""Sessions: which segment, a (New York date, phase) pair, a time belongs to.

A segment is one int64: ``days since the epoch * SEGMENT_DAY + phase``, phase being the place in ``events.PHASES``.
Kernels find it by bisection in a table of segment starts. The zone comes from the tzdata package and holidays from the
holidays package, so a run does not depend on the machine's zone files.

References
----------
NYSE trading hours and holidays: https://www.nyse.com/markets/hours-calendars
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

PRE, REGULAR, POST, CLOSED, OVERNIGHT = range(5)
SEGMENT_DAY = 8
"""Segments of one date differ by less than this: ``segment // SEGMENT_DAY`` is its day number."""
PHASE_MASK = SEGMENT_DAY - 1
"""Bits of a segment that hold its phase."""

DAY_NS = 86_400_000_000_000
_EPOCH = date(1970, 1, 1)
_EPOCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_DAY = 106_750
"""Days from the epoch, in either direction, that int64 nanoseconds can hold."""


class SessionTable(NamedTuple):
    """Segment starts (int64 ns UTC, ascending) and the segment that begins at each (int64)."""

    starts: NDArray[np.int64]
    segments: NDArray[np.int64]


class Calendar:
    """Session tables of one exchange calendar, built year by year as a run needs them.

    Parameters
    ----------
    name
        ``"XNYS"``: pre 04:00-09:30, regular to 16:00 (half-days 13:00), post to 20:00 (half-days 17:00) New York
        time; overnight from 20:00 of the evening before a trading day to its 04:00, of that day's date; else closed.
        ``"24/7"``: one regular segment a UTC date.
    """

    def __init__(self, name: str) -> None:
        self._year = _always_open_year if name == "24/7" else _new_york_year
        self._first_year = 0
        self._last_year = -1
        self._table = SessionTable(np.empty(0, np.int64), np.empty(0, np.int64))

    def table(self, earliest: int, latest: int) -> SessionTable:
        """Return a table that covers all times of ``[earliest, latest]`` (int64 ns UTC, above 0)."""
        first = (_EPOCH + timedelta(days=earliest // DAY_NS)).year
        last = (_EPOCH + timedelta(days=latest // DAY_NS)).year
        if first < self._first_year or last > self._last_year:
            if self._last_year >= 0:
                first, last = min(first, self._first_year), max(last, self._last_year)
            years = [self._year(year) for year in range(first, last + 1)]
            starts, places = np.unique(np.concatenate([year.starts for year in years]), return_index=True)
            self._table = SessionTable(starts, np.concatenate([year.segments for year in years])[places])
            self._first_year, self._last_year = first, last
        return self._table

    def phase(self, time: int) -> int:
        """Return the phase of a time (int64 ns UTC, above 0): its place in ``events.PHASES``."""
        table = self.table(time, time)
        return int(table.segments[int(table.starts.searchsorted(time, side="right")) - 1]) & PHASE_MASK


def market_zone(calendar: str) -> tzinfo:
    """Return the zone of a calendar's days: New York's, or UTC for ``24/7``."""
    return UTC if calendar == "24/7" else _new_york_zone()


# One hostile timestamp makes a run need half a century of days, which take half a second: each year is made once.
@cache
def _always_open_year(year: int) -> SessionTable:
    """Return the segments of a year's days, and of the day behind it."""
    first = (date(year, 1, 1) - _EPOCH).days
    behind = (date(year + 1, 1, 2) - _EPOCH).days
    days = np.arange(max(first, -_LAST_DAY), min(behind, _LAST_DAY + 1), dtype=np.int64)
    return SessionTable(days * DAY_NS, days * SEGMENT_DAY + REGULAR)


@cache
def _new_york_year(year: int) -> SessionTable:
    """Return the segments of a year's days, and of some days before and behind it."""
    rows = list(_new_york_rows(year))
    return SessionTable(
        np.array([start for start, _ in rows], dtype=np.int64),
        np.array([segment for _, segment in rows], dtype=np.int64),
    )


def _new_york_rows(year: int) -> Iterator[tuple[int, int]]:
    from holidays import financial_holidays  # a local import, because it takes a tenth of a second
    from holidays.constants import HALF_DAY, PUBLIC

    years = range(year - 1, year + 2)
    closed = financial_holidays("NYSE", years=years, categories=(PUBLIC,))
    halves = financial_holidays("NYSE", years=years, categories=(HALF_DAY,))
    zone = _new_york_zone()

    def is_open(day: date) -> bool:
        return day.weekday() < 5 and day not in closed

    first = date(year, 1, 1) - timedelta(days=2)
    end = min(date(year + 1, 1, 3), date(2262, 4, 10))
    for day in (first + timedelta(days=place) for place in range((end - first).days)):
        number = (day - _EPOCH).days * SEGMENT_DAY
        if not is_open(day):
            yield _ns(day, time(0), zone), number + CLOSED
            continue
        yield _ns(day - timedelta(days=1), time(20), zone), number + OVERNIGHT
        yield _ns(day, time(4), zone), number + PRE
        yield _ns(day, time(9, 30), zone), number + REGULAR
        half = day in halves
        yield _ns(day, time(13 if half else 16), zone), number + POST
        if half or not is_open(day + timedelta(days=1)):
            yield _ns(day, time(17 if half else 20), zone), number + CLOSED


def _new_york_zone() -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", "America", "New_York").open("rb") as stream:
        return ZoneInfo.from_file(stream, key="America/New_York")


def _ns(day: date, clock: time, zone: ZoneInfo) -> int:
    elapsed = datetime.combine(day, clock, zone).astimezone(UTC) - _EPOCH_TIME
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000

"""Sessions: which segment, a (date, phase) pair, a time belongs to.

A segment is one int64: ``days since the epoch * SEGMENT_DAY + phase``, phase being the place in ``phases.PHASES``.
Kernels find it by bisection in a table of segment starts. The zone comes from the tzdata package and holidays from the
holidays package, so a run does not depend on the machine's zone files.

References
----------
NYSE trading hours and holidays: https://www.nyse.com/markets/hours-calendars
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.phases import PHASES
from tickstock_cli.core.trading_hours import CustomCalendar, DayHours, MarketCalendar, PhaseHours, days_from

PRE, REGULAR, POST, CLOSED, OVERNIGHT = range(5)
SEGMENT_DAY = 8
"""Segments of one date differ by less than this: ``segment // SEGMENT_DAY`` is its day number."""
PHASE_MASK = SEGMENT_DAY - 1
"""Bits of a segment that hold its phase."""

XNYS, NEW_YORK = "XNYS", "America/New_York"
_NEW_YORK_NIGHT = (PhaseHours("overnight", -14_400, 14_400), PhaseHours("pre", 14_400, 34_200))
_NEW_YORK_DAY = (*_NEW_YORK_NIGHT, PhaseHours("regular", 34_200, 57_600), PhaseHours("post", 57_600, 72_000))
_NEW_YORK_HALF_DAY = (*_NEW_YORK_NIGHT, PhaseHours("regular", 34_200, 46_800), PhaseHours("post", 46_800, 61_200))

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
    calendar
        ``"XNYS"``: pre 04:00-09:30, regular to 16:00 (half-days 13:00), post to 20:00 (half-days 17:00) New York
        time; overnight from 20:00 of the evening before a trading day to its 04:00, of that day's date; else closed.
        ``"24/7"``: one regular segment a UTC date. Or one of a configuration.
    """

    def __init__(self, calendar: MarketCalendar) -> None:
        self._year: Callable[[int], SessionTable] = _new_york_year
        if isinstance(calendar, CustomCalendar):
            self._year = partial(_custom_year, calendar)
        elif calendar == "24/7":
            self._year = _always_open_year
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


def market_zone(calendar: MarketCalendar) -> tzinfo:
    """Return the zone of a calendar, or of the label of one: its own, UTC for ``24/7``, New York's if it is unknown."""
    if isinstance(calendar, CustomCalendar):
        return _zone(calendar.zone)
    if calendar == "24/7":
        return UTC
    return _zone(calendar if calendar != XNYS and is_zone(calendar) else NEW_YORK)


def day_begin(calendar: MarketCalendar) -> int:
    """Return where a whole day of a calendar begins: seconds of its clock from midnight, below 0 on the evening before.

    Examples
    --------
    >>> day_begin("XNYS"), day_begin("24/7")
    (-14400, 0)
    """
    if isinstance(calendar, CustomCalendar):
        return min(0, calendar.hours[0].start)
    return _NEW_YORK_DAY[0].start if calendar == XNYS else 0


def is_zone(name: str) -> bool:
    """Return whether there is a time zone of a name."""
    return name in available_timezones() and _zone_file(name).is_file()


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
    """Return the segments of a year's days in New York, and of some days before and behind it."""
    from holidays.constants import HALF_DAY, PUBLIC  # a local import, because it takes some time

    years = range(year - 1, year + 2)
    exchange = _new_york_exchange()
    closed = exchange(years=years, categories=(PUBLIC,))
    halves = exchange(years=years, categories=(HALF_DAY,))

    def hours(day: date) -> DayHours:
        if day.weekday() >= 5 or day in closed:
            return ()
        return _NEW_YORK_HALF_DAY if day in halves else _NEW_YORK_DAY

    return _year_of(year, _zone(NEW_YORK), hours)


@cache
def _new_york_exchange() -> Any:
    """Return the class of the holidays package that has the days of the exchange in New York.

    Its module is loaded by itself: its package loads the exchanges and countries of the whole world, a twentieth of a
    second.
    """
    path = Path(str(files("holidays").joinpath("financial", "ny_stock_exchange.py")))
    spec = spec_from_file_location("holidays_of_new_york", path) if path.is_file() else None
    if spec is None or spec.loader is None:  # another version of the package may have it elsewhere
        from holidays import financial_holidays

        return partial(financial_holidays, "NYSE")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NYSE


@cache
def _custom_year(calendar: CustomCalendar, year: int) -> SessionTable:
    """Return the segments of a year's days by a calendar of a configuration, and of some days before and behind it."""
    return _year_of(year, _zone(calendar.zone), calendar.on)


def _year_of(year: int, zone: ZoneInfo, hours_on: Callable[[date], DayHours]) -> SessionTable:
    days = days_from(date(year, 1, 1) - timedelta(days=2), min(date(year + 1, 1, 3), date(2262, 4, 11)))
    rows = np.array([row for day in days for row in _day_rows(day, zone, hours_on(day))], dtype=np.int64)
    # Where clocks go forward, what would begin in the hour that does not exist yields to what follows.
    starts, segments = np.minimum.accumulate(rows[::-1, 0])[::-1], rows[:, 1]
    lasts = np.append(starts[1:] > starts[:-1], True)
    # The last day only shows whether the one before it is followed without a pause.
    kept = lasts & (segments < (days[-1] - _EPOCH).days * SEGMENT_DAY)
    return SessionTable(starts[kept], segments[kept])


def _day_rows(day: date, zone: ZoneInfo, hours: DayHours) -> Iterator[tuple[int, int]]:
    """Yield start and segment of all that a date has, in order; what has no length, too."""
    number = (day - _EPOCH).days * SEGMENT_DAY
    if not hours or hours[0].start > 0:
        yield _ns(day, 0, zone), number + CLOSED
    for place, (phase, start, end) in enumerate(hours):
        yield _ns(day, start, zone), number + PHASES.index(phase)
        if place + 1 == len(hours) or hours[place + 1].start > end:
            yield _ns(day, end, zone), number + CLOSED


@cache
def _zone(name: str) -> ZoneInfo:
    with _zone_file(name).open("rb") as stream:
        return ZoneInfo.from_file(stream, key=name)


def _zone_file(name: str) -> Traversable:
    return files("tzdata").joinpath("zoneinfo", *name.split("/"))


def _ns(day: date, seconds: int, zone: ZoneInfo) -> int:
    # Adding to a time with a zone goes by its clocks.
    local = datetime.combine(day, time(0), zone) + timedelta(seconds=seconds)
    elapsed = local.astimezone(UTC) - _EPOCH_TIME
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000_000_000

"""Bars that carry the time of their end: 09:31 to 16:00, or their last moment: 09:30:59 to 15:59:59."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, format_time
from tickstock_cli.core.trading_hours import DAY_SECONDS, CustomCalendar, MarketCalendar
from tickstock_cli.sources.checks.bar_spacing import bar_spacing
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.intervals import whole_ends

_NEW_YORK = ZoneInfo("America/New_York")
_MINUTE = 60 * NS_PER_SECOND
_PRE, _OPEN, _CLOSE, _EARLY_CLOSE, _POST = (
    minutes * _MINUTE for minutes in (4 * 60, 9 * 60 + 30, 16 * 60, 13 * 60, 20 * 60)
)
_REMEDY = "--set recordings.bar_label=end reads them so (start confirms that it is their start)"
_MOST_OF_A_DAY = 0.9
_FEWEST = 3
"""Bars whose hours say something."""


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.options.bar_label != "auto" or not facts.head.num_rows:
        return
    spacing = bar_spacing(facts)
    times = facts.reader.times(facts.head, 0)
    assert times.interval is not None  # of bars
    length = int(spacing.apart.min()) if len(spacing.apart) else int(times.interval.min())
    labels = [*times.timestamp[times.timestamp > 0].tolist(), *(facts.time_bounds() or ())]
    if not labels:
        return
    known = np.unique(np.array(labels, dtype=np.int64))
    if (whole_ends(known, length) != known).all():
        yield Oddity(
            f"bars carry their last moment, such as {format_time(int(known[0]))[11:]}, as their start: {_REMEDY}"
        )
        return
    clocks = _times_of_day(known, _NEW_YORK)
    if length >= NS_PER_DAY and np.isin(clocks, (_CLOSE, _EARLY_CLOSE)).all():
        yield Oddity(
            "bars of days carry the time of the close, 16:00 in New York, as their start, and are known a day later: "
            "--set recordings.bar_label=end reads it as their end (start confirms that it is their start)"
        )
    elif length < NS_PER_DAY and _are_ends(clocks, length):
        yield Oddity(f"bars carry the time of their end, as from 09:31 to 16:00 in New York: {_REMEDY}")
    elif length < NS_PER_DAY and _are_ends_of_days(known, length):
        yield Oddity(f"bars carry the time of their end: days of UTC go from behind midnight to midnight: {_REMEDY}")
    elif length < NS_PER_DAY and _are_ends_of(facts.options.calendar, known, length):
        yield Oddity(f"bars carry the time of their end, by the hours of session.calendar: {_REMEDY}")


def _are_ends_of_days(times: Int64s, length: int) -> bool:
    """Return whether times fill whole days of UTC that begin a bar behind midnight and end with midnight."""
    first, last = int(times[0]), int(times[-1])
    is_whole = last - first >= _MOST_OF_A_DAY * NS_PER_DAY
    return is_whole and first % NS_PER_DAY == length and last % NS_PER_DAY == 0


def _are_ends_of(calendar: MarketCalendar, times: Int64s, length: int) -> bool:
    """Return whether times go from a bar behind the beginning of a phase to the end of one."""
    if not isinstance(calendar, CustomCalendar) or len(times) < _FEWEST:
        return False
    first, last = _times_of_day(times[[0, -1]], ZoneInfo(calendar.zone)).tolist()
    starts = {hours.start % DAY_SECONDS * NS_PER_SECOND for hours in calendar.hours}
    ends = {hours.end % DAY_SECONDS * NS_PER_SECOND for hours in calendar.hours} | {
        calendar.half_day_end % DAY_SECONDS * NS_PER_SECOND
    }
    return (first - length) % NS_PER_DAY in starts and last in ends and first not in starts


def _times_of_day(times: Int64s, zone: ZoneInfo) -> Int64s:
    """Return times of day of a zone, ns."""
    days, places = np.unique(times // NS_PER_DAY, return_inverse=True)
    offsets = [_offset(int(day), zone) for day in days]
    return (times + np.array(offsets, dtype=np.int64)[places]) % NS_PER_DAY


def _offset(day: int, zone: ZoneInfo) -> int:
    """Return how far a zone is ahead of UTC (ns) at noon of a day since 1970."""
    offset = datetime.fromtimestamp(day * 86_400 + 43_200, UTC).astimezone(zone).utcoffset()
    assert offset is not None  # a ZoneInfo has one
    return round(offset.total_seconds()) * NS_PER_SECOND


def _are_ends(times: Int64s, length: int) -> bool:
    """Return whether times of day begin a bar behind the opening, and end with the close."""
    first, last = int(times.min()), int(times.max())
    if last == _POST:
        return _PRE < first <= _OPEN + length
    begins = first in (_OPEN + length, -(-_OPEN // length) * length) and first > _OPEN
    at_close = last in (_CLOSE, _EARLY_CLOSE) or (first == _OPEN + length and _CLOSE < last < _CLOSE + length)
    return begins and at_close and len(times) > 1


CHECK = RecordingCheck("bar_label", ("ohlcv",), _look)

"""Bars that carry the time of their end: 09:31 to 16:00, or their last moment: 09:30:59 to 15:59:59."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, format_time
from tickstock_cli.core.trading_hours import DAY_SECONDS, CustomCalendar, MarketCalendar
from tickstock_cli.sources.checks.bar_spacing import FirstBars, bar_spacing, first_bars, more_bars
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.interpretation import HEAD_ROWS
from tickstock_cli.sources.intervals import whole_ends
from tickstock_cli.sources.layouts.known import token

_NEW_YORK = ZoneInfo("America/New_York")
_MINUTE = 60 * NS_PER_SECOND
_PRE, _OPEN, _CLOSE, _EARLY_CLOSE, _POST = (
    minutes * _MINUTE for minutes in (4 * 60, 9 * 60 + 30, 16 * 60, 13 * 60, 20 * 60)
)
_REMEDY = "--set recordings.bar_label=end reads them so (start confirms that it is their start)"
_ONE_KIND = "write all with the time of their start, or of their end"
_MOST_OF_A_DAY = 0.9
_FEWEST = 3
"""Bars whose hours say something."""
_SETTLED = 30 * _MINUTE
"""So long behind the close a day's bar can be stamped."""
_FEWEST_ODD = 0.05
_END_NAMES = frozenset(
    (
        *("closetime", "closets", "closetimestamp", "endtime", "timeend", "tsend", "endts", "end", "barend"),
        *("timeclose", "periodend", "windowend", "intervalend", "endtimestamp", "timestampend", "barendtime"),
    )
)
"""Tokens of columns with the ends of bars."""


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.options.bar_label == "start" or not facts.head.num_rows:
        return
    bars = first_bars(facts)
    spacing = bar_spacing(facts)
    labels = _labels(facts, bars)
    bounds = np.array(facts.time_bounds() or (), dtype=np.int64)
    known = np.concatenate([labels, bounds])
    if not len(known) or not len(bars.length):
        return
    length = int(spacing.apart.min()) if len(spacing.apart) else int(bars.length.min())
    if facts.options.bar_label == "end":
        yield from _look_for_starts(known, length)
        return
    odd = whole_ends(labels, length) != labels
    if len(odd) and odd.mean() >= _FEWEST_ODD:
        yield _of_last_moments(format_time(int(labels[odd.argmax()]))[11:], is_all=bool(odd.all()))
        return
    clocks = _times_of_day(known, _NEW_YORK)
    found = _oddity(facts, known, clocks, length)
    if found is None and length < NS_PER_DAY:
        found = _of_tickers(facts, bars, clocks[: len(labels)], length)
    if found is not None:
        yield found


def _of_tickers(facts: Facts, bars: FirstBars, clocks: Int64s, length: int) -> Oddity | None:
    """Return what the hours of single tickers, or those of more rows, say."""
    if not _may_be_ends(bars, clocks, length):
        return None
    if facts.head.num_rows >= HEAD_ROWS:
        bars = more_bars(facts)
        labels = _labels(facts, bars)
        clocks = _times_of_day(labels, _NEW_YORK)
        if (found := _oddity(facts, labels, clocks, length)) is not None:
            return found
    return _of_some_tickers(clocks, bars.code, length)


def _labels(facts: Facts, bars: FirstBars) -> Int64s:
    """Return the recorded times of bars."""
    return bars.start + bars.length if facts.options.bar_label == "end" else bars.start


def _oddity(facts: Facts, known: Int64s, clocks: Int64s, length: int) -> Oddity | None:
    """Return what the hours of bars say; None if they are those of starts, or say nothing."""
    theirs = facts.layout.columns["timestamp"]
    if length >= NS_PER_DAY and _are_closes(clocks):
        return Oddity(
            f"bars of days carry the time of the close, {_clock(int(clocks.max()))} in New York, as their start, "
            "and are known a day later: --set recordings.bar_label=end reads it as their end (start confirms that it "
            "is their start)"
        )
    if length < NS_PER_DAY and _are_ends(clocks, length):
        return Oddity(f"bars carry the time of their end, as from 09:31 to 16:00 in New York: {_REMEDY}")
    if length < NS_PER_DAY and _are_ends_of_days(known, length):
        return Oddity(f"bars carry the time of their end: days of UTC go from behind midnight to midnight: {_REMEDY}")
    if length < NS_PER_DAY and _are_ends_of(facts.options.calendar, known, length):
        return Oddity(f"bars carry the time of their end, by the hours of session.calendar: {_REMEDY}")
    if token(theirs) in _END_NAMES:
        return Oddity(f"column {theirs} has the ends of bars by its name, and is read as their start: {_REMEDY}")
    return None


def _of_last_moments(example: str, *, is_all: bool) -> Oddity:
    if is_all:
        return Oddity(f"bars carry their last moment, such as {example}, as their start: {_REMEDY}")
    return Oddity(f"some bars carry their last moment, such as {example}, and others their start: {_ONE_KIND}")


def _may_be_ends(bars: FirstBars, clocks: Int64s, length: int) -> bool:
    """Return whether more rows can show that bars, or those of a ticker, are labelled by their ends.

    Those of a ticker without gaps begin a bar behind the opening; a ticker with gaps can have no bar there.
    """
    if not (clocks == _OPEN + length).any():
        return False
    first, _ = _bounds(clocks, bars.code)
    late = first == _OPEN + length
    if not late.any() or clocks.min() == _OPEN + length:
        return bool(late.any())
    alike = bars.neighbours() & (bars.code[1:] >= 0)
    of = bars.code[1:]
    count = np.bincount(of[alike], minlength=len(first))
    dense = np.bincount(of[alike & (np.diff(bars.start) == length)], minlength=len(first)) >= _MOST_OF_A_DAY * count
    return bool((late & dense & (count >= _FEWEST)).any())


def _bounds(clocks: Int64s, codes: Int64s) -> tuple[Int64s, Int64s]:
    """Return the first and the last time of day of each ticker; a ticker without a row has none that is usual."""
    count = int(codes.max(initial=0)) + 1
    first, last = np.full(count, NS_PER_DAY), np.full(count, -1)
    known = codes >= 0
    np.minimum.at(first, codes[known], clocks[known])
    np.maximum.at(last, codes[known], clocks[known])
    return first, last


def _of_some_tickers(clocks: Int64s, codes: Int64s, length: int) -> Oddity | None:
    """Return that some tickers have the hours of ends, and others those of starts."""
    first, last = _bounds(clocks, codes)
    ends = (first == _OPEN + length) & (last == _CLOSE)
    starts = (first == _OPEN) & (last == _CLOSE - length)
    if not (ends.any() and starts.any()):
        return None
    return Oddity(
        "bars of {} of {} tickers carry the time of their end, as from 09:31 to 16:00 in New York, and others that of "
        f"their start: {_ONE_KIND}",
        (int(ends.sum()), int((ends | starts).sum())),
    )


def _look_for_starts(known: Int64s, length: int) -> Iterator[Oddity]:
    """Look for bars labelled by their start although they are read as labelled by their end."""
    clocks = _times_of_day(known, _NEW_YORK)
    first, last = int(clocks.min()), int(clocks.max())
    is_session = (first, last + length) in ((_OPEN, _CLOSE), (_OPEN, _EARLY_CLOSE), (_PRE, _POST), (_PRE, _CLOSE))
    is_day = (
        known.max() - known.min() >= _MOST_OF_A_DAY * NS_PER_DAY
        and known.min() % NS_PER_DAY == 0
        and (known.max() + length) % NS_PER_DAY == 0
    )
    if length < NS_PER_DAY and (is_session or is_day):
        hours = f"{_clock(first)} to {_clock(last)} in New York" if is_session else "midnight UTC on"
        yield Oddity(
            f"bars carry the time of their start, from {hours}, but are read as labelled by their end, a bar before "
            "they are known: recordings.bar_label=end goes for all files, so replay those that differ apart"
        )


def _are_closes(clocks: Int64s) -> bool:
    """Return whether times of day are those of a close, or up to half an hour behind one, such as 16:15."""
    late = (clocks >= _CLOSE - _MINUTE) & (clocks <= _CLOSE + _SETTLED)
    early = (clocks >= _EARLY_CLOSE - _MINUTE) & (clocks <= _EARLY_CLOSE + _SETTLED)
    return bool((late | early).all())


def _are_ends_of_days(times: Int64s, length: int) -> bool:
    """Return whether times fill whole days of UTC that begin a bar behind midnight and end with midnight."""
    first, last = int(times.min()), int(times.max())
    is_whole = last - first >= _MOST_OF_A_DAY * NS_PER_DAY
    return is_whole and first % NS_PER_DAY == length and last % NS_PER_DAY == 0


def _are_ends_of(calendar: MarketCalendar, times: Int64s, length: int) -> bool:
    """Return whether times go from a bar behind the beginning of a phase to the end of one."""
    if not isinstance(calendar, CustomCalendar) or len(times) < _FEWEST:
        return False
    first, last = _times_of_day(np.array([times.min(), times.max()]), ZoneInfo(calendar.zone)).tolist()
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
    if (first, last) == (_PRE + length, _CLOSE):
        return True
    if last == _POST:
        return _PRE < first <= _OPEN + length
    begins = first in (_OPEN + length, -(-_OPEN // length) * length) and first > _OPEN
    at_close = last in (_CLOSE, _EARLY_CLOSE) or (first == _OPEN + length and _CLOSE < last < _CLOSE + length)
    return begins and at_close and len(times) > 1


def _clock(clock: int) -> str:
    """Return a time of day (ns) as hours and minutes."""
    return f"{clock // (60 * _MINUTE):02}:{clock // _MINUTE % 60:02}"


CHECK = RecordingCheck("bar_label", ("ohlcv",), _look)

"""Times of New York's clocks that are read as UTC, and times of arrival whole hours behind those of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from tickstock_cli.core.recording_schema import is_recorded
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.stated import StatedFacts
from tickstock_cli.sources.records import is_number

_MINUTE = 60 * NS_PER_SECOND
_HOUR = 60 * _MINUTE
_SESSIONS = ((9 * _HOUR + 30 * _MINUTE, 16 * _HOUR), (4 * _HOUR, 20 * _HOUR))
"""Regular and extended hours of New York."""
_CONFIRMED = "Etc/UTC"
_NEARLY_ALL = 0.9
_FEWEST = 3


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.once(_is_live):  # a live run records UTC
        return
    if facts.once(_can_be_local):
        yield from _look_at_hours(facts)
    if facts.has("received_at") and not facts.first.is_empty:
        yield from _look_at_arrivals(facts)


def _is_live(facts: Facts) -> bool:
    return is_recorded(facts.schema)


def _can_be_local(facts: Facts) -> bool:
    """Return whether times are numbers, or have a zone that nobody confirmed; of others it is told anyway."""
    if facts.options.calendar != "XNYS" or facts.options.timezone == _CONFIRMED:
        return False
    type_ = facts.schema.field(facts.layout.columns["timestamp"]).type
    return is_number(type_) or (isinstance(type_, pa.TimestampType) and type_.tz is not None)


def _look_at_hours(facts: Facts) -> Iterator[Oddity]:
    """Look whether the first and the last time, read as UTC, are those of a session of New York."""
    bounds = facts.time_bounds()
    if bounds is None:
        return
    step = _MINUTE
    if facts.record == "ohlcv":
        step = max(step, int(facts.reader.times(facts.head, 0).interval.max(initial=0)))  # type: ignore[union-attr]  # of bars
    for start, end in _SESSIONS:
        if _are_of_session(*bounds, (start, end), step):
            yield Oddity(
                f"times go from {_clock(start)} to {_clock(end)} by UTC, as the clocks of New York do: if they are "
                "local, write them as datetimes without a zone and set recordings.timezone=America/New_York "
                f"({_CONFIRMED} confirms UTC)"
            )


def _are_of_session(first: Any, last: Any, session: tuple[int, int], step: int) -> Any:
    """Return whether the first and the last time of a file, or of each of many, are those of a session.

    Parameters
    ----------
    step
        Longest time from the session's bounds, ns.
    """
    (start, end), first, last = session, first % NS_PER_DAY, last % NS_PER_DAY
    begins = (start <= first) & (first <= start + step)
    return begins & (end - step <= last) & (last < end + _MINUTE) & (step < _HOUR)


def _screen(files: StatedFacts) -> bool:
    shared = files.shared
    if shared.once(_is_live):
        return True
    if shared.has("received_at") or shared.record == "ohlcv":
        return False
    if not shared.once(_can_be_local):
        return True
    bounds = files.time_bounds()
    return bounds is not None and not any(_are_of_session(*bounds, session, _MINUTE).any() for session in _SESSIONS)


def _clock(time: int) -> str:
    return f"{time // _HOUR:02}:{time // _MINUTE % 60:02}"


def _look_at_arrivals(facts: Facts) -> Iterator[Oddity]:
    """Look whether rows were received whole hours before or behind their time."""
    times = facts.reader.times(facts.head, 0)
    known = times.timestamp + (0 if times.interval is None else times.interval)
    delays = (times.available - known)[times.timestamp > 0]
    if len(delays) < _FEWEST:
        return
    hours = round(float(np.median(delays)) / _HOUR)
    if hours and np.mean(np.abs(delays - hours * _HOUR) <= _MINUTE) >= _NEARLY_ALL:
        way = "behind" if hours > 0 else "before"
        yield Oddity(
            f"received_at is {abs(hours)} h {way} the times of rows, as with clocks of two zones: if so, convert one, "
            "or leave it out with --map received_at= (an empty name)"
        )


CHECK = RecordingCheck("local_times", ("tick", "ohlcv", "fmv"), _look, screen=_screen)

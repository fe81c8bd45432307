"""Dates written as numbers, such as 20240103, and times that lie in another age."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY, NS_PER_SECOND, format_time
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.stated import StatedFacts
from tickstock_cli.sources.plain_numbers import real, whole
from tickstock_cli.sources.records import is_number

_FORMATS = {8: "%Y%m%d", 10: "%Y%m%d%H", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
"""By the number of digits."""
_MILLISECONDS = 17
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_FINE_CLOCKS_NS = 946_684_800_000_000_000
"""2000: times before have whole seconds."""
_EARLIEST_NS, _LATEST_NS = 473_385_600_000_000_000, 4_102_444_800_000_000_000
"""1985 and 2100: no market was recorded before, tick by tick, or is after."""


def _look(facts: Facts) -> Iterator[Oddity]:
    theirs = facts.layout.columns.get("timestamp")
    if theirs is None or facts.first.is_empty:
        return
    numbers = _numbers(facts, theirs) if facts.once(_are_numbers) else None
    if numbers is not None:
        positive = numbers[numbers > 0]
        if len(positive) and (shown := _as_date(positive)) is not None:
            raise facts.stop(
                f"times such as {positive[0]} are dates that are written as numbers ({shown}), not a time since 1970: "
                "write them as dates or datetimes, as pandas.to_datetime and polars.Expr.str.to_datetime do"
            )
    bounds = facts.time_bounds()
    if bounds is not None and _are_usual(*bounds):
        return
    times = facts.reader.times(facts.head, 0).timestamp
    usable = times[times > 0]
    if len(usable) and int(usable.max()) < NS_PER_DAY:
        yield Oddity(
            "times are of the first day of 1970, as times of day are that lack their day: if they do, write a column "
            "of days, and them as durations since midnight, and map both, as with --map timestamp=DAY "
            "--map time_of_day=TIME"
        )
    elif len(usable) and not _EARLIEST_NS <= (middle := int(usable[len(usable) // 2])) < _LATEST_NS:
        yield Oddity(
            f"times are of the year {format_time(middle)[:4]}: if that is wrong, recordings.timestamp_unit sets the "
            "unit of numbers since 1970, and those that count days, from midnight or from another year must be "
            "converted"
        )
    elif len(usable) and middle < _FINE_CLOCKS_NS and bool((usable % NS_PER_SECOND != 0).any()):
        yield Oddity(
            f"times are of the year {format_time(middle)[:4]}, but finer than a second, as no market was recorded "
            "then: if numbers count from another year than 1970, convert them"
        )


def _screen(files: StatedFacts) -> bool:
    if "timestamp" not in files.shared.layout.columns:
        return True
    bounds = None if files.shared.once(_are_numbers) else files.time_bounds()
    return bounds is not None and bool(_are_usual(*bounds).all())


def _are_usual(first: Any, last: Any) -> Any:
    """Return whether the first and the last time of a file, or of each of many, are of a market's age."""
    return (first >= _FINE_CLOCKS_NS) & (last < _LATEST_NS)


def _are_numbers(facts: Facts) -> bool:
    return is_number(facts.schema.field(facts.layout.columns["timestamp"]).type)


def _numbers(facts: Facts, name: str) -> Int64s | None:
    """Return the first values of a column of numbers, without fractions, 0 for none; None if they can be no dates."""
    if pt.is_integer(facts.schema.field(name).type) and not _can_be_dates(facts, name):
        return None
    column = facts.first.column(name)
    if pt.is_integer(column.type):
        return whole(column, 0)
    numbers = real(column, 0.0)
    return np.where(np.abs(numbers) < 2.0**63, np.floor(numbers), 0.0).astype(np.int64)


def _can_be_dates(facts: Facts, column: str) -> bool:
    """Return whether numbers can have as many digits as dates, by the extremes that the file states."""
    extremes = facts.extremes(column)
    if extremes is None or extremes.low <= 0:
        return True
    digits = range(len(str(extremes.low)), len(str(extremes.high)) + 1)
    return any(count in digits for count in (*_FORMATS, _MILLISECONDS))


def _as_date(numbers: Int64s) -> str | None:
    """Return the first number as a date, if all of them are dates with the same number of digits."""
    digits = len(str(numbers[0]))
    if digits not in (*_FORMATS, _MILLISECONDS) or (first := _date(str(numbers[0]), digits)) is None:
        return None
    others = (_date(str(number), digits) for number in np.unique(numbers).tolist())
    return None if None in others else first


def _date(text: str, digits: int) -> str | None:
    if len(text) != digits:
        return None
    try:
        found = datetime.strptime(text[:14], _FORMATS[min(digits, 14)])  # noqa: DTZ007 - shown as it is written
    except ValueError:
        return None
    if not _FIRST_YEAR <= found.year < _LAST_YEAR:
        return None
    return str(found.date()) if digits == min(_FORMATS) else str(found)


CHECK = RecordingCheck("times", ("tick", "ohlcv", "fmv"), _look, screen=_screen)

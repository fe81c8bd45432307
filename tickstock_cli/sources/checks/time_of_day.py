"""Days without the time of day that stands in another column, and times to which one would be added twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow.types as pt

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_DAY
from tickstock_cli.sources.checks.bar_spacing import ticker_codes
from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.checks.several_values import unread
from tickstock_cli.sources.checks.stated import StatedFacts
from tickstock_cli.sources.records import CLOCK, TEXT

_HOUR = NS_PER_DAY // 24
_FEWEST = 3
_MOST_OFFSETS = 2
"""Midnights of a zone in UTC: those of summer and of winter."""
_MIDNIGHTS = (0, 4 * _HOUR, 5 * _HOUR)
"""Of UTC, and of New York in summer and in winter, by UTC."""
_MOST_DIFFERENT = 0.5
"""Of rows of days alone: a ticker has several on each."""
_NAMES = ("time", "timem", "tod", "timeofday", "tradetime", "clock", "exchangetime", "localtime", "hms")
"""Tokens of columns with a time of day."""


def _look(facts: Facts) -> Iterator[Oddity]:
    if facts.first.is_empty:
        return
    if "time_of_day" in facts.layout.columns:
        _stop_at_second_clock(facts)
    elif facts.record != "ohlcv" and _are_days(facts):
        column = next((name for name in unread(facts, _NAMES)), None)
        if column is not None and CLOCK.accepts(facts.schema.field(column).type):
            raise facts.stop(
                f"times are days alone, and column {column} has the time of day: --map time_of_day={column} adds it"
            )
        where = "" if column is None else f", unlike column {column}"
        yield Oddity(
            f"times are days alone{where}, so that all rows of a day are known at its midnight: write times as "
            "datetimes"
        )


def _screen(files: StatedFacts) -> bool:
    if "time_of_day" in files.shared.layout.columns:
        return False
    if files.shared.record == "ohlcv":
        return True
    bounds = None if files.shared.once(_are_dates_or_texts) else files.time_bounds()
    return bounds is not None and bool(_have_clocks(*bounds).all())


def _have_clocks(first: Any, last: Any) -> Any:
    """Return whether the first or the last time of a file, or of each of many, is no midnight of any zone."""
    return (first % _HOUR != 0) | (last % _HOUR != 0)


def _stop_at_second_clock(facts: Facts) -> None:
    """Raise SchemaError if times have a time of day themselves."""
    theirs, clock = facts.layout.columns["timestamp"], facts.layout.columns["time_of_day"]
    if pt.is_date(facts.schema.field(theirs).type):
        return
    days = facts.reader.days(facts.head)
    if len(np.unique(days[days > 0] % NS_PER_DAY)) > _MOST_OFFSETS:
        raise facts.stop(
            f"column {theirs} has times of day itself, and those of column {clock} would be added to them: leave that "
            "out with --map time_of_day= (an empty name)"
        )


def _are_days(facts: Facts) -> bool:
    """Return whether all times are midnights, several rows of a ticker at each."""
    bounds = facts.time_bounds()
    if bounds is not None and _have_clocks(*bounds) and not facts.once(_are_dates_or_texts):
        return False
    times = facts.reader.times(facts.head, 0).timestamp
    type_ = facts.schema.field(facts.layout.columns["timestamp"]).type
    if len(times) < _FEWEST or not (pt.is_date(type_) or _are_midnights(times[times > 0])):
        return False
    rows = np.stack([ticker_codes(facts.reader.array(facts.head, "ticker")), times])
    return bool(np.unique(rows, axis=1).shape[1] <= _MOST_DIFFERENT * len(times))


def _are_midnights(times: Int64s) -> bool:
    """Return whether times are midnights of UTC or of New York."""
    clocks = np.unique(times % NS_PER_DAY)
    return bool(0 < len(clocks) <= _MOST_OFFSETS and np.isin(clocks, _MIDNIGHTS).all())


def _are_dates_or_texts(facts: Facts) -> bool:
    """Return whether the bounds of times say nothing of their clocks."""
    type_ = facts.schema.field(facts.layout.columns["timestamp"]).type
    return bool(pt.is_date(type_)) or TEXT.accepts(type_)


CHECK = RecordingCheck("time_of_day", ("tick", "ohlcv", "fmv"), _look, screen=_screen)

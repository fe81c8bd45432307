"""Options of reading recordings: plain values from settings and flags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Any

from tickstock_cli.core.trading_hours import MarketCalendar


class Unsorted(Enum):
    """Policy for a file whose rows are not in the order of their available times."""

    FAIL = "fail"
    """Raise an OrderError that names the first row out of order."""

    REJECT = "reject"
    """Continue: a late row counts as available when it is read, and the `late` rule can reject it."""

    SORT = "sort"
    """Sort the file by available time first, on disk; rows of the same time keep their order."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How recordings are read.

    Parameters
    ----------
    columns
        Our column names -> the recording's, where they differ. A recording without the named column is read by our
        name; an empty name hides a column.
    timestamp_unit
        Unit of integer times: s, ms, us, ns, or auto (guessed from their magnitude, per file and column).
    timezone
        IANA name of the zone of datetimes that have none.
    time_format
        Form of times that are texts, as strftime has it; auto is that of the first rows.
    interval_seconds
        Length of a bar without a column `interval`; above 0.
    interval_unit
        Unit of numbers in a column `interval`: s, min, h, d, ms, us, ns, or auto (s, if it fits the distance of bars).
    bar_label
        Whether the times of bars are their start or their end; auto is start.
    flags
        Whose bits the column `flags` has: auto and tickstock are ours, databento and mt5 are translated.
    scale
        Our column names -> a factor above 0 for their values. `price` is for all prices, and `size` for all volumes,
        that have none of their own.
    where
        Column names, ours or the recording's -> the values of the rows to read. A recording without the column is read
        in full.
    copies
        Whether files with the same rows are read once or all.
    ticker_from
        Where the ticker is in files without a column for it: nowhere (column), in their names (filename), or
        in those of their folders (folder).
    start, end
        Available times in ns since the epoch, UTC: rows in [start, end) are read. None is no bound.
    symbols
        The tickers to read; None is all.
    unsorted
        Policy for files that are not in order.
    sort_memory_bytes
        Memory bound for sorting one file.
    sort_dir
        Folder for temporary files; None is the system's.
    calendar
        That of the run: it says at which times a live feed is silent, and which conditions of trades hide prices.
    sections
        Settings of sources, by the source's name, and those of all live feeds, under ``live``.
    params
        Settings of the source that is opened: its section, or its defaults. ``sources.opening`` fills it in.
    keep_originals
        Whether the run looks up original rows: a source that can be read only once must store them then.
    judges_late
        Whether ``Unsorted.REJECT`` only counts what it would reject, so that a file that it misreads is read, too.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    timestamp_unit: str = "auto"
    timezone: str = "UTC"
    time_format: str = "auto"
    interval_seconds: int = 60
    interval_unit: str = "auto"
    bar_label: str = "auto"
    flags: str = "auto"
    scale: Mapping[str, float] = field(default_factory=dict)
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    copies: str = "once"
    ticker_from: str = "column"
    start: int | None = None
    end: int | None = None
    symbols: frozenset[str] | None = None
    unsorted: Unsorted = Unsorted.FAIL
    sort_memory_bytes: int = 512 << 20
    sort_dir: Path | None = None
    calendar: MarketCalendar = "XNYS"
    sections: Mapping[str, Any] = field(default_factory=dict)
    params: Any = None
    keep_originals: bool = True
    judges_late: bool = False


_DEFAULTS = ReadOptions()


def is_set(options: ReadOptions, name: str) -> bool:
    """Return whether a field has another value than its default."""
    return bool(getattr(options, name) != getattr(_DEFAULTS, name))


def with_layout(options: ReadOptions, layout: Mapping[str, Any]) -> ReadOptions:
    """Return options with the settings of a known layout, where the user's have their defaults.

    Parameters
    ----------
    layout
        Names of fields -> their values. Factors of `scale` are added to those of the user.
    """
    changes = {name: value for name, value in layout.items() if not is_set(options, name)}
    if "scale" in layout:
        changes["scale"] = {**layout["scale"], **options.scale}
    return replace(options, **changes)

"""Bounds of the available times of a file, as its footer tells them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.kernels.normalise import LARGEST_TIME
from tickstock_cli.sources.first_rows import FirstRows
from tickstock_cli.sources.interpretation import TIME_COLUMNS, Interpretation
from tickstock_cli.sources.interpretation import first_available as first_of_rows
from tickstock_cli.sources.intervals import whole_ends
from tickstock_cli.sources.recognise import Layout
from tickstock_cli.sources.recording_file import RowGroup
from tickstock_cli.sources.row_groups import GroupFooter
from tickstock_cli.sources.zones import in_utc

_END_OF_A_BAR = 5 * NS_PER_SECOND
"""A multiple of this is the end of a bar itself, and not its last moment."""


def row_group(footer: GroupFooter, layout: Layout, how: Interpretation) -> RowGroup:
    """Return a row group, with the bounds of its available times where the footer tells them."""
    earliest, latest = _available_bounds(footer, layout, how)
    tickers = footer.bounds.get(layout.columns.get("ticker", ""))
    bounds = (str(tickers.low), str(tickers.high)) if tickers is not None else None
    if how.selects_rows:  # the last time can be that of a row that is not selected
        latest = None
    return RowGroup(footer.first, footer.rows, earliest, latest, bounds)


def _available_bounds(footer: GroupFooter, layout: Layout, how: Interpretation) -> tuple[int | None, int | None]:
    """Return a lower bound of the available times of a row group, and their exact maximum, where known.

    With `received_at`, the bounds are those of that column, unless it has nulls. Otherwise available times are the
    timestamps of ticks and fair values, and the timestamps of bars plus a constant, unless each bar has an interval.
    """
    spans = {name: _span(name, footer, layout, how) for name in TIME_COLUMNS if name in layout.columns}
    event = None if "time_of_day" in layout.columns else spans["timestamp"]
    if "received_at" in spans:
        received = spans["received_at"]
        if received is None:
            return None, None
        low, high, nulls = received
        if not nulls:
            return low, high
        return (min(low, event[0]) if event is not None else None), None
    if event is None:
        return None, None
    low, high, _ = event
    if layout.record.name != "ohlcv":
        return low, high
    has_lengths = "interval" in layout.columns or "interval" in layout.constants
    if how.bars_at_end and has_lengths:
        return low, None if high % _END_OF_A_BAR else high
    if has_lengths:
        return low, None
    if how.bars_at_end:
        ends = whole_ends(np.array([low, high]), how.interval_ns).tolist()
        return ends[0], ends[1]
    return low + how.interval_ns, min(high + how.interval_ns, LARGEST_TIME)


def _span(name: str, footer: GroupFooter, layout: Layout, how: Interpretation) -> tuple[int, int, bool] | None:
    bounds = footer.bounds.get(layout.columns[name])
    if bounds is None or name not in how.bounded:
        return None
    encoding = how.encodings[name]
    low, high = int(bounds.low) * encoding.step, int(bounds.high) * encoding.step
    if encoding.zone is not None and 0 < low <= high <= LARGEST_TIME:
        low, high = in_utc(np.array([low, high]), encoding.zone).tolist()
    if low <= 0 or high > LARGEST_TIME:  # such bounds include unusable times
        return None
    return low, high, bounds.nulls


def first_available(
    footers: Sequence[GroupFooter], groups: Sequence[RowGroup], how: Interpretation, first: FirstRows
) -> int:
    """Return the earliest available time, if the footer tells it for every row; otherwise that of the first rows."""
    columns, recorded = how.layout.columns, "received_at" if "received_at" in how.layout.columns else "timestamp"
    bounds = [footer.bounds.get(columns.get(recorded, "")) for footer in footers]
    earliest = [group.earliest for group in groups if group.latest is not None and group.earliest is not None]
    is_exact = not how.selects_rows and how.encodings[recorded].zone is None and bool(groups)
    if is_exact and len(earliest) == len(groups) and all(bound is not None and not bound.nulls for bound in bounds):
        return min(earliest)
    return first_of_rows(how.reader, first.decoded())


def time_bounds(footers: Sequence[GroupFooter], layout: Layout, how: Interpretation) -> tuple[int, int] | None:
    """Return the first and the last `timestamp` of all rows (int64 ns); None where a footer does not tell them."""
    spans = [_span("timestamp", footer, layout, how) for footer in footers]
    known = [span for span in spans if span is not None]
    if not known or len(known) < len(spans):
        return None
    return min(low for low, _, _ in known), max(high for _, high, _ in known)

"""The gaps of a live feed that lie before a moment, as its recording has them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tickstock_cli.core.calendar import SEGMENT_DAY, Calendar
from tickstock_cli.recording.folder import GAPS
from tickstock_cli.recording.manifest import read_lines


@dataclass(frozen=True, slots=True)
class FeedGap:
    """Rows of this time were not received, or not recorded.

    Parameters
    ----------
    begin, end
        ``received_at`` of the last row before it and of the first row after it, ns UTC; an end of None is unknown.
    """

    begin: int
    end: int | None
    channels: tuple[str, ...]
    reason: str


def gaps_before(paths: Iterable[str | Path], calendar: Calendar, at: int) -> tuple[FeedGap, ...]:
    """Return the gaps that lie between the beginning of the day of ``at`` (ns UTC, the calendar's days) and ``at``.

    State of detectors goes no further back, but for the average volume of bars. Paths that are no folder of a recording
    have none.
    """
    table = calendar.table(at, at)
    days = table.segments // SEGMENT_DAY
    today = days[int(table.starts.searchsorted(at, side="right")) - 1]
    begin = int(table.starts[int(days.searchsorted(today))])
    found: dict[tuple[int, tuple[str, ...]], FeedGap] = {}
    for path in map(Path, paths):
        if not (path / GAPS).is_file():
            continue
        for line in read_lines(path / GAPS):
            gap = _gap(line)
            if gap is not None:  # the line of its end replaces that of its beginning
                found[gap.begin, gap.channels] = gap
    inside = [gap for gap in found.values() if gap.begin < at and (gap.end is None or gap.end > begin)]
    return tuple(sorted(inside, key=lambda gap: gap.begin))


def _gap(line: dict[str, Any]) -> FeedGap | None:
    """Return the gap of a line; None if it is not one."""
    begin, end = line.get("begin"), line.get("end")
    if not isinstance(begin, int) or not (end is None or isinstance(end, int)):
        return None
    return FeedGap(begin, end, tuple(map(str, line.get("channels", ()))), str(line.get("reason", "")))

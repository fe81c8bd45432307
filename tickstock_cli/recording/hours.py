"""Hours: the file that a recorded row belongs to, by its segment date and its hour in New York."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa

from tickstock_cli.core.calendar import SEGMENT_DAY, Calendar, market_zone
from tickstock_cli.core.hour_files import TIME_COLUMNS, HourFile

HOUR_NS = 3_600_000_000_000
_EPOCH = date(1970, 1, 1)


class Hours:
    """The hours of one recorded folder.

    New York's offset from UTC is a whole number of hours, so an hour of UTC has one hour in New York. At the end of
    daylight-saving time two hours of UTC have the same one: their rows share a file.

    Parameters
    ----------
    root
        The recorded folder.
    calendar
        Decides the segment dates.
    """

    def __init__(self, root: Path, calendar: Calendar) -> None:
        self._root = root
        self._calendar = calendar
        self._zone = market_zone("XNYS")
        self._known: dict[int, tuple[Path, str]] = {}

    def at(self, time: int, type: str) -> HourFile:  # noqa: A002 - as HourFile calls it
        """Return the file for a time (int64 ns UTC, above 0) and a type; its first part."""
        hour = time // HOUR_NS
        if hour not in self._known:
            self._known[hour] = self._place(hour * HOUR_NS)
        return HourFile(self._known[hour][0], type, self._known[hour][1])

    def pieces(self, rows: pa.RecordBatch, type: str) -> Iterator[pa.RecordBatch]:  # noqa: A002 - likewise
        """Yield rows, which are in the order of their times, cut at the ends of hours."""
        times = rows.column(TIME_COLUMNS[type]).to_numpy()
        hours = times // HOUR_NS
        cuts = [0, *(np.flatnonzero(np.diff(hours)) + 1).tolist(), len(times)]
        for first, end in pairwise(cuts):
            if first < end:
                yield rows.slice(first, end - first)

    def _place(self, start: int) -> tuple[Path, str]:
        table = self._calendar.table(start, start)
        segment = int(table.segments[int(table.starts.searchsorted(start, side="right")) - 1])
        day = _EPOCH + timedelta(days=segment // SEGMENT_DAY)
        local = datetime.fromtimestamp(start // 1_000_000_000, UTC).astimezone(self._zone)
        return self._root / day.isoformat(), f"{local.hour:02}"

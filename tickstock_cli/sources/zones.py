"""Converts local time to UTC, for times that were recorded without a zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_SECOND

_QUARTER_MINUTES = 15
"""Clocks change at multiples of this, and by multiples of this."""
_QUARTER = _QUARTER_MINUTES * 60 * NS_PER_SECOND
_SKIPPED = -1
"""The offset of a local time that a clock change skipped: no real offset is odd in ns."""


def in_utc(local: Int64s, zone: ZoneInfo) -> Int64s:
    """Return local times of a zone (int64 ns since 1970 on its clocks) in UTC (int64 ns).

    In an hour that occurs twice, the first one counts. Times that are not above 0, and times in an hour that a clock
    change skipped, become 0: unusable. The order of local times is kept.
    """
    if not len(local):
        return local
    quarters = local // _QUARTER
    starts = np.concatenate([[0], np.flatnonzero(np.diff(quarters)) + 1])
    offsets = np.array([_offset(int(quarter), zone) for quarter in quarters[starts]], dtype=np.int64)
    offset = np.repeat(offsets, np.diff([*starts, len(local)]))
    return np.where((local > 0) & (offset != _SKIPPED), local - offset, 0)


def is_repeated(time: int, zone: ZoneInfo) -> bool:
    """Return whether a time (int64 ns UTC) lies in an hour that occurs twice on the clocks of a zone."""
    local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time // 1_000)).astimezone(zone)
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@lru_cache(maxsize=1 << 16)
def _offset(quarter: int, zone: ZoneInfo) -> int:
    """Return how far a zone is ahead of UTC (ns) in a quarter of an hour of its own time, counted from 1970."""
    shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=quarter * _QUARTER_MINUTES)
    local = shown.replace(tzinfo=zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=UTC) != shown:
        return _SKIPPED
    offset = local.utcoffset()
    assert offset is not None  # a ZoneInfo always has one
    return round(offset.total_seconds()) * NS_PER_SECOND

"""Half-hours of the market's day."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.calendar import day_begin, market_zone
from tickstock_cli.core.trading_hours import MarketCalendar

HALF_HOUR_NS = 1_800_000_000_000


def half_hours(times: Int64s, calendar: MarketCalendar) -> tuple[list[str], NDArray[np.int64]]:
    """Return the half-hours of times (int64 ns UTC) by their starts, as in "09:30", and the place of each time.

    They are those of the calendar's zone, in the order of its day: one that begins in the evening has those first.
    """
    zone = market_zone(calendar)
    # Offsets are whole half-hours nearly everywhere, so half-hours of UTC are the zone's; each is converted once.
    starts, positions = np.unique(times // HALF_HOUR_NS, return_inverse=True)
    local = [datetime.fromtimestamp(start * 1800, UTC).astimezone(zone).strftime("%H:%M") for start in starts.tolist()]
    names = sorted(set(local), key=lambda name: (_minutes(name) - day_begin(calendar) // 60 // 30 * 30) % 1_440)
    return names, np.array([names.index(name) for name in local], np.int64)[positions]


def _minutes(name: str) -> int:
    """Return a time of day in minutes from midnight."""
    return int(name[:2]) * 60 + int(name[3:])

"""Trading days: the date of a time's segment, and the limits of a date's phases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.core.calendar import PHASE_MASK, SEGMENT_DAY, Calendar, SessionTable, market_zone
from tickstock_cli.core.events import PHASES
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.core.trading_hours import MarketCalendar

Bools = NDArray[np.bool_]

_QUARTER_NS = 900_000_000_000

_EPOCH = date(1970, 1, 1)
_EPOCH_TIME = datetime(1970, 1, 1, tzinfo=UTC)


class DayLimits(NamedTuple):
    """Limits of one trading day, in int64 ns UTC.

    Parameters
    ----------
    midnight
        Local midnight of the date.
    start, end
        First instant of the day's first chosen phase, and the first one after its last; 0 if it has none of them.
    over
        First instant of the next date's first segment.
    """

    midnight: int
    start: int
    end: int
    over: int


class TradingDays:
    """Day numbers (days since 1970-01-01 of a segment's date) and their limits.

    Parameters
    ----------
    calendar
        See ``core.calendar.Calendar``.
    phases
        Phases whose prints are used: names of ``core.events.PHASES``.
    """

    def __init__(self, calendar: MarketCalendar, phases: Sequence[str]) -> None:
        self._calendar = Calendar(calendar)
        self._zone = market_zone(calendar)
        self.is_chosen = np.zeros(SEGMENT_DAY, dtype=np.bool_)  # a segment of -1, too, is looked up
        """By phase code: whether its prints are used."""
        self.is_chosen[: len(PHASES)] = [phase in phases for phase in PHASES]
        self._limits: dict[int, DayLimits] = {}

    def table(self, earliest: int, latest: int) -> SessionTable:
        """Return a table that covers all times of ``[earliest, latest]`` (int64 ns UTC, above 0)."""
        return self._calendar.table(earliest, latest)

    def segments(self, times: Int64s) -> Int64s:
        """Return the segments of times (int64 ns UTC, above 0)."""
        if not len(times):
            return np.empty(0, dtype=np.int64)
        earliest, latest = int(times.min()), int(times.max())
        table = self._calendar.table(earliest, latest)
        first, last = (int(place) - 1 for place in table.starts.searchsorted((earliest, latest), side="right"))
        if first == last:
            return np.full(len(times), table.segments[first], dtype=np.int64)
        return table.segments[table.starts.searchsorted(times, side="right") - 1]

    def numbers(self, times: Int64s) -> Int32s:
        """Return the day numbers of times (int64 ns UTC, above 0)."""
        return (self.segments(times) // SEGMENT_DAY).astype(np.int32)

    def clocks(self, times: Int64s) -> Int64s:
        """Return the local time of day of times (int64 ns UTC), in ns since midnight."""
        quarters, places = np.unique(times // _QUARTER_NS, return_inverse=True)  # clocks change at whole quarters
        moments = (datetime.fromtimestamp(quarter * 900, UTC).astimezone(self._zone) for quarter in quarters.tolist())
        elapsed = [(moment.hour * 60 + moment.minute) * 60 + moment.second for moment in moments]
        return np.array(elapsed, dtype=np.int64)[places] * 1_000_000_000 + times % _QUARTER_NS

    def are_inside(self, times: Int64s) -> Bools:
        """Return whether the phase of each time is chosen."""
        return self.has_chosen_phase(self.segments(times))

    def has_chosen_phase(self, segments: Int64s) -> Bools:
        """Return whether the phase of each segment is chosen; no segment (-1) never is."""
        chosen: Bools = self.is_chosen[segments & PHASE_MASK] & (segments >= 0)
        return chosen

    def limits(self, number: int) -> DayLimits:
        """Return the limits of a day."""
        known = self._limits.get(number)
        if known is None:
            known = self._limits[number] = self._find(number)
        return known

    def _find(self, number: int) -> DayLimits:
        day = _EPOCH + timedelta(days=number)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone).astimezone(UTC) - _EPOCH_TIME
        midnight_ns = (midnight.days * 86_400 + midnight.seconds) * 1_000_000_000
        window = 4 * 86_400 * 1_000_000_000  # a long weekend; a segment of the date may begin on an earlier date
        table = self._calendar.table(max(1, midnight_ns - window), min(MAX_NS, midnight_ns + 2 * window))
        numbers = table.segments // SEGMENT_DAY
        own = np.flatnonzero(numbers == number)
        over = int(table.starts[own[-1] + 1]) if own[-1] + 1 < len(table.starts) else MAX_NS
        chosen = own[self.is_chosen[table.segments[own] & PHASE_MASK]]
        if not len(chosen):
            return DayLimits(midnight_ns, 0, 0, over)
        return DayLimits(midnight_ns, int(table.starts[chosen[0]]), int(table.starts[chosen[-1] + 1]), over)

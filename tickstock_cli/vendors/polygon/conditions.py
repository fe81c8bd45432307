"""Trade conditions to flags: what a trade may not move, by the ids of its conditions.

A trade needs all its conditions to allow something, so its flags are the union of what each of them forbids: 1 = last
price, 2 = volume, 4 = high or low (`kernels.admission`). No condition, or id 0, is a regular sale: it forbids nothing.

References
----------
Update rules of the vendor's ``/v3/reference/conditions`` for stocks, and its knowledge base on extended-hours bars.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s, UInt8s
from tickstock_cli.core.calendar import DAY_NS, PHASE_MASK, REGULAR, XNYS, Calendar
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.kernels.admission import HIDES_EXTREMES, HIDES_LAST, HIDES_VOLUME

Int16s = NDArray[np.int16]
Bools = NDArray[np.bool_]

UNREADABLE = -1
"""Stands for a condition that is no id: it forbids what an unknown id forbids."""

LATE_PRINT_SECONDS = 10.0

_EXTENDED_HOURS = 12
"""Every trade outside 09:30-16:00 has it; the vendor's own extended-hours bars take their prices from such trades."""

_FORBIDDEN = {
    # Volume and prices: regular sales, sweeps, crosses, openings, closings, and what else is sold at the market.
    0: (0, 1, 3, 4, 6, 8, 9, 11, 14, 17, 18, 19, 23, 24, 25, 27, 28, 30, 31, 34, 35, 36, 41, 55),
    # Sold late or out of sequence: a high or low of the day, but not its last price.
    HIDES_LAST: (5, 10, 22, 32, 33),
    # Average prices, odd lots, other settlement, contingent trades, extended hours.
    HIDES_LAST | HIDES_EXTREMES: (2, 7, _EXTENDED_HOURS, 13, 20, 21, 29, 37, 52, 53),
    # The official open and close repeat an auction that is already on the tape.
    HIDES_LAST | HIDES_EXTREMES | HIDES_VOLUME: (15, 16),
    # A corrected close is no trade.
    HIDES_VOLUME: (38,),
}
_NOT_OF_A_SALE = (*range(57, 61), *range(62, 72))
"""Short-sale restrictions and the financial status of the company."""

_YEAR_NS = 366 * DAY_NS

_IN_REGULAR_HOURS, _UNKNOWN = 8, 16
"""Bits of ``_TABLE`` beside the flags: flags that depend on the phase; an id that the vendor's table lacks."""


def _table() -> UInt8s:
    """Return what every int16 id forbids, at the place of its bits as a uint16."""
    table = np.full(2**16, HIDES_LAST | HIDES_EXTREMES | _UNKNOWN, dtype=np.uint8)
    table[UNREADABLE] = HIDES_LAST | HIDES_EXTREMES
    table[list(_NOT_OF_A_SALE)] = 0
    for forbidden, ids in _FORBIDDEN.items():
        table[list(ids)] = forbidden
    table[_EXTENDED_HOURS] = _IN_REGULAR_HOURS
    return table


_TABLE = _table()


@dataclass(frozen=True, slots=True)
class TradeFlags:
    """Flags of trades.

    Parameters
    ----------
    flags
        One per trade, bits as in `kernels.admission`.
    late
        How many of the trades are late prints.
    unknown
        Ids that the vendor's table lacks, ascending, each once.
    """

    flags: UInt8s
    late: int
    unknown: tuple[int, ...]


class RegularHours:
    """Regular hours of a calendar, which is made per year: a wrong time costs its own year, not centuries."""

    def __init__(self, calendar: MarketCalendar = XNYS) -> None:
        self._calendar = calendar
        self._calendars: dict[int, Calendar] = {}

    def contain(self, times: Int64s) -> Bools:
        """Return where times (int64 ns UTC) are in regular hours; those of 0 and below are not."""
        years = times // _YEAR_NS
        if len(times) and times.min() > 0 and years.min() == years.max():  # as of nearly all feeds
            return _regular(times, self._of_year(int(years[0])))
        regular = np.zeros(len(times), dtype=np.bool_)
        for year in np.unique(years).tolist():
            places = np.flatnonzero((years == year) & (times > 0))
            if len(places):
                regular[places] = _regular(times[places], self._of_year(year))
        return regular

    def _of_year(self, year: int) -> Calendar:
        if year not in self._calendars:
            self._calendars[year] = Calendar(self._calendar)
        return self._calendars[year]


def trade_flags(
    ids: Int16s,
    offsets: NDArray[Any],
    timestamp: Int64s,
    participant_timestamp: Int64s,
    hours: RegularHours,
    late_print_seconds: float = LATE_PRINT_SECONDS,
) -> TradeFlags:
    """Return the flags of trades.

    Parameters
    ----------
    ids
        Condition ids of all trades, one trade after the other; ``UNREADABLE`` for what is no id.
    offsets
        Where the ids of each trade begin in ``ids``, and behind the last trade where they end: one more than trades,
        not descending, as those of an Arrow list column.
    timestamp
        Time of each trade by the SIP, int64 ns UTC; 0 where unknown.
    participant_timestamp
        Time of each trade at its exchange, int64 ns UTC; 0 where unknown.
    hours
        The regular hours: condition 12 forbids prices in them only.
    late_print_seconds
        A trade whose ``timestamp`` is more than this behind its ``participant_timestamp`` is a late print: an old
        price, which is neither last price nor high or low. 0 = no trade is.
    """
    if not len(ids) and not participant_timestamp.any():
        return TradeFlags(np.zeros(len(timestamp), dtype=np.uint8), 0, ())
    bits, unknown = _union(ids, offsets)
    flags = bits & np.uint8(HIDES_LAST | HIDES_EXTREMES | HIDES_VOLUME)
    depends = np.flatnonzero(bits & _IN_REGULAR_HOURS)
    if len(depends):
        flags[depends[hours.contain(timestamp[depends])]] |= HIDES_LAST | HIDES_EXTREMES
    late = np.empty(0, dtype=np.int64)
    if late_print_seconds > 0:
        late = _late(timestamp, participant_timestamp, round(late_print_seconds * NS_PER_SECOND))
        flags[late] |= HIDES_LAST | HIDES_EXTREMES
    return TradeFlags(flags, len(late), unknown)


def unknown_ids(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return those of the ids (int64, any value) that the vendor's table lacks, in their order."""
    small = (ids >= 0) & (ids < 2**15)
    unknown = ~small
    unknown[small] = (_TABLE[ids[small]] & _UNKNOWN) != 0
    return ids[unknown]


def _union(ids: Int16s, offsets: NDArray[Any]) -> tuple[UInt8s, tuple[int, ...]]:
    """Return the bits of all conditions of each trade, and the unknown ids."""
    out = np.zeros(len(offsets) - 1, dtype=np.uint8)
    first, last = (int(offsets[0]), int(offsets[-1])) if len(offsets) else (0, 0)
    if first == last:
        return out, ()
    ids = ids[first:last]
    bits = _TABLE[ids.view(np.uint16)]
    starts = offsets[:-1] - first
    some = offsets[1:] > offsets[:-1]
    out[some] = np.bitwise_or.reduceat(bits, starts[some])
    unknown = ids[(bits & _UNKNOWN) != 0]
    return out, tuple(np.unique(unknown).tolist()) if len(unknown) else ()


def _regular(times: Int64s, calendar: Calendar) -> Bools:
    table = calendar.table(int(times.min()), int(times.max()))
    segments = table.segments[table.starts.searchsorted(times, side="right") - 1]
    regular: Bools = (segments & PHASE_MASK) == REGULAR
    return regular


def _late(timestamp: Int64s, participant_timestamp: Int64s, limit: int) -> Int64s:
    """Return which trades are printed more than ``limit`` ns after they were made."""
    late = np.flatnonzero(timestamp - participant_timestamp > limit)
    # An unknown time is 0; the difference of two times above 0 cannot overflow, so no late trade is missed.
    return late[(timestamp[late] > 0) & (participant_timestamp[late] > 0)]

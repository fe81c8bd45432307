"""Prints among judged ticks, and the days of accepted ones, in one pass over the rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedTicks
from tickstock_cli.core.batch import Float64s, Int32s, Int64s, UInt8s
from tickstock_cli.core.calendar import PHASE_MASK, SEGMENT_DAY, SessionTable
from tickstock_cli.kernels.admission import HIDES_LAST, HIDES_VOLUME
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.reasons import ACCEPTED
from tickstock_cli.prices.days import TradingDays


class TickPrints(NamedTuple):
    """Prints of ticks, columns as in ``prices.timeline.Prints``."""

    code: Int32s
    time: Int64s
    day: Int32s
    price: Float64s
    size: Int64s
    number: Int64s


class _Ticks(NamedTuple):
    code: Int32s
    time: Int64s
    price: Float64s
    size: Int64s
    number: Int64s
    reason: NDArray[np.int8]
    segment: Int64s
    flags: UInt8s


def tick_prints(
    ticks: JudgedTicks, days: TradingDays, before: TickPrints | None = None
) -> tuple[TickPrints, Int32s, Int64s]:
    """Return the prints among ticks in merge order, and of the accepted ticks each day and its last available time.

    Parameters
    ----------
    before
        Prints that are put before those of the ticks: few.
    """
    rows, accepted = ticks.rows, ticks.accepted
    waiting = 0 if before is None else len(before.code)
    if not accepted.any():
        return before if before is not None else _room(0), np.empty(0, np.int32), np.empty(0, np.int64)
    out = _room(waiting + len(rows))
    columns: list[Any] = list(zip(out, before or _room(0), strict=True))
    for column, first in columns:
        column[:waiting] = first
    first, last = int(accepted.argmax()), len(rows) - 1 - int(accepted[::-1].argmax())
    table = days.table(int(rows.available_at[first]), int(rows.available_at[last]))
    values = rows.code, rows.available_at, rows.price, rows.size, rows.order
    judged = _Ticks(*values, ticks.reason, ticks.segment, ticks.flags)
    begin = int(table.starts.searchsorted(rows.available_at[first], side="right")) - 1
    count, seen, lasts = _take(judged, days.is_chosen, table, begin, out, waiting)
    return _cut(out, count), seen, lasts


def _room(rows: int) -> TickPrints:
    codes, days = (np.empty(rows, np.int32) for _ in range(2))
    times, sizes, numbers = (np.empty(rows, np.int64) for _ in range(3))
    return TickPrints(codes, times, days, np.empty(rows), sizes, numbers)


def _cut(prints: TickPrints, count: int) -> TickPrints:
    return TickPrints._make(column[:count] for column in prints)


@kernel
def _take(
    ticks: _Ticks, is_chosen: NDArray[np.bool_], table: SessionTable, place: int, out: TickPrints, count: int
) -> tuple[int, Int32s, Int64s]:
    """Write prints; return how many there are, and the days of accepted ticks with the last time of each.

    Parameters
    ----------
    place
        Of the first accepted tick's time in the table; times do not fall.
    count
        Number of prints that ``out`` has already.
    """
    code, time, price, size, number = ticks.code, ticks.time, ticks.price, ticks.size, ticks.number
    reason, segment, flags = ticks.reason, ticks.segment, ticks.flags
    out_code, out_time, out_day, out_price, out_size, out_number = out
    starts, segments = table
    days, lasts = np.empty(len(starts), np.int32), np.empty(len(starts), np.int64)
    seen = 0
    behind = starts[place + 1] if place + 1 < len(starts) else time[-1] + 1
    day = np.int32(segments[place] // SEGMENT_DAY)
    for i in range(len(code)):
        if reason[i] != ACCEPTED:
            continue
        at = time[i]
        while at >= behind:
            place += 1
            behind = starts[place + 1] if place + 1 < len(starts) else time[-1] + 1
            day = np.int32(segments[place] // SEGMENT_DAY)
        if seen == 0 or days[seen - 1] != day:
            days[seen] = day
            seen += 1
        lasts[seen - 1] = at
        if segment[i] < 0 or not is_chosen[segment[i] & PHASE_MASK] or flags[i] & HIDES_LAST:
            continue
        out_code[count] = code[i]
        out_time[count] = at
        out_day[count] = day
        out_price[count] = price[i]
        out_size[count] = 0 if flags[i] & HIDES_VOLUME else size[i]
        out_number[count] = number[i]
        count += 1
    return count, days[:seen], lasts[:seen]

"""Moments of an event study, each a ticker, a side and a decision time, followed through the prints of their day.

1. A moment waits for its entry: the first print after its decision (bars: the first that opens at or after it and is
   not available yet). It is judged when that print comes: ``NO_ENTRY`` if it is too late or of another day.
2. From the entry on, the moment keeps the highest, lowest and last price.
3. When a print lies behind the end of a horizon, the three are copied to the results of that horizon.
4. When the day is over, what is left is copied likewise: nothing later can change it.

Prints are grouped by ticker, and a moment that is open for all of a ticker's rows in a slice needs only their extremes,
which are searched in blocks: the cost of a moment hardly depends on the number of prints.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.kernels.jit import kernel

WAITING, OPEN, DONE, NO_ENTRY = range(4)
"""States of a moment."""

NOBODY = -1
"""End of a list of moments."""

TO_CLOSE = 2**63 - 1
"""Length of the horizon ``close``."""

BLOCK = 16
"""Rows whose extremes are kept together."""

MOMENT = np.dtype(
    [
        ("event", "i8"),  # number of the event in the study
        ("placebo", "i4"),  # 0: the event's own moment; k: that of the k-th following recorded day
        ("code", "i4"),
        ("decision", "i8"),
        ("from_opening", "i8"),  # bars: the entry opens at or after it
        ("latest", "i8"),  # the entry lies, or opens, at or before it
        ("day", "i4"),
        ("stage", "i4"),  # the horizon that ends next, by length
        ("state", "i1"),
        ("side", "i1"),
        ("day_end", "i8"),
        ("entry_time", "i8"),
        ("entry_price", "f8"),
        ("highest", "f8"),
        ("lowest", "f8"),
        ("last", "f8"),
        ("next", "i8"),  # the next moment of the ticker
    ],
    align=True,
)
"""One moment; times in int64 ns UTC, prices in dollars."""

Moments = NDArray[Any]
"""An array of dtype ``MOMENT``."""


class PrintColumns(NamedTuple):
    """Prints of a slice, by time: the columns of ``prices.timeline.Prints`` that moments need."""

    code: Int32s
    time: Int64s
    opening: Int64s
    day: Int32s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s


class Ends(NamedTuple):
    """Prices at the end of horizons, by moment and horizon; NaN = none. Horizons are sorted by length, close last."""

    last: Float64s
    highest: Float64s
    lowest: Float64s


@kernel
def chain(moments: Moments, first: int, heads: Int64s) -> None:
    """Put moments from ``first`` on that wait or are open before the others of their ticker."""
    for m in range(first, len(moments)):
        if moments[m]["state"] <= OPEN:
            moments[m]["next"] = heads[moments[m]["code"]]
            heads[moments[m]["code"]] = m


@kernel
def follow(rows: PrintColumns, moments: Moments, ends: Ends, heads: Int64s, lengths: Int64s, is_bars: bool) -> None:
    """Take a slice's prints.

    Parameters
    ----------
    heads
        By ticker code: the first moment of its chain, or ``NOBODY``. Moments that end are taken out.
    lengths
        Lengths of the horizons in ns, rising; ``TO_CLOSE`` is that of ``close``.
    """
    counts = np.zeros(len(heads), np.int64)
    total = 0
    for i in range(len(rows.code)):
        if heads[rows.code[i]] != NOBODY:
            counts[rows.code[i]] += 1
            total += 1
    if total == 0:
        return
    starts = np.empty(len(heads), np.int64)
    place = 0
    for c in range(len(heads)):
        starts[c] = place
        place += counts[c]
    grouped = np.empty(total, np.int64)
    for i in range(len(rows.code)):
        c = rows.code[i]
        if heads[c] != NOBODY:
            grouped[starts[c]] = i
            starts[c] += 1
    for c in range(len(heads)):
        if counts[c]:
            mine = grouped[starts[c] - counts[c] : starts[c]]
            _follow_ticker(rows, mine, moments, ends, heads, c, lengths, is_bars)


@kernel
def _follow_ticker(
    rows: PrintColumns,
    mine: Int64s,
    moments: Moments,
    ends: Ends,
    heads: Int64s,
    code: int,
    lengths: Int64s,
    is_bars: bool,
) -> None:
    time, high, low = rows.time[mine], rows.high[mine], rows.low[mine]
    blocks = len(mine) // BLOCK
    highs, lows = np.empty(blocks), np.empty(blocks)
    for b in range(blocks):
        highs[b] = high[b * BLOCK : (b + 1) * BLOCK].max()
        lows[b] = low[b * BLOCK : (b + 1) * BLOCK].min()
    before = NOBODY
    m = heads[code]
    while m != NOBODY:
        moment = moments[m]
        first = 0
        if moment["state"] == WAITING:
            first = first_after(time, 0, moment["decision"])
            if is_bars:
                while first < len(mine) and rows.opening[mine[first]] < moment["from_opening"]:
                    first += 1
            if first < len(mine):
                enter(rows, mine[first], moment, is_bars)
        if moment["state"] == OPEN:
            _extend(time, high, low, highs, lows, rows.close, mine, first, moment, ends, m, lengths)
        if moment["state"] <= OPEN:
            before = m
        elif before == NOBODY:
            heads[code] = moment["next"]
        else:
            moments[before]["next"] = moment["next"]
        m = moment["next"]


@kernel
def enter(rows: PrintColumns, row: int, moment: Any, is_bars: bool) -> None:
    """Judge the print that follows a moment's decision."""
    opening = rows.opening[row]
    if rows.day[row] != moment["day"] or opening > moment["latest"]:
        moment["state"] = NO_ENTRY
        return
    moment["state"] = OPEN
    moment["entry_time"] = max(opening, moment["decision"]) if is_bars else opening
    moment["entry_price"] = rows.open[row]
    moment["highest"] = moment["entry_price"]
    moment["lowest"] = moment["entry_price"]
    moment["last"] = moment["entry_price"]


@kernel
def _extend(
    time: Int64s,
    high: Float64s,
    low: Float64s,
    highs: Float64s,
    lows: Float64s,
    close: Float64s,
    mine: Int64s,
    first: int,
    moment: Any,
    ends: Ends,
    m: int,
    lengths: Int64s,
) -> None:
    """Take a ticker's rows from ``first`` on, up to the end of the moment's last horizon."""
    place = first
    h = moment["stage"]
    while h < len(lengths):
        end = horizon_end(moment["entry_time"], lengths[h], moment["day_end"])
        if end > moment["day_end"]:
            h += 1
            continue
        behind = first_after(time, place, end)
        if behind > place:
            moment["highest"] = max(moment["highest"], _highest(high, highs, place, behind))
            moment["lowest"] = min(moment["lowest"], _lowest(low, lows, place, behind))
            moment["last"] = close[mine[behind - 1]]
            place = behind
        if behind == len(time):
            break
        _end(moment, ends, m, h)
        h += 1
    moment["stage"] = h
    if h == len(lengths):
        moment["state"] = DONE


@kernel
def first_after(time: Int64s, start: int, limit: int) -> int:
    """Return the first place from ``start`` on whose time is above ``limit``; the number of times if there is none."""
    low, high = start, len(time)
    if low == high or time[high - 1] <= limit:
        return high
    while low < high:
        middle = (low + high) // 2
        if time[middle] <= limit:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def end_day(moments: Moments, ends: Ends, lengths: Int64s) -> None:
    """End the horizons that are left, and the wait for an entry: the days of all these moments are over."""
    for m in range(len(moments)):
        moment = moments[m]
        if moment["state"] == WAITING:
            moment["state"] = NO_ENTRY
        if moment["state"] == OPEN:
            for h in range(moment["stage"], len(lengths)):
                if horizon_end(moment["entry_time"], lengths[h], moment["day_end"]) <= moment["day_end"]:
                    _end(moment, ends, m, h)
            moment["state"] = DONE


@kernel
def horizon_end(entry_time: int, length: int, day_end: int) -> int:
    """Return the end of a horizon (int64 ns UTC); that of ``close`` is the day's."""
    return day_end if length == TO_CLOSE else entry_time + length


@kernel
def _end(moment: Any, ends: Ends, m: int, h: int) -> None:
    ends.last[m, h] = moment["last"]
    ends.highest[m, h] = moment["highest"]
    ends.lowest[m, h] = moment["lowest"]


@kernel
def _highest(values: Any, blocks: Any, start: int, stop: int) -> Any:
    """Return the greatest of ``values[start:stop]``, at least one; ``blocks`` has that of each whole block."""
    first, last = -(-start // BLOCK), stop // BLOCK
    found = values[start]
    for i in range(start, min(first * BLOCK, stop)):
        if values[i] > found:
            found = values[i]
    for b in range(first, last):
        if blocks[b] > found:
            found = blocks[b]
    for i in range(max(last, first) * BLOCK, stop):
        if values[i] > found:
            found = values[i]
    return found


@kernel
def _lowest(values: Any, blocks: Any, start: int, stop: int) -> Any:
    """Return the least, likewise."""
    first, last = -(-start // BLOCK), stop // BLOCK
    found = values[start]
    for i in range(start, min(first * BLOCK, stop)):
        if values[i] < found:
            found = values[i]
    for b in range(first, last):
        if blocks[b] < found:
            found = blocks[b]
    for i in range(max(last, first) * BLOCK, stop):
        if values[i] < found:
            found = values[i]
    return found

"""Moments of an event study take the prints of a slice.

Prints are grouped by ticker, and a moment that is open for all of a ticker's rows in a slice needs only their extremes,
which are searched in blocks: the cost of a moment hardly depends on the number of prints.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.moments import (
    CLOSING,
    DONE,
    NO_ENTRY,
    NOBODY,
    OPEN,
    TO_CLOSE,
    WAITING,
    Chains,
    Ends,
    Moments,
    PrintColumns,
    end_horizon,
    horizon_end,
    push,
)

BLOCK = 16
"""Rows whose extremes are kept together."""


class _Scratch(NamedTuple):
    """A ticker's rows side by side, and the extremes of each whole block of them."""

    time: Int64s
    high: Float64s
    low: Float64s
    highs: Float64s
    lows: Float64s


@kernel
def follow(rows: PrintColumns, moments: Moments, ends: Ends, chains: Chains, lengths: Int64s, is_bars: bool) -> None:
    """Take a slice's prints.

    Parameters
    ----------
    chains
        Moments that end are taken out; those that only wait for the close go to their ticker's stack.
    lengths
        Lengths of the horizons in ns, rising; ``TO_CLOSE`` is that of ``close``.
    """
    heads, stacks = chains.heads, chains.stacks
    counts = np.zeros(len(heads), np.int64)
    total = 0
    for i in range(len(rows.code)):
        if heads[rows.code[i]] != NOBODY or stacks[rows.code[i]] != NOBODY:
            counts[rows.code[i]] += 1
            total += 1
    if total == 0:
        return
    most = counts.max()
    scratch = _Scratch(
        np.empty(most, np.int64), np.empty(most), np.empty(most), np.empty(most // BLOCK), np.empty(most // BLOCK)
    )
    starts = np.empty(len(heads), np.int64)
    place = 0
    for c in range(len(heads)):
        starts[c] = place
        place += counts[c]
    grouped = np.empty(total, np.int64)
    for i in range(len(rows.code)):
        c = rows.code[i]
        if heads[c] != NOBODY or stacks[c] != NOBODY:
            grouped[starts[c]] = i
            starts[c] += 1
    for c in range(len(heads)):
        if counts[c]:
            mine = grouped[starts[c] - counts[c] : starts[c]]
            _follow_ticker(rows, mine, scratch, moments, ends, chains, c, lengths, is_bars)


@kernel
def _follow_ticker(
    rows: PrintColumns,
    mine: Int64s,
    scratch: _Scratch,
    moments: Moments,
    ends: Ends,
    chains: Chains,
    code: int,
    lengths: Int64s,
    is_bars: bool,
) -> None:
    columns = _gather(rows, mine, scratch)
    heads = chains.heads
    if chains.stacks[code] != NOBODY:
        _follow_newest(columns, rows, mine, moments[chains.stacks[code]])
    before = NOBODY
    m = heads[code]
    while m != NOBODY:
        moment = moments[m]
        after = moment["next"]
        first = _find_entry(rows, mine, columns.time, moment, is_bars) if moment["state"] == WAITING else 0
        if moment["state"] == OPEN:
            _extend(columns, rows, mine, first, moment, ends, m, lengths)
        if moment["state"] <= OPEN:
            before = m
        else:
            if before == NOBODY:
                heads[code] = after
            else:
                moments[before]["next"] = after
            if moment["state"] == CLOSING:
                push(moments, m, chains.stacks)
        m = after


@kernel
def _gather(rows: PrintColumns, mine: Int64s, scratch: _Scratch) -> _Scratch:
    """Return a ticker's rows, in room that is used again for the next ticker."""
    count, blocks = len(mine), len(mine) // BLOCK
    for k in range(count):
        scratch.time[k] = rows.time[mine[k]]
        scratch.high[k] = rows.high[mine[k]]
        scratch.low[k] = rows.low[mine[k]]
    for b in range(blocks):
        highest, lowest = scratch.high[b * BLOCK], scratch.low[b * BLOCK]
        for k in range(b * BLOCK + 1, (b + 1) * BLOCK):
            highest = max(highest, scratch.high[k])
            lowest = min(lowest, scratch.low[k])
        scratch.highs[b], scratch.lows[b] = highest, lowest
    return _Scratch(
        scratch.time[:count], scratch.high[:count], scratch.low[:count], scratch.highs[:blocks], scratch.lows[:blocks]
    )


@kernel
def _follow_newest(columns: _Scratch, rows: PrintColumns, mine: Int64s, newest: Any) -> None:
    """Let the newest moment of a stack take a ticker's rows."""
    behind = _within_day(rows, mine, newest, 0, first_after(columns.time, 0, newest["day_end"]))
    if behind:
        newest["later_highest"] = max(newest["later_highest"], _highest(columns, 0, behind))
        newest["later_lowest"] = min(newest["later_lowest"], _lowest(columns, 0, behind))
        newest["last"] = rows.close[mine[behind - 1]]


@kernel
def _within_day(rows: PrintColumns, mine: Int64s, moment: Any, start: int, stop: int) -> int:
    """Return where a moment's own day ends among rows ``[start, stop)``.

    Where the next day begins with the end of the day, as around the clock, its first instant is not of the day.
    """
    while stop > start and rows.day[mine[stop - 1]] != moment["day"]:
        stop -= 1
    return stop


@kernel
def _find_entry(rows: PrintColumns, mine: Int64s, time: Int64s, moment: Any, is_bars: bool) -> int:
    """Judge the entry of a moment that waits for it, if it is among a ticker's rows; return its place there."""
    first = int(first_after(time, 0, moment["decision"]))
    if is_bars:
        while first < len(mine) and rows.opening[mine[first]] < moment["from_opening"]:
            first += 1
    if first < len(mine):
        enter(rows, mine[first], moment, is_bars)
    return first


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
    columns: _Scratch,
    rows: PrintColumns,
    mine: Int64s,
    first: int,
    moment: Any,
    ends: Ends,
    m: int,
    lengths: Int64s,
) -> None:
    """Take a ticker's rows from ``first`` on, up to the end of the moment's last horizon."""
    time, is_own = columns.time, moment["own"] != NOBODY
    place = first
    h = moment["stage"]
    while h < len(lengths):
        end = horizon_end(moment["entry_time"], lengths[h], moment["day_end"])
        if end > moment["day_end"]:
            h += 1
            continue
        behind = _within_day(rows, mine, moment, place, first_after(time, place, end))
        if behind > place:
            if is_own:
                moment["highest"] = max(moment["highest"], _highest(columns, place, behind))
                moment["lowest"] = min(moment["lowest"], _lowest(columns, place, behind))
            moment["last"] = rows.close[mine[behind - 1]]
            place = behind
        if behind == len(time):
            if lengths[h] == TO_CLOSE:
                moment["state"] = CLOSING
            break
        end_horizon(moment, ends, m, h)
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
def _highest(columns: _Scratch, start: int, stop: int) -> Any:
    """Return the highest price of rows ``[start, stop)``, at least one."""
    values, blocks = columns.high, columns.highs
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
def _lowest(columns: _Scratch, start: int, stop: int) -> Any:
    """Return the lowest, likewise."""
    values, blocks = columns.low, columns.lows
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

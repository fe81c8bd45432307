"""Moments of an event study take the prints of a slice.

Prints are grouped by ticker, and a moment that is open for all of a ticker's rows in a slice needs only their extremes,
which are searched in blocks: the cost of a moment hardly depends on the number of prints.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.moments import (
    DONE,
    NOBODY,
    OPEN,
    TO_CLOSE,
    ByTicker,
    LastPrices,
    MomentRules,
    OwnResults,
    PlaceboResults,
    PrintColumns,
    extreme_moves,
    horizon_end,
    last_of,
    move_of,
    push,
)

NO_DAY = -1
"""Number of no day."""

BLOCK = 16
"""Rows whose extremes are kept together."""


class DayEnds(NamedTuple):
    """Days of a slice's prints, rising, and the end of each (int64 ns UTC; 0: no print of it counts)."""

    day: Int32s
    end: Int64s


class _Grouped(NamedTuple):
    """Rows of the tickers that have moments, grouped by ticker.

    Parameters
    ----------
    start
        By ticker code: where its rows begin; then the number of all.
    row
        Places of the rows in the slice; undefined if they are not needed.
    time, high, low, close
        Of the rows.
    """

    start: Int32s
    row: Int32s
    time: Int64s
    high: Float64s
    low: Float64s
    close: Float64s


# Calls of kernels cost more than what a moment does: they pass every array of their arguments. So what runs for each
# moment stands in one kernel, and calls only what takes a few arrays.
@kernel
def follow(
    rows: PrintColumns,
    days: DayEnds,
    open_before: ByTicker,
    begun: ByTicker,
    left: ByTicker,
    own: OwnResults,
    placebos: PlaceboResults,
    last: LastPrices,
    stacks: Int64s,
    rules: MomentRules,
) -> int:
    """Take a slice's prints; return how many moments are left.

    Moments are read and written in the order of memory: chains through it would cost more than all else here.

    Parameters
    ----------
    open_before, begun
        Moments of the slices before that have not ended, and those that begin in this one.
    left
        Room for all of them; gets those that have not ended.
    stacks
        By ticker code: the row of its stack's newest event, or ``NOBODY``. Gets events that only wait for the close.
    """
    lengths, places, is_bars = rules.lengths, rules.places, rules.is_bars
    own_time, own_price, own_day, own_end = own.entry_time, own.entry_price, own.day, own.day_end
    own_bps, own_mfe, own_mae = own.return_bps, own.mfe_bps, own.mae_bps
    later_highest, later_lowest, below = own.later_highest, own.later_lowest, own.below
    placebo_time, placebo_price, placebo_bps = placebos.entry_time, placebos.entry_price, placebos.bps
    newest_day, last_price, day_before, price_before = last.day, last.price, last.day_before, last.price_before
    row_day, opening, open_price = rows.day, rows.opening, rows.open
    old, old_start = open_before
    new, new_start = begun
    moments, left_start = left
    one_day = int(days.day[0]) if len(days.day) == 1 else NO_DAY
    grouped = _group(rows, old_start, new_start, stacks, is_bars, is_bars or one_day == NO_DAY)
    starts = grouped.start
    highs, lows = np.empty(len(grouped.row) // BLOCK), np.empty(len(grouped.row) // BLOCK)
    horizons, m = len(lengths), 0
    for c in range(len(stacks)):
        left_start[c] = m
        begin, behind = starts[c], starts[c + 1]
        count = behind - begin
        first_old, olds, news = old_start[c], old_start[c + 1] - old_start[c], new_start[c + 1] - new_start[c]
        if count == 0:
            for k in range(olds):
                moments[m + k] = old[first_old + k]
            for k in range(news):
                moments[m + olds + k] = new[new_start[c] + k]
            m += olds + news
            continue
        mine, time, close = grouped.row[begin:behind], grouped.time[begin:behind], grouped.close[begin:behind]
        high, low = grouped.high[begin:behind], grouped.low[begin:behind]
        has_blocks = False
        newest = stacks[c]
        if newest != NOBODY:
            behind = first_after(time, 0, count, own_end[newest])
            behind = within_day(row_day, mine, own_day[newest], 0, behind, one_day)
            if behind:
                has_blocks = has_blocks or _find_blocks(high, low, count, highs, lows)
                highest, lowest = _extremes(high, low, highs, lows, 0, behind)
                later_highest[newest] = max(later_highest[newest], highest)
                later_lowest[newest] = min(later_lowest[newest], lowest)
        for k in range(olds + news):
            moments[m] = old[first_old + k] if k < olds else new[new_start[c] + k - olds]
            moment = moments[m]
            state, day, row = moment["state"], moment["day"], moment["row"]
            is_own = row >= 0
            row = row - own.first if is_own else -1 - row - placebos.first
            place, price = 0, 0.0
            if state == OPEN:
                price = last_of(newest_day, last_price, day_before, price_before, c, day)
            else:
                decision = moment["time"]
                place = first_after(time, 0, count, decision)
                if is_bars:
                    place = first_opening(opening, mine, place, count, decision - rules.open_slack)
                if place < count:
                    # A tick opens when it is printed; ungrouped columns would be read from far away.
                    opened = opening[mine[place]] if is_bars else time[place]
                    print_day = one_day if one_day != NO_DAY else int(row_day[mine[place]])
                    state = OPEN if is_entry(print_day, day, opened, decision, rules.wait) else DONE
                    moment["state"] = state
                    if state == OPEN:
                        price = open_price[mine[place]] if is_bars else close[place]
                        moment["time"] = entry_time_of(opened, decision, is_bars)
                        moment["entry_price"] = moment["highest"] = moment["lowest"] = price
                        if is_own:
                            own_time[row], own_price[row] = moment["time"], price
                        else:
                            placebo_time[row], placebo_price[row] = moment["time"], price
            if state == OPEN:
                side, entry_price, day_end = float(moment["side"]), moment["entry_price"], moment["day_end"]
                h = int(moment["stage"])
                while h < horizons:
                    end = horizon_end(moment["time"], lengths[h], day_end)
                    if end > day_end:
                        h += 1
                        continue
                    behind = first_after(time, place, count, end)
                    behind = within_day(row_day, mine, day, place, behind, one_day)
                    if behind > place:
                        if is_own:
                            has_blocks = has_blocks or _find_blocks(high, low, count, highs, lows)
                            highest, lowest = _extremes(high, low, highs, lows, place, behind)
                            moment["highest"] = max(moment["highest"], highest)
                            moment["lowest"] = min(moment["lowest"], lowest)
                        price = close[behind - 1]
                        place = behind
                    if behind == count:
                        break
                    if is_own:
                        own_bps[row, places[h]] = move_of(side, price, entry_price)
                        mfe, mae = extreme_moves(side, moment["highest"], moment["lowest"], entry_price)
                        own_mfe[row, places[h]], own_mae[row, places[h]] = mfe, mae
                    else:
                        placebo_bps[row, places[h]] = move_of(side, price, entry_price)
                    h += 1
                moment["stage"] = h
                if h == horizons or lengths[h] == TO_CLOSE:
                    state = DONE
                    if h < horizons and is_own:
                        own_mfe[row, places[h]], own_mae[row, places[h]] = moment["highest"], moment["lowest"]
                        push(below, later_highest, later_lowest, row, c, stacks)
            if state <= OPEN:
                m += 1
    left_start[len(stacks)] = m
    _keep_last(rows, days, last)
    return m


@kernel
def _group(
    rows: PrintColumns, old_start: Int64s, new_start: Int64s, stacks: Int64s, is_bars: bool, needs_row: bool
) -> _Grouped:
    """Group the rows of tickers that have moments."""
    code, row_time, row_high, row_low, row_close = rows.code, rows.time, rows.high, rows.low, rows.close
    is_followed = (np.diff(old_start) > 0) | (np.diff(new_start) > 0) | (stacks != NOBODY)
    start = np.zeros(len(stacks) + 1, np.int32)
    for i in range(len(code)):
        if is_followed[code[i]]:
            start[code[i] + 1] += 1
    for c in range(len(stacks)):
        start[c + 1] += start[c]
    count, place = start[-1], start.copy()
    row, time, close = np.empty(count, np.int32), np.empty(count, np.int64), np.empty(count)
    high = np.empty(count) if is_bars else close
    low = np.empty(count) if is_bars else close
    for i in range(len(code)):
        if is_followed[code[i]]:
            at = place[code[i]]
            place[code[i]] = at + 1
            if needs_row:
                row[at] = i
            time[at] = row_time[i]
            close[at] = row_close[i]
            if is_bars:
                high[at] = max(row_high[i], row_low[i])  # that of an adjusted bar can be the lower one, by rounding
                low[at] = min(row_high[i], row_low[i])
    return _Grouped(start, row, time, high, low, close)


@kernel
def within_day(row_day: Int32s, mine: NDArray[Any], day: int, start: int, stop: int, one_day: int) -> int:
    """Return where a day ends among a ticker's rows ``[start, stop)``.

    Where the next day begins with the end of the day, as around the clock, its first instant is not of the day.

    Parameters
    ----------
    mine
        Places of the ticker's rows in the slice.
    one_day
        The day of all of the slice's rows; ``NO_DAY`` if they are of several.
    """
    if one_day != NO_DAY:
        return stop if one_day == day else start
    while stop > start and row_day[mine[stop - 1]] != day:
        stop -= 1
    return stop


@kernel
def first_opening(opening: Int64s, mine: NDArray[Any], start: int, count: int, from_opening: int) -> int:
    """Return the first of a ticker's bars from ``start`` on that opens late enough; their number if none does."""
    place = start
    while place < count and opening[mine[place]] < from_opening:
        place += 1
    return place


@kernel
def is_entry(print_day: int, day: int, opening: int, decision: int, wait: int) -> bool:
    """Return whether the print that follows a decision is of its day, and not too late."""
    return bool(print_day == day and opening <= decision + min(wait, MAX_NS - decision))


@kernel
def entry_time_of(opening: int, decision: int, is_bars: bool) -> int:
    """Return the time of an entry: that of the print, but not before the decision."""
    return max(opening, decision) if is_bars else opening


@kernel
def first_after(time: Int64s, start: int, stop: int, limit: int) -> int:
    """Return the first place in ``[start, stop)`` whose time is above ``limit``; ``stop`` if there is none."""
    if start == stop or time[stop - 1] <= limit:
        return stop
    low, high = start, stop
    while low < high:
        middle = (low + high) // 2
        if time[middle] <= limit:
            low = middle + 1
        else:
            high = middle
    return low


@kernel
def _find_blocks(high: Float64s, low: Float64s, count: int, highs: Float64s, lows: Float64s) -> bool:
    """Find the extremes of each whole block of a ticker's rows; return True."""
    for b in range(count // BLOCK):
        highest, lowest = high[b * BLOCK], low[b * BLOCK]
        for k in range(b * BLOCK + 1, (b + 1) * BLOCK):
            highest = high[k] if high[k] > highest else highest
            lowest = low[k] if low[k] < lowest else lowest
        highs[b], lows[b] = highest, lowest
    return True


@kernel
def _extremes(
    high: Float64s, low: Float64s, highs: Float64s, lows: Float64s, start: int, stop: int
) -> tuple[float, float]:
    """Return the highest and the lowest price of a ticker's rows ``[start, stop)``, at least one."""
    first, behind = -(-start // BLOCK), stop // BLOCK
    highest, lowest = high[start], low[start]
    for i in range(start + 1, min(first * BLOCK, stop)):
        highest = high[i] if high[i] > highest else highest
        lowest = low[i] if low[i] < lowest else lowest
    for b in range(first, behind):
        highest = highs[b] if highs[b] > highest else highest
        lowest = lows[b] if lows[b] < lowest else lowest
    for i in range(max(behind, first) * BLOCK, stop):
        highest = high[i] if high[i] > highest else highest
        lowest = low[i] if low[i] < lowest else lowest
    return highest, lowest


@kernel
def _keep_last(rows: PrintColumns, days: DayEnds, last: LastPrices) -> None:
    """Keep each ticker's last price up to its day's end."""
    newest, price, day_before, price_before = last.day, last.price, last.day_before, last.price_before
    code, time, row_day, close = rows.code, rows.time, rows.day, rows.close
    for i in range(len(code)):
        c, day = code[i], row_day[i]
        if time[i] > days.end[0 if len(days.day) == 1 else np.searchsorted(days.day, day)]:
            continue
        if newest[c] == day:
            price[c] = close[i]
        elif day_before[c] == day:
            price_before[c] = close[i]
        elif day > newest[c]:
            day_before[c], price_before[c] = newest[c], price[c]
            newest[c], price[c] = day, close[i]

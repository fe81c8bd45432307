"""Prices of moments at fixed times before and after their entry, added up by curve.

1. Before: each ticker keeps its price at the end of the last ``RECENT_STEPS`` steps of ``RECENT_STEP_NS``. The entry
   reads the prices at its offsets there, or in the slice's own rows.
2. After: a moment walks through its ticker's prints. A print behind an offset ends it: the price there is the last one.
3. When the day is over, offsets up to its covered end get the last price: nothing later can change it.

Returns are added as integers of 1e-6 basis points, so that the sums do not depend on the order of moments.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.kernels.compare import SECOND_NS
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.study.following import entry_time_of, first_after, first_opening, is_entry
from tickstock_cli.study.moments import DONE, NOBODY, OPEN, WAITING, MomentRules, Moments, PrintColumns

OFFSETS = np.array([*range(-300, 300, 30), *range(300, 1_860, 60)]) * SECOND_NS
"""Offsets of a curve's points from the entry, in ns: −5 to +30 minutes, further apart from 5 minutes on."""

POINTS = len(OFFSETS)
BEFORE = 10
"""Number of offsets before the entry; the next one is the entry's own."""

RECENT_STEP_NS = 5 * SECOND_NS
RECENT_STEPS = 128

UNITS = 1_000_000
"""Parts of a basis point in sums."""

_GREATEST = 1e15
"""Limit of a return in sums, in parts: 1e9 basis points."""


PATH_MOMENT = np.dtype(
    [
        ("time", "i8"),  # of the decision; from the entry on, of the entry
        ("day_end", "i8"),
        ("entry_price", "f8"),
        ("last", "f8"),
        ("code", "i4"),
        ("day", "i4"),
        ("next", "i4"),  # the next moment of the ticker's chain
        ("side", "i1"),
        ("state", "i1"),
        ("stage", "i1"),  # offsets after the entry that are done
    ],
    align=True,
)
"""A moment of a curve; times in int64 ns UTC, prices in dollars."""


class RecentPrices(NamedTuple):
    """Prices of each ticker at the end of recent steps; ``first`` and ``last`` are the steps of prints of ``day``."""

    day: Int32s
    first: Int64s
    last: Int64s
    price: Float64s  # tickers × RECENT_STEPS


class CurveSums(NamedTuple):
    """Sums of returns and their numbers, by curve and offset (int64); rows 2c and 2c + 1 are events and placebo."""

    total: Int64s
    number: Int64s


@kernel
def follow_paths(
    rows: PrintColumns,
    moments: Moments,
    curves: Int64s,
    heads: Int32s,
    recent: RecentPrices,
    sums: CurveSums,
    rules: MomentRules,
) -> None:
    """Take a slice's prints.

    Parameters
    ----------
    curves
        By moment: its row in ``sums``.
    heads
        By ticker code: the first moment of its chain, or ``NOBODY``. Moments that end are taken out.
    """
    starts = np.zeros(len(heads) + 1, np.int64)
    for i in range(len(rows.code)):
        if heads[rows.code[i]] != NOBODY:
            starts[rows.code[i] + 1] += 1
    for c in range(len(heads)):
        starts[c + 1] += starts[c]
    grouped = np.empty(starts[-1], np.int64)
    place = starts.copy()
    for i in range(len(rows.code)):
        c = rows.code[i]
        if heads[c] != NOBODY:
            grouped[place[c]] = i
            place[c] += 1
    for c in range(len(heads)):
        if starts[c + 1] > starts[c]:
            _follow_ticker(rows, grouped[starts[c] : starts[c + 1]], moments, curves, heads, c, recent, sums, rules)
    for i in range(len(rows.code)):
        _remember(recent, rows.code[i], rows.day[i], rows.time[i] // RECENT_STEP_NS, rows.close[i])


@kernel
def chain(moments: Moments, first: int, heads: Int32s) -> None:
    """Put moments from ``first`` on that wait or are open before the others of their ticker.

    Parameters
    ----------
    heads
        By ticker code: the first moment of its chain, or ``NOBODY``.
    """
    for m in range(first, len(moments)):
        if moments[m]["state"] <= OPEN:
            moments[m]["next"] = heads[moments[m]["code"]]
            heads[moments[m]["code"]] = m


@kernel
def end_paths(moments: Moments, curves: Int64s, covered_end: Int64s, sums: CurveSums) -> None:
    """Add the offsets that are left up to the covered end of each moment's day: the days of all moments are over."""
    for m in range(len(moments)):
        moment = moments[m]
        if moment["state"] == OPEN:
            end = min(moment["day_end"], covered_end[m])
            for k in range(BEFORE + 1 + moment["stage"], POINTS):
                if moment["time"] + OFFSETS[k] <= end:
                    _add(sums, curves[m], k, moment, moment["last"])


@kernel
def _follow_ticker(
    rows: PrintColumns,
    mine: Int64s,
    moments: Moments,
    curves: Int64s,
    heads: Int32s,
    code: int,
    recent: RecentPrices,
    sums: CurveSums,
    rules: MomentRules,
) -> None:
    time = rows.time[mine]
    before = NOBODY
    m = heads[code]
    while m != NOBODY:
        moment = moments[m]
        first = 0
        if moment["state"] == WAITING:
            first = first_after(time, 0, len(mine), moment["time"])
            if rules.is_bars:
                from_opening = moment["time"] - rules.open_slack
                first = first_opening(rows.opening, mine, first, len(mine), from_opening)
            if first < len(mine):
                _enter(rows, mine[first], moment, rules)
                if moment["state"] == OPEN:
                    _look_back(rows, time, mine, first, moment, recent, sums, curves[m])
        if moment["state"] == OPEN:
            _walk(rows, time, mine, first, moment, sums, curves[m])
        if moment["state"] <= OPEN:
            before = m
        elif before == NOBODY:
            heads[code] = moment["next"]
        else:
            moments[before]["next"] = moment["next"]
        m = moment["next"]


@kernel
def _enter(rows: PrintColumns, row: int, moment: Any, rules: MomentRules) -> None:
    """Judge the print that follows a moment's decision."""
    if not is_entry(rows.day[row], moment["day"], rows.opening[row], moment["time"], rules.wait):
        moment["state"] = DONE
        return
    moment["state"] = OPEN
    moment["time"] = entry_time_of(rows.opening[row], moment["time"], rules.is_bars)
    moment["entry_price"] = rows.open[row]
    moment["last"] = rows.open[row]


@kernel
def _look_back(
    rows: PrintColumns,
    time: Int64s,
    mine: Int64s,
    entry: int,
    moment: Any,
    recent: RecentPrices,
    sums: CurveSums,
    curve: int,
) -> None:
    """Add the offsets before an entry, and its own."""
    code = moment["code"]
    newest = time[entry - 1] // RECENT_STEP_NS if entry else recent.last[code]
    for k in range(BEFORE):
        step = (moment["time"] + OFFSETS[k]) // RECENT_STEP_NS - 1
        if step <= newest - RECENT_STEPS:
            continue
        behind = int(np.searchsorted(time[:entry], (step + 1) * RECENT_STEP_NS))
        if behind:
            if rows.day[mine[behind - 1]] == moment["day"]:
                _add(sums, curve, k, moment, rows.close[mine[behind - 1]])
        elif recent.day[code] == moment["day"] and recent.first[code] <= step:
            _add(sums, curve, k, moment, recent.price[code, min(step, recent.last[code]) % RECENT_STEPS])
    sums.number[curve, BEFORE] += 1


@kernel
def _walk(rows: PrintColumns, time: Int64s, mine: Int64s, first: int, moment: Any, sums: CurveSums, curve: int) -> None:
    """Take a ticker's rows from ``first`` on, up to the last offset."""
    is_one_day = rows.day[mine[0]] == moment["day"] and rows.day[mine[-1]] == moment["day"]
    entry_time, day_end, price = moment["time"], moment["day_end"], moment["last"]
    place = first
    k = BEFORE + 1 + moment["stage"]
    while k < POINTS:
        at = entry_time + OFFSETS[k]
        if at > day_end:
            k = POINTS
            break
        behind = _next_after(time, place, at)
        if behind > place:
            price = rows.close[mine[behind - 1]]
            place = behind
        if behind == len(time) or (not is_one_day and rows.day[mine[behind]] != moment["day"]):
            break
        _add(sums, curve, k, moment, price)
        k += 1
    moment["last"] = price
    moment["stage"] = k - BEFORE - 1
    if k == POINTS:
        moment["state"] = DONE


@kernel
def _next_after(time: Int64s, start: int, limit: int) -> int:
    """Return what ``first_after`` does, faster if it is near ``start``."""
    step = 1
    place = start
    while place + step < len(time) and time[place + step - 1] <= limit:
        place += step
        step *= 2
    return first_after(time, place, min(place + step, len(time)), limit)


@kernel
def _add(sums: CurveSums, curve: int, offset: int, moment: Any, price: float) -> None:
    entry = moment["entry_price"]
    move = moment["side"] * (price - entry) / entry * 1e4 * UNITS
    sums.total[curve, offset] += np.int64(np.rint(min(max(move, -_GREATEST), _GREATEST)))
    sums.number[curve, offset] += 1


@kernel
def _remember(recent: RecentPrices, code: int, day: int, step: int, price: float) -> None:
    """Keep a price as that of its step, and the one before it as that of the steps between."""
    if recent.day[code] != day:
        recent.day[code] = day
        recent.first[code] = step
    elif step > recent.last[code]:
        known = recent.price[code, recent.last[code] % RECENT_STEPS]
        for between in range(max(recent.last[code] + 1, step - RECENT_STEPS), step):
            recent.price[code, between % RECENT_STEPS] = known
    recent.last[code] = step
    recent.price[code, step % RECENT_STEPS] = price

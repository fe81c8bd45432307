"""Moments of an event study, each a ticker, a side and a decision time, followed through the prints of their day.

1. A moment waits for its entry: the first print after its decision (bars: the first that opens at or after it and is
   not available yet). It is judged when that print comes: too late, or of another day, and the moment ends.
2. From the entry on, an event's own moment keeps the highest and the lowest price. Each ticker keeps its last price.
3. When a print lies behind the end of a horizon, the move up to there goes to the moment's row of results.
4. A moment that has only the horizon ``close`` left ends: the last price of its ticker's day decides. An event's own
   goes to its ticker's stack, for the highest and the lowest price. Later prints concern the newest moment there alone:
   ``settle`` passes on what came after it to those below.
5. When the day is over, what is left is decided likewise: nothing later can change it (``results``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.kernels.jit import kernel

WAITING, OPEN, DONE = range(3)
"""States of a moment."""

NOBODY = -1
"""End of a stack."""

UNSTACKED = -2
"""Place below an event that is on no stack."""

TO_CLOSE = 2**63 - 1
"""Length of the horizon ``close``."""

MOMENT = np.dtype(
    [
        ("time", "i8"),  # of the decision; from the entry on, of the entry
        ("day_end", "i8"),
        ("entry_price", "f8"),
        ("highest", "f8"),  # of an event's own
        ("lowest", "f8"),
        ("row", "i8"),  # number of its row of results in those of events; in those of placebos, -1 less it
        ("code", "i4"),
        ("day", "i4"),
        ("stage", "i2"),  # the horizon that ends next, by length
        ("side", "i1"),
        ("state", "i1"),
    ],
    align=True,
)
"""A moment whose decision has come; times in int64 ns UTC, prices in dollars. It fits in a line of a cache."""

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


class MomentRules(NamedTuple):
    """Rules of a study; durations in ns.

    Parameters
    ----------
    lengths
        Lengths of the horizons, rising; ``TO_CLOSE`` is that of ``close``.
    places
        Place of each of them in results.
    open_slack
        How long before its decision a bar may have opened.
    wait
        Longest wait from the decision to the entry.
    """

    lengths: Int64s
    places: Int64s
    open_slack: int
    wait: int
    is_bars: bool


class OwnResults(NamedTuple):
    """Results of events' own moments, by row; returns by row and horizon, NaN = none.

    ``mfe_bps`` and ``mae_bps`` of ``close`` are prices while the event is on a stack: the highest and the lowest.

    Parameters
    ----------
    first
        Number of the first row.
    code, day
        Of the events.
    day_end
        End of the event's day.
    side
        1 or −1; 0 for an event that is not studied.
    later_highest, later_lowest
        Of an event on a stack: prices that came while it was the newest there.
    below
        Row of the event below it, counted from the first; ``NOBODY`` for the lowest, ``UNSTACKED`` for one on no stack.
    """

    first: int
    code: Int32s
    day: Int32s
    side: NDArray[np.int8]
    day_end: Int64s
    entry_time: Int64s
    entry_price: Float64s
    return_bps: Float64s
    mfe_bps: Float64s
    mae_bps: Float64s
    later_highest: Float64s
    later_lowest: Float64s
    below: Int64s


class PlaceboResults(NamedTuple):
    """Results of placebos, by row; ``bps`` by row and horizon, NaN = none. ``first`` is the number of the first row."""

    first: int
    entry_time: Int64s
    entry_price: Float64s
    bps: Float64s


class LastPrices(NamedTuple):
    """By ticker code: the last price up to the day's end, of the newest day and of the one before (−1: none)."""

    day: Int32s
    price: Float64s
    day_before: Int32s
    price_before: Float64s


class ByTicker(NamedTuple):
    """Moments, those of each ticker side by side, in the order of codes.

    ``start`` (int64) has by code where they begin; then the number of all.
    """

    moments: Moments
    start: Int64s


class Begun(NamedTuple):
    """Moments of a day whose decision has come.

    Parameters
    ----------
    code, side, time
        Of events: ticker, 1 or −1, and the decision's time, less ``since``.
    chosen
        Places of those that begin.
    since
        int64 ns UTC.
    day, day_end
        Of the moments.
    first
        Number of the row of results of the event at place 0.
    is_own
        Whether they are the events' own, and no placebos.
    """

    code: Int32s
    side: NDArray[np.int8]
    time: Int64s
    chosen: Int64s
    since: int
    day: int
    day_end: int
    first: int
    is_own: bool


@kernel
def count_codes(begun: Begun, counts: Int64s) -> None:
    """Add the moments of each ticker code to its count."""
    code, chosen = begun.code, begun.chosen
    for i in range(len(chosen)):
        counts[code[chosen[i]]] += 1


@kernel
def begin(begun: Begun, places: Int64s, moments: Moments) -> None:
    """Write moments that wait for their entry; ``places`` has the next one of each ticker code, and is moved on."""
    code, side, time, chosen = begun.code, begun.side, begun.time, begun.chosen
    for i in range(len(chosen)):
        event = chosen[i]
        c = code[event]
        moment = moments[places[c]]
        places[c] += 1
        moment["code"] = c
        moment["side"] = side[event]
        moment["time"] = begun.since + time[event]
        moment["day"] = begun.day
        moment["day_end"] = begun.day_end
        row = begun.first + event
        moment["row"] = row if begun.is_own else -1 - row
        moment["state"] = WAITING
        moment["stage"] = 0


@kernel
def push(below: Int64s, later_highest: Float64s, later_lowest: Float64s, row: int, code: int, stacks: Int64s) -> None:
    """Put an event on its ticker's stack; the columns are those of ``OwnResults``."""
    later_highest[row] = -np.inf
    later_lowest[row] = np.inf
    below[row] = stacks[code]
    stacks[code] = row


@kernel
def stack(own: OwnResults, stacks: Int64s) -> None:
    """Put the events that were on a stack on that of their ticker; they are settled."""
    for row in range(len(own.code)):
        if own.below[row] != UNSTACKED:
            push(own.below, own.later_highest, own.later_lowest, row, own.code[row], stacks)


@kernel
def settle(own: OwnResults, close: int, stacks: Int64s) -> None:
    """Pass on what came after the newest event of each stack to those below; all are up to date then.

    Parameters
    ----------
    close
        Place of the horizon ``close``.
    """
    for c in range(len(stacks)):
        row = stacks[c]
        if row == NOBODY:
            continue
        highest, lowest, day = -np.inf, np.inf, own.day[row]
        while row != NOBODY:
            if own.day[row] != day:  # prints of one day do not concern the moments of another
                highest, lowest, day = -np.inf, np.inf, own.day[row]
            highest = max(highest, own.later_highest[row])
            lowest = min(lowest, own.later_lowest[row])
            own.mfe_bps[row, close] = max(own.mfe_bps[row, close], highest)
            own.mae_bps[row, close] = min(own.mae_bps[row, close], lowest)
            own.later_highest[row] = -np.inf
            own.later_lowest[row] = np.inf
            row = own.below[row]


@kernel
def horizon_end(entry_time: int, length: int, day_end: int) -> int:
    """Return the end of a horizon (int64 ns UTC); that of ``close`` is the day's."""
    return day_end if length == TO_CLOSE else entry_time + length


@kernel
def move_of(side: float, price: float, entry_price: float) -> float:
    """Return the move from an entry in the direction, in basis points."""
    return side * (price - entry_price) / entry_price * 1e4 + 0.0


@kernel
def extreme_moves(side: float, highest: float, lowest: float, entry_price: float) -> tuple[float, float]:
    """Return the greatest and the smallest move of prices from the entry on, over 0, in basis points."""
    at_highest, at_lowest = move_of(side, highest, entry_price), move_of(side, lowest, entry_price)
    return max(at_highest, at_lowest, 0.0), min(at_highest, at_lowest, 0.0) + 0.0


@kernel
def last_of(
    newest_day: Int32s, price: Float64s, day_before: Int32s, price_before: Float64s, code: int, day: int
) -> float:
    """Return a ticker's last price of a day; NaN if it is not kept. The columns are those of ``LastPrices``."""
    if newest_day[code] == day:
        return float(price[code])
    if day_before[code] == day:
        return float(price_before[code])
    return float(np.nan)

"""Moments of an event study, each a ticker, a side and a decision time, followed through the prints of their day.

1. A moment waits for its entry: the first print after its decision (bars: the first that opens at or after it and is
   not available yet). It is judged when that print comes: ``NO_ENTRY`` if it is too late or of another day.
2. From the entry on, the moment keeps the last price and, if it is an event's own, the highest and the lowest.
3. When a print lies behind the end of a horizon, they are copied to the results of that horizon.
4. A moment that has only the horizon ``close`` left lies on its ticker's stack. Later prints concern the newest moment
   there alone: ``settle`` passes on what came after it to those below.
5. When the day is over, what is left is copied likewise: nothing later can change it (``results``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.jit import kernel

WAITING, OPEN, DONE, NO_ENTRY, CLOSING = range(5)
"""States of a moment; that on a stack is ``CLOSING``."""

NOBODY = -1
"""End of a list of moments."""

TO_CLOSE = 2**63 - 1
"""Length of the horizon ``close``."""

_OF_PLAN: list[tuple[str, str]] = [
    ("event", "i8"),  # number of the event in the study
    ("decision", "i8"),
    ("day_end", "i8"),
    ("placebo", "i4"),  # 0: the event's own moment; k: that of the k-th following recorded day
    ("code", "i4"),
    ("day", "i4"),
    ("side", "i1"),
]
PLANNED = np.dtype(_OF_PLAN, align=True)
"""A moment whose decision is to come: what is known of it then."""

MOMENT = np.dtype(
    [
        *_OF_PLAN,
        ("state", "i1"),
        ("from_opening", "i8"),  # bars: the entry opens at or after it
        ("latest", "i8"),  # the entry lies, or opens, at or before it
        ("stage", "i4"),  # the horizon that ends next, by length
        ("own", "i4"),  # row in the ends of highest and lowest prices; NOBODY for a placebo
        ("entry_time", "i8"),
        ("entry_price", "f8"),
        ("highest", "f8"),
        ("lowest", "f8"),
        ("last", "f8"),
        ("later_highest", "f8"),  # while it is the newest on a stack: of what came since
        ("later_lowest", "f8"),
        ("next", "i8"),  # the next moment of the ticker's chain or stack
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
    """Prices at the end of horizons, which are sorted by length, close last; NaN = none.

    ``last`` is by moment and horizon, the others by ``own`` of moments that are no placebo, and horizon.
    """

    last: Float64s
    highest: Float64s
    lowest: Float64s


class Chains(NamedTuple):
    """First moments by ticker code, or ``NOBODY``: of those that wait or are open, and of those on stacks."""

    heads: Int64s
    stacks: Int64s


def moments_of(planned: NDArray[Any], open_slack_ns: int, wait_ns: int) -> Moments:
    """Return moments that wait for their entry.

    Parameters
    ----------
    planned
        dtype ``PLANNED``.
    open_slack_ns
        How long before its decision a bar may have opened.
    wait_ns
        Longest wait from the decision to the entry.
    """
    moments = np.zeros(len(planned), dtype=MOMENT)
    for name, _ in _OF_PLAN:
        moments[name] = planned[name]
    moments["from_opening"] = planned["decision"] - open_slack_ns
    moments["latest"] = planned["decision"] + np.minimum(wait_ns, MAX_NS - planned["decision"])
    return moments


@kernel
def chain(moments: Moments, first: int, heads: Int64s) -> None:
    """Put moments from ``first`` on that wait or are open before the others of their ticker."""
    for m in range(first, len(moments)):
        if moments[m]["state"] <= OPEN:
            moments[m]["next"] = heads[moments[m]["code"]]
            heads[moments[m]["code"]] = m


@kernel
def stack(moments: Moments, stacks: Int64s) -> None:
    """Put all moments that only wait for the close on the stacks of their tickers."""
    for m in range(len(moments)):
        if moments[m]["state"] == CLOSING:
            push(moments, m, stacks)


@kernel
def push(moments: Moments, m: int, stacks: Int64s) -> None:
    """Put a moment on its ticker's stack."""
    moment = moments[m]
    moment["state"] = CLOSING
    moment["later_highest"] = -np.inf
    moment["later_lowest"] = np.inf
    moment["next"] = stacks[moment["code"]]
    stacks[moment["code"]] = m


@kernel
def settle(moments: Moments, stacks: Int64s) -> None:
    """Pass on what came after the newest moment of each stack to those below; all are up to date then."""
    for c in range(len(stacks)):
        m = stacks[c]
        if m == NOBODY:
            continue
        newest = moments[m]
        highest, lowest, last, day = -np.inf, np.inf, newest["last"], newest["day"]
        while m != NOBODY:
            moment = moments[m]
            if moment["day"] != day:  # prints of one day do not concern the moments of another
                highest, lowest, last, day = -np.inf, np.inf, moment["last"], moment["day"]
            highest = max(highest, moment["later_highest"])
            lowest = min(lowest, moment["later_lowest"])
            moment["highest"] = max(moment["highest"], highest)
            moment["lowest"] = min(moment["lowest"], lowest)
            moment["last"] = last
            moment["later_highest"] = -np.inf
            moment["later_lowest"] = np.inf
            m = moment["next"]


@kernel
def horizon_end(entry_time: int, length: int, day_end: int) -> int:
    """Return the end of a horizon (int64 ns UTC); that of ``close`` is the day's."""
    return day_end if length == TO_CLOSE else entry_time + length


@kernel
def end_horizon(moment: Any, ends: Ends, m: int, h: int) -> None:
    """Copy a moment's prices to the results of a horizon."""
    ends.last[m, h] = moment["last"]
    if moment["own"] != NOBODY:
        ends.highest[moment["own"], h] = moment["highest"]
        ends.lowest[moment["own"], h] = moment["lowest"]

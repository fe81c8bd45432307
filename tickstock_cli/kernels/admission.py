"""Admission: rejects and filters rows before detectors see them.

There is one kernel for each record type. Each processes ticker by ticker, row by row:

1. reject at the first reason that applies (`semantics` section 2), else store the row's time;
2. find its segment (section 1);
3. ticks and fair values: leave out phases that are not allowed;
4. ticks: mark the begin of a segment, apply the guard to the price (section 3), answer earlier lookups of bars and fair
   values.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.compare import SECOND_NS, reaches
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.rows import (
    NEW_LEVEL,
    NEW_SEGMENT,
    NO_BEGIN,
    PHASE_MASK,
    POST,
    REGULAR_TO_POST,
    BarRows,
    FmvRows,
    TickRows,
)

REASONS = (
    "",
    "ticker",
    "timestamp",
    "future",
    "price",
    "size",
    "volume",
    "range",
    "fmv",
    "market_price",
    "confidence",
    "late",
    "duplicate",
)
"""Reasons to reject a row, by the codes below; 0 = accepted."""
(
    ACCEPTED,
    TICKER,
    TIMESTAMP,
    FUTURE,
    PRICE,
    SIZE,
    VOLUME,
    RANGE,
    FMV,
    MARKET_PRICE,
    CONFIDENCE,
    LATE,
    DUPLICATE,
) = range(13)

MAX_AHEAD_NS = 60 * SECOND_NS
"""A timestamp more than this after ``received_at`` is from the future."""

HIDES_LAST, HIDES_VOLUME, HIDES_EXTREMES = 1, 2, 4
"""Bits of a tick's flags: uses that its trade conditions exclude."""

TICK_STATE = np.dtype(
    [
        ("last_timestamp", "i8"),
        ("segment", "i8"),  # of the newest tick that touched state; -1 = none
        ("level", "f8"),  # L; NaN = none
        ("level_rows", "i8"),
        ("suspect", "f8"),  # S; NaN = none
        ("suspect_run", "i8"),
        ("market_price", "f8"),  # NaN = none
        ("market_time", "i8"),
    ],
    align=True,
)
LAST_SEEN = np.dtype([("last_timestamp", "i8")], align=True)


class Guard(NamedTuple):
    """Settings of the guard against bad prints."""

    outlier_percent: float
    confirm_rows: int


class Sessions(NamedTuple):
    """The session table, and by phase whether its ticks and fair values change state."""

    starts: NDArray[np.int64]
    segments: NDArray[np.int64]
    allowed: NDArray[np.bool_]


class Rejects(NamedTuple):
    """Rejected rows of a batch: row number and reason code."""

    row: NDArray[np.int32]
    reason: NDArray[np.int8]


@kernel
def is_price(value: float) -> bool:
    """Return whether a price is usable: a number, finite, above zero."""
    return value > 0.0 and value < np.inf


@kernel
def timing_reason(timestamp: int, available_at: int) -> int:
    """Return the first reason in a row's times to reject it, or ACCEPTED.

    Without a recorded arrival, ``available_at`` is never before ``timestamp``, so no such row is from the future.
    """
    if timestamp <= 0:
        return TIMESTAMP
    if timestamp - available_at > MAX_AHEAD_NS:
        return FUTURE
    return ACCEPTED


@kernel
def tick_reason(timestamp: int, available_at: int, price: float, size: int, last: int) -> int:
    """Return the first reason to reject a tick, or ACCEPTED."""
    reason = timing_reason(timestamp, available_at)
    if reason:
        return reason
    if not is_price(price):
        return PRICE
    if size < 0:
        return SIZE
    if timestamp < last:
        return LATE
    return ACCEPTED


@kernel
def _is_within(price: float, low: float, high: float) -> bool:
    """Return whether a price is in ``[low, high]``, or out of it by at most 1e-9 of the bound, as in adjusted bars."""
    return reaches(price, low) and price <= high + high * 1e-9


@kernel
def bar_reason(bars: Any, i: int, last: int) -> int:
    """Return the first reason to reject bar ``i`` of a batch, or ACCEPTED."""
    reason = timing_reason(bars.timestamp[i], bars.available_at[i])
    if reason:
        return reason
    high = bars.high[i]
    low = bars.low[i]
    if not (is_price(bars.open[i]) and is_price(high) and is_price(low) and is_price(bars.close[i])):
        return PRICE
    if bars.volume[i] < 0:
        return VOLUME
    if not (reaches(high, low) and _is_within(bars.open[i], low, high) and _is_within(bars.close[i], low, high)):
        return RANGE
    if bars.timestamp[i] < last:
        return LATE
    if bars.timestamp[i] == last:
        return DUPLICATE
    return ACCEPTED


@kernel
def fmv_reason(fmvs: Any, i: int, last: int) -> int:
    """Return the first reason to reject fair value ``i`` of a batch, or ACCEPTED."""
    reason = timing_reason(fmvs.timestamp[i], fmvs.available_at[i])
    if reason:
        return reason
    if not is_price(fmvs.fmv[i]):
        return FMV
    market = fmvs.market_price[i]
    if not (np.isnan(market) or is_price(market)):
        return MARKET_PRICE
    if not 0.0 <= fmvs.confidence[i] <= 1.0:
        return CONFIDENCE
    if fmvs.timestamp[i] < last:
        return LATE
    return ACCEPTED


@kernel
def find_session(starts: NDArray[np.int64], timestamp: int) -> int:
    """Return the index in the session table of the segment of ``timestamp``."""
    low = 0
    high = len(starts)
    while high - low > 1:
        middle = (low + high) // 2
        if starts[middle] <= timestamp:
            low = middle
        else:
            high = middle
    return low


@kernel
def judge_price(state: Any, price: float, flags: int, guard: Guard) -> int:
    """Apply the guard to a tick of the current segment, and update its level.

    Returns
    -------
    int
        The tick's flags, with 1 and 4 added if it is suspect; or -1 if it confirmed a new level after a level of a
        single row: then all detector state of the ticker is reset.
    """
    level = state["level"]
    percent = guard.outlier_percent
    hidden = HIDES_LAST | HIDES_EXTREMES
    away = percent > 0 and not np.isnan(level) and abs(price - level) > level * percent / 100.0
    if away and flags & hidden != hidden:
        if flags & HIDES_LAST:
            return flags | hidden
        former = state["suspect"]
        if not np.isnan(former) and abs(price - former) <= former * percent / 100.0:
            state["suspect_run"] += 1
        else:
            state["suspect_run"] = 1
        state["suspect"] = price
        if state["suspect_run"] < guard.confirm_rows:
            return flags | hidden
        lone = state["level_rows"] == 1
        state["level"] = price
        state["level_rows"] = guard.confirm_rows
        state["suspect"] = np.nan
        state["suspect_run"] = 0
        return -1 if lone else flags
    if not flags & HIDES_LAST:
        state["level"] = price
        state["level_rows"] += 1
        state["suspect"] = np.nan
        state["suspect_run"] = 0
    return flags


@kernel
def gather_ticks(ticks: Any, rows: NDArray[np.int32], out: TickRows) -> None:
    """Copy the columns of a batch into group order: column by column, so that reads overlap."""
    for j in range(len(rows)):
        out.timestamp[j] = ticks.timestamp[rows[j]]
    for j in range(len(rows)):
        out.price[j] = ticks.price[rows[j]]
    for j in range(len(rows)):
        out.size[j] = ticks.size[rows[j]]
    for j in range(len(rows)):
        out.flags[j] = ticks.flags[rows[j]]


@kernel
def admit_ticks(
    ticks: Any,
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    guard: Guard,
    out: TickRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the ticks of a batch, ticker by ticker, and return the number of rejected rows.

    ``counts`` is added to: processed, suspect, filtered by market hours.
    """
    gather_ticks(ticks, rows, out)
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    segment = np.int64(-1)
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        out.groups.lookup_start[g] = groups.lookup_start[g]
        lookup = groups.lookup_start[g]
        lookup_end = groups.lookup_start[g + 1]
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            while lookup < lookup_end and out.lookups[lookup]["rows_before"] <= i:
                _answer(out.lookups[lookup], state)
                lookup += 1
            timestamp = out.timestamp[j]
            price = out.price[j]
            reason = tick_reason(timestamp, ticks.available_at[i], price, out.size[j], state["last_timestamp"])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            counts[0] += 1
            state["last_timestamp"] = timestamp
            if not session_start <= timestamp < session_end:
                place = find_session(sessions.starts, timestamp)
                session_start = sessions.starts[place]
                session_end = sessions.starts[place + 1] if place + 1 < len(sessions.starts) else np.int64(2**63 - 1)
                segment = sessions.segments[place]
            if not sessions.allowed[segment & PHASE_MASK]:
                counts[2] += 1
                continue
            begin = NO_BEGIN
            if segment != state["segment"]:
                goes_on = segment & PHASE_MASK == POST and state["segment"] == segment - 1
                begin = REGULAR_TO_POST if goes_on else NEW_SEGMENT
                state["segment"] = segment
                state["level"] = np.nan
                state["level_rows"] = 0
                state["suspect"] = np.nan
                state["suspect_run"] = 0
            own_flags: Any = np.int64(out.flags[j])
            flags: Any = judge_price(state, price, own_flags, guard)
            if flags < 0:
                begin = NEW_LEVEL
                flags = own_flags
            elif flags != own_flags:
                counts[1] += 1
            if not flags & HIDES_LAST:
                state["market_price"] = price
                state["market_time"] = timestamp
            out.timestamp[kept] = timestamp
            out.row[kept] = i
            out.price[kept] = price
            out.size[kept] = out.size[j]
            out.flags[kept] = flags
            out.phase[kept] = segment & PHASE_MASK
            out.begin[kept] = begin
            kept += 1
        while lookup < lookup_end:
            _answer(out.lookups[lookup], state)
            lookup += 1
    out.groups.start[len(groups.code)] = kept
    out.groups.lookup_start[len(groups.code)] = groups.lookup_start[len(groups.code)]
    return rejected


@kernel
def _answer(lookup: Any, state: Any) -> None:
    lookup["tick_segment"] = state["segment"]
    lookup["market_price"] = state["market_price"]
    lookup["market_time"] = state["market_time"]


@kernel
def admit_bars(
    bars: Any,
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    out: BarRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the bars of a batch, and return the number of rejected rows. ``counts`` is added to: processed."""
    kept = 0
    rejected = 0
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            reason = bar_reason(bars, i, state["last_timestamp"])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            counts[0] += 1
            timestamp = bars.timestamp[i]
            state["last_timestamp"] = timestamp
            out.timestamp[kept] = timestamp
            out.end[kept] = timestamp + bars.interval[i]
            out.row[kept] = i
            out.open[kept] = bars.open[i]
            out.high[kept] = bars.high[i]
            out.low[kept] = bars.low[i]
            out.close[kept] = bars.close[i]
            out.volume[kept] = bars.volume[i]
            out.avg_volume[kept] = bars.avg_volume[i]
            out.percent_change[kept] = bars.percent_change[i]
            out.segment[kept] = sessions.segments[find_session(sessions.starts, timestamp)]
            kept += 1
    out.groups.start[len(groups.code)] = kept
    return rejected


@kernel
def admit_fmvs(
    fmvs: Any,
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    answers: NDArray[Any],
    out: FmvRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the fair values of a batch, and return the number of rejected rows.

    ``answers`` has the answer for every row of the batch, by row number. ``counts`` is added to: processed,
    filtered by market hours.
    """
    kept = 0
    rejected = 0
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            reason = fmv_reason(fmvs, i, state["last_timestamp"])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            counts[0] += 1
            timestamp = fmvs.timestamp[i]
            state["last_timestamp"] = timestamp
            phase = sessions.segments[find_session(sessions.starts, timestamp)] & PHASE_MASK
            if not sessions.allowed[phase]:
                counts[1] += 1
                continue
            out.timestamp[kept] = timestamp
            out.row[kept] = i
            out.fmv[kept] = fmvs.fmv[i]
            out.market_price[kept] = fmvs.market_price[i]
            out.confidence[kept] = fmvs.confidence[i]
            out.phase[kept] = phase
            out.tick_price[kept] = answers[i]["market_price"]
            out.tick_time[kept] = answers[i]["market_time"]
            kept += 1
    out.groups.start[len(groups.code)] = kept
    return rejected

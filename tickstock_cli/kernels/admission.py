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
from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.packing import gather_bars, gather_fmvs, gather_ticks
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


class Judging(NamedTuple):
    """Space to judge the rows of a batch in group order: available times, and the first reason in each row's values."""

    available_at: NDArray[np.int64]
    reason: NDArray[np.int8]


@inlined_kernel
def is_price(value: float) -> bool:
    """Return whether a price is usable: a number, finite, above zero."""
    return (value > 0.0) & (value < np.inf)


# A row's reason is chosen from the last that can apply to the first, without a branch: so many rows are judged at once.


@inlined_kernel
def timing_reason(timestamp: int, available_at: int, reason: int) -> int:
    """Return the first reason in a row's times to reject it, or ``reason``.

    Without a recorded arrival, ``available_at`` is never before ``timestamp``, so no such row is from the future.
    """
    reason = FUTURE if timestamp - available_at > MAX_AHEAD_NS else reason
    return TIMESTAMP if timestamp <= 0 else reason


@inlined_kernel
def tick_reason(ticks: Any, i: int, available_at: int) -> int:
    """Return the first reason in the values of a tick (of a batch, or in group order) to reject it, or ACCEPTED."""
    reason = SIZE if ticks.size[i] < 0 else ACCEPTED
    reason = reason if is_price(ticks.price[i]) else PRICE
    return timing_reason(ticks.timestamp[i], available_at, reason)


@inlined_kernel
def _is_within(price: float, low: float, high: float) -> bool:
    """Return whether a price is in ``[low, high]``, or out of it by at most 1e-9 of the bound, as in adjusted bars."""
    return reaches(price, low) & (price <= high + high * 1e-9)


@inlined_kernel
def bar_reason(bars: Any, i: int, available_at: int) -> int:
    """Return the first reason in the values of a bar (of a batch, or in group order) to reject it, or ACCEPTED."""
    high = bars.high[i]
    low = bars.low[i]
    inside = _is_within(bars.open[i], low, high) & _is_within(bars.close[i], low, high)
    reason = ACCEPTED if reaches(high, low) & inside else RANGE
    reason = VOLUME if bars.volume[i] < 0 else reason
    prices = is_price(bars.open[i]) & is_price(high) & is_price(low) & is_price(bars.close[i])
    reason = reason if prices else PRICE
    return timing_reason(bars.timestamp[i], available_at, reason)


@inlined_kernel
def fmv_reason(fmvs: Any, i: int, available_at: int) -> int:
    """Return the first reason in a fair value's values (of a batch, or in group order) to reject it, or ACCEPTED."""
    confidence = fmvs.confidence[i]
    reason = ACCEPTED if (confidence >= 0.0) & (confidence <= 1.0) else CONFIDENCE
    market = fmvs.market_price[i]
    reason = reason if np.isnan(market) | is_price(market) else MARKET_PRICE
    reason = reason if is_price(fmvs.fmv[i]) else FMV
    return timing_reason(fmvs.timestamp[i], available_at, reason)


@inlined_kernel
def order_reason(timestamp: int, last: int, reason: int) -> int:
    """Return ``reason``, the first in a row's values, or the one in its place after the ticker's last accepted row."""
    return LATE if (reason == ACCEPTED) & (timestamp < last) else reason


@inlined_kernel
def bar_order_reason(timestamp: int, last: int, reason: int) -> int:
    """Return ``order_reason``, and of bars that one which comes again."""
    return DUPLICATE if (reason == ACCEPTED) & (timestamp == last) else order_reason(timestamp, last, reason)


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


@inlined_kernel
def end_of_session(starts: NDArray[np.int64], place: int) -> Any:
    """Return the end (ns) of the segment at a place in the session table; the last one has none."""
    return starts[place + 1] if place + 1 < len(starts) else np.int64(2**63 - 1)


class Level(NamedTuple):
    """The guard's memory of a ticker; a kernel holds it in registers while it reads the rows of one ticker."""

    price: float
    rows: int
    suspect: float
    suspect_run: int


@inlined_kernel
def no_level() -> Level:
    """Return the guard's memory at the begin of a segment."""
    return Level(np.nan, 0, np.nan, 0)


@inlined_kernel
def judge_price(level: Level, price: float, flags: int, guard: Guard) -> tuple[Level, int]:
    """Apply the guard to a tick of the current segment.

    Returns
    -------
    tuple
        The level after it. The tick's flags, with 1 and 4 added if it is suspect; or -1 if it confirmed a new level
        after a level of a single row: then all detector state of the ticker is reset.
    """
    percent = guard.outlier_percent
    hidden = HIDES_LAST | HIDES_EXTREMES
    # Without a level, the difference is NaN: no price is away.
    away = percent > 0 and abs(price - level.price) > level.price * percent / 100.0
    if away and flags & hidden != hidden:
        if flags & HIDES_LAST:
            return level, flags | hidden
        former = level.suspect
        repeats = not np.isnan(former) and abs(price - former) <= former * percent / 100.0
        run = level.suspect_run + 1 if repeats else 1
        if run < guard.confirm_rows:
            return Level(level.price, level.rows, price, run), flags | hidden
        return Level(price, guard.confirm_rows, np.nan, 0), -1 if level.rows == 1 else flags
    if not flags & HIDES_LAST:
        return Level(price, level.rows + 1, np.nan, 0), flags
    return level, flags


@kernel
def admit_ticks(
    ticks: Any,
    packed: NDArray[Any],
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    guard: Guard,
    judging: Judging,
    out: TickRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the ticks of a batch, ticker by ticker, and return the number of rejected rows.

    ``counts`` is added to: processed, suspect, filtered by market hours.
    """
    gather_ticks(ticks, packed, rows, judging.available_at, out)
    for j in range(len(rows)):
        judging.reason[j] = tick_reason(out, j, judging.available_at[j])
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    segment = np.int64(-1)
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        last = state["last_timestamp"]
        own_segment = state["segment"]
        level = Level(state["level"], state["level_rows"], state["suspect"], state["suspect_run"])
        market_price = state["market_price"]
        market_time = state["market_time"]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        out.groups.lookup_start[g] = groups.lookup_start[g]
        lookup = groups.lookup_start[g]
        lookup_end = groups.lookup_start[g + 1]
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            while lookup < lookup_end and out.lookups[lookup]["rows_before"] <= i:
                _answer(out.lookups[lookup], own_segment, market_price, market_time)
                lookup += 1
            timestamp = out.timestamp[j]
            price = out.price[j]
            reason = order_reason(timestamp, last, judging.reason[j])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            last = timestamp
            if not session_start <= timestamp < session_end:
                place = find_session(sessions.starts, timestamp)
                session_start = sessions.starts[place]
                session_end = end_of_session(sessions.starts, place)
                segment = sessions.segments[place]
            if not sessions.allowed[segment & PHASE_MASK]:
                counts[2] += 1
                continue
            begin = NO_BEGIN
            if segment != own_segment:
                goes_on = segment & PHASE_MASK == POST and own_segment == segment - 1
                begin = REGULAR_TO_POST if goes_on else NEW_SEGMENT
                own_segment = segment
                level = no_level()
            own_flags: Any = np.int64(out.flags[j])
            level, flags = judge_price(level, price, own_flags, guard)
            if flags < 0:
                begin = NEW_LEVEL
                flags = own_flags
            elif flags != own_flags:
                counts[1] += 1
            if not flags & HIDES_LAST:
                market_price = price
                market_time = timestamp
            out.timestamp[kept] = timestamp
            out.row[kept] = i
            out.price[kept] = price
            out.size[kept] = out.size[j]
            out.flags[kept] = flags
            out.phase[kept] = segment & PHASE_MASK
            out.begin[kept] = begin
            kept += 1
        while lookup < lookup_end:
            _answer(out.lookups[lookup], own_segment, market_price, market_time)
            lookup += 1
        state["last_timestamp"] = last
        state["segment"] = own_segment
        state["level"] = level.price
        state["level_rows"] = level.rows
        state["suspect"] = level.suspect
        state["suspect_run"] = level.suspect_run
        state["market_price"] = market_price
        state["market_time"] = market_time
    counts[0] += len(rows) - rejected
    out.groups.start[len(groups.code)] = kept
    out.groups.lookup_start[len(groups.code)] = groups.lookup_start[len(groups.code)]
    return rejected


@inlined_kernel
def _answer(lookup: Any, segment: int, market_price: float, market_time: int) -> None:
    lookup["tick_segment"] = segment
    lookup["market_price"] = market_price
    lookup["market_time"] = market_time


@kernel
def admit_bars(
    bars: Any,
    packed: NDArray[Any],
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    judging: Judging,
    out: BarRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the bars of a batch, and return the number of rejected rows.

    ``counts`` is added to: processed.
    """
    gather_bars(bars, packed, rows, judging.available_at, out)
    for j in range(len(rows)):
        judging.reason[j] = bar_reason(out, j, judging.available_at[j])
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    segment = np.int64(-1)
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            timestamp = out.timestamp[j]
            reason = bar_order_reason(timestamp, state["last_timestamp"], judging.reason[j])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            state["last_timestamp"] = timestamp
            if not session_start <= timestamp < session_end:
                place = find_session(sessions.starts, timestamp)
                session_start = sessions.starts[place]
                session_end = end_of_session(sessions.starts, place)
                segment = sessions.segments[place]
            out.end[kept] = timestamp + out.end[j]
            out.row[kept] = i
            out.segment[kept] = segment
            if kept != j:
                out.timestamp[kept] = timestamp
                out.open[kept] = out.open[j]
                out.high[kept] = out.high[j]
                out.low[kept] = out.low[j]
                out.close[kept] = out.close[j]
                out.volume[kept] = out.volume[j]
                out.avg_volume[kept] = out.avg_volume[j]
                out.percent_change[kept] = out.percent_change[j]
            kept += 1
    counts[0] += kept
    out.groups.start[len(groups.code)] = kept
    return rejected


@kernel
def admit_fmvs(
    fmvs: Any,
    packed: NDArray[Any],
    rows: NDArray[np.int32],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    answers: NDArray[Any],
    judging: Judging,
    out: FmvRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the fair values of a batch, and return the number of rejected rows.

    ``answers`` has the answer for every row of the batch, by row number. ``counts`` is added to: processed, filtered by
    market hours.
    """
    gather_fmvs(fmvs, packed, rows, judging.available_at, out)
    for j in range(len(rows)):
        judging.reason[j] = fmv_reason(out, j, judging.available_at[j])
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    phase = 0
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            i = rows[j]
            timestamp = out.timestamp[j]
            reason = order_reason(timestamp, state["last_timestamp"], judging.reason[j])
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
                session_end = end_of_session(sessions.starts, place)
                phase = sessions.segments[place] & PHASE_MASK
            if not sessions.allowed[phase]:
                counts[1] += 1
                continue
            out.timestamp[kept] = timestamp
            out.row[kept] = i
            out.fmv[kept] = out.fmv[j]
            out.market_price[kept] = out.market_price[j]
            out.confidence[kept] = out.confidence[j]
            out.phase[kept] = phase
            out.tick_price[kept] = answers[i]["market_price"]
            out.tick_time[kept] = answers[i]["market_time"]
            kept += 1
    out.groups.start[len(groups.code)] = kept
    return rejected

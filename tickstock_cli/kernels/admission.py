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

from tickstock_cli.kernels.jit import inlined_kernel, kernel
from tickstock_cli.kernels.packing import gather_repeated
from tickstock_cli.kernels.reasons import bar_order_reason, order_reason
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
    packed: NDArray[Any],
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
    kept = 0
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
            row = packed[j]
            i: Any = np.int64(row["row"])
            while lookup < lookup_end and out.lookups[lookup]["rows_before"] <= i:
                _answer(out.lookups[lookup], own_segment, market_price, market_time)
                lookup += 1
            timestamp = row["timestamp"]
            price = row["price"]
            reason = order_reason(timestamp, last, row["reason"])
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
            own_flags: Any = np.int64(row["flags"])
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
            out.size[kept] = row["size"]
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
    counts[0] += len(packed) - rejected
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
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    out: BarRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the bars of a batch, and return the number of rejected rows.

    ``counts`` is added to: processed.
    """
    averages_vary = gather_repeated(bars.avg_volume, packed, out.avg_volume)
    changes_vary = gather_repeated(bars.percent_change, packed, out.percent_change)
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    segment = np.int64(-1)
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        last = state["last_timestamp"]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            row = packed[j]
            i = row["row"]
            timestamp = row["timestamp"]
            reason = bar_order_reason(timestamp, last, row["reason"])
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
            out.timestamp[kept] = timestamp
            out.end[kept] = timestamp + row["interval"]
            out.row[kept] = i
            out.segment[kept] = segment
            out.open[kept] = row["open"]
            out.high[kept] = row["high"]
            out.low[kept] = row["low"]
            out.close[kept] = row["close"]
            out.volume[kept] = row["volume"]
            if averages_vary:
                out.avg_volume[kept] = out.avg_volume[j]
            if changes_vary:
                out.percent_change[kept] = out.percent_change[j]
            kept += 1
        state["last_timestamp"] = last
    counts[0] += kept
    out.groups.start[len(groups.code)] = kept
    return rejected


@kernel
def admit_fmvs(
    fmvs: Any,
    packed: NDArray[Any],
    groups: Any,
    states: NDArray[Any],
    sessions: Sessions,
    answers: NDArray[Any],
    out: FmvRows,
    rejects: Rejects,
    counts: NDArray[np.int64],
) -> int:
    """Admit the fair values of a batch, and return the number of rejected rows.

    ``answers`` has the answer for every row of the batch, by row number. ``counts`` is added to: processed, filtered by
    market hours.
    """
    confidences_vary = gather_repeated(fmvs.confidence, packed, out.confidence)
    kept = 0  # never beyond the row that is read, so columns are packed in place
    rejected = 0
    session_start = np.int64(1)
    session_end = np.int64(0)
    phase = 0
    for g in range(len(groups.code)):
        state = states[groups.code[g]]
        last = state["last_timestamp"]
        out.groups.code[g] = groups.code[g]
        out.groups.start[g] = kept
        for j in range(groups.start[g], groups.start[g + 1]):
            row = packed[j]
            i = row["row"]
            timestamp = row["timestamp"]
            reason = order_reason(timestamp, last, row["reason"])
            if reason:
                rejects.row[rejected] = i
                rejects.reason[rejected] = reason
                rejected += 1
                continue
            counts[0] += 1
            last = timestamp
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
            out.fmv[kept] = row["fmv"]
            out.market_price[kept] = row["market_price"]
            if confidences_vary:
                out.confidence[kept] = out.confidence[j]
            out.phase[kept] = phase
            out.tick_price[kept] = answers[i]["market_price"]
            out.tick_time[kept] = answers[i]["market_time"]
            kept += 1
        state["last_timestamp"] = last
    out.groups.start[len(groups.code)] = kept
    return rejected

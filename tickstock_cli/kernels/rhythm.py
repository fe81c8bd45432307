"""Measures how regularly each ticker has rows within the regular hours: gaps, and rows missing at both ends.

A ticker is held against its own rate: a gap counts if it is longer than a multiple of the mean distance of the ticker's
rows on that day, its longest gap left out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.admission import find_session
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.reasons import ACCEPTED
from tickstock_cli.kernels.rows import PHASE_MASK

FEWEST_ROWS = 30
"""A ticker with fewer rows in a session has no rate to be held against."""

GAPS = 3
"""Gaps kept per ticker and session, the longest first."""

SAMPLED_EVENLY = 1.2
"""Rows are evenly spaced if their mean distance is at most this multiple of the shortest one."""


class GapRules(NamedTuple):
    """What counts as a gap; times in ns.

    Parameters
    ----------
    phase
        Phase of the segments that are measured.
    shortest
        A gap up to this length never counts.
    multiple
        A gap counts above this multiple of the ticker's mean distance.
    liquid
        A ticker with a mean distance up to this one is expected to have rows at both ends of a session.
    """

    phase: int
    shortest: int
    multiple: int
    liquid: int


class TickerRhythm(NamedTuple):
    """Per ticker, its rows in the segment it is in; times int64 ns, segment -1 = none yet.

    ``gap`` and ``gap_start`` have the longest gaps of the segment (tickers, GAPS); ``spacing`` is the shortest distance
    above 0; ``begin`` and ``end`` are the segment's bounds.
    """

    segment: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    file: NDArray[np.int64]
    rows: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    spacing: NDArray[np.int64]
    gap: NDArray[np.int64]
    gap_start: NDArray[np.int64]


class FileRhythm(NamedTuple):
    """Per file, sessions of tickers (a ticker on a day) by what was found; times int64 ns.

    ``missing`` is the length of all gaps; ``worst_*`` have (files, 3): the ticker's code, start, length.
    """

    sessions: NDArray[np.int64]
    with_gaps: NDArray[np.int64]
    missing: NDArray[np.int64]
    open: NDArray[np.int64]
    liquid: NDArray[np.int64]
    begin_late: NDArray[np.int64]
    end_early: NDArray[np.int64]
    worst_gap: NDArray[np.int64]
    worst_begin: NDArray[np.int64]
    worst_end: NDArray[np.int64]


@kernel
def note_rows(
    rows: Any,
    row_bits: int,
    reasons: NDArray[np.int8],
    sessions: Any,
    rules: GapRules,
    tickers: TickerRhythm,
    files: FileRhythm,
) -> None:
    """Add accepted rows in merge order. ``sessions`` is the session table, as in `admission`."""
    begin = np.int64(1)
    end = np.int64(0)
    segment = np.int64(-1)
    for i in range(len(rows.code)):
        if reasons[i] != ACCEPTED:
            continue
        time = rows.timestamp[i]
        if not begin <= time < end:
            place = find_session(sessions.starts, time)
            begin = sessions.starts[place]
            end = sessions.starts[place + 1] if place + 1 < len(sessions.starts) else np.int64(2**63 - 1)
            segment = sessions.segments[place]
        if segment & PHASE_MASK != rules.phase:
            continue
        code = rows.code[i]
        file = rows.origin[i] >> row_bits
        if tickers.segment[code] != segment:
            _end_session(code, rules, tickers, files)
            tickers.segment[code] = segment
            tickers.begin[code] = begin
            tickers.end[code] = end
            tickers.rows[code] = 0
            tickers.first[code] = time
            tickers.spacing[code] = np.int64(2**63 - 1)
            tickers.gap[code] = 0
        else:
            _note_gap(code, time, tickers)
        tickers.rows[code] += 1
        tickers.last[code] = time
        tickers.file[code] = file


@kernel
def end_sessions(rules: GapRules, tickers: TickerRhythm, files: FileRhythm) -> None:
    """Count the sessions that tickers are in: there are no more rows."""
    for code in range(len(tickers.segment)):
        _end_session(code, rules, tickers, files)
        tickers.segment[code] = -1


@kernel
def _note_gap(code: int, time: int, tickers: TickerRhythm) -> None:
    start = tickers.last[code]
    length = time - start
    if 0 < length < tickers.spacing[code]:
        tickers.spacing[code] = length
    place = GAPS
    while place > 0 and length > tickers.gap[code, place - 1]:
        if place < GAPS:
            tickers.gap[code, place] = tickers.gap[code, place - 1]
            tickers.gap_start[code, place] = tickers.gap_start[code, place - 1]
        place -= 1
    if place < GAPS:
        tickers.gap[code, place] = length
        tickers.gap_start[code, place] = start


@kernel
def _end_session(code: int, rules: GapRules, tickers: TickerRhythm, files: FileRhythm) -> None:
    """Hold a ticker's session against its own rate, and count it for the file of its last row."""
    rows = tickers.rows[code]
    if tickers.segment[code] < 0 or rows < FEWEST_ROWS:
        return
    file = tickers.file[code]
    first = tickers.first[code]
    last = tickers.last[code]
    spacing = (last - first - tickers.gap[code, 0]) // (rows - 2)
    limit = max(rules.shortest, rules.multiple * spacing)
    files.sessions[file] += 1
    files.open[file] += tickers.end[code] - tickers.begin[code]
    if tickers.gap[code, 0] > limit:
        files.with_gaps[file] += 1
        _note_worst(files.worst_gap[file], code, tickers.gap_start[code, 0], tickers.gap[code, 0])
    for place in range(GAPS):
        if tickers.gap[code, place] > limit:
            files.missing[file] += tickers.gap[code, place]
    if spacing <= rules.liquid or spacing <= SAMPLED_EVENLY * tickers.spacing[code]:
        files.liquid[file] += 1
        ahead = first - tickers.begin[code]
        behind = tickers.end[code] - last - spacing
        if ahead > limit:
            files.begin_late[file] += 1
            _note_worst(files.worst_begin[file], code, tickers.begin[code], ahead)
        if behind > limit:
            files.end_early[file] += 1
            _note_worst(files.worst_end[file], code, last, behind)


@kernel
def _note_worst(worst: NDArray[np.int64], code: int, start: int, length: int) -> None:
    if length > worst[2]:
        worst[0] = code
        worst[1] = start
        worst[2] = length

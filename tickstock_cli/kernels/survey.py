"""Surveys rows in merge order: counts rejected rows, duplicates and gaps, with the rules of `admission`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.kernels.admission import find_session
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.kernels.reasons import (
    ACCEPTED,
    TICKER,
    bar_order_reason,
    bar_reason,
    fmv_reason,
    order_reason,
    tick_reason,
)
from tickstock_cli.kernels.rows import PHASE_MASK

GAPS = 3
"""Gaps kept per file and phase, the longest first."""

SPACINGS = 1_024
"""Distances between a ticker's bars kept per file."""


class TickerState(NamedTuple):
    """Per ticker: time of its last accepted row (0 = none), and the file that row came from."""

    last: NDArray[np.int64]
    file: NDArray[np.int64]


class FileTallies(NamedTuple):
    """Per file; rejected by reason code, accepted by phase, gaps by phase and rank, ``seen`` by ticker code first.

    Times are int64 ns.
    """

    rejected: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    latest_segment: NDArray[np.int64]
    phases: NDArray[np.int64]
    seen: NDArray[np.bool_]
    gap_length: NDArray[np.int64]
    gap_start: NDArray[np.int64]
    spacing: NDArray[np.int64]
    spacings: NDArray[np.int64]


class Copies(NamedTuple):
    """A hash table of the rows of one time. ``state``: the time, its number (as in stamps), rows held."""

    slots: NDArray[np.uint64]
    stamps: NDArray[np.int64]
    state: NDArray[np.int64]


def no_copies(slots: int) -> Copies:
    """Return an empty table. Times are numbered from 1, because a stamp of 0 is an empty slot."""
    return Copies(np.zeros(slots, np.uint64), np.zeros(slots, np.int64), np.array([0, 1, 0], np.int64))


def forget_rows(copies: Copies) -> None:
    """Reset the table for another file."""
    copies.state[:] = (0, copies.state[1] + 1, 0)


@kernel
def judge_ticks(ticks: Any, tickers: TickerState, reasons: NDArray[np.int8]) -> None:
    """Fill ``reasons`` with the reason to reject each tick, and update ``tickers``."""
    for i in range(len(ticks.code)):
        code = ticks.code[i]
        if code < 0:
            reasons[i] = TICKER
            continue
        last = tickers.last[code]
        reasons[i] = order_reason(ticks.timestamp[i], last, tick_reason(ticks, i))
        if not reasons[i]:
            tickers.last[code] = ticks.timestamp[i]


@kernel
def judge_bars(bars: Any, row_bits: int, tickers: TickerState, reasons: NDArray[np.int8], tallies: FileTallies) -> None:
    """Fill ``reasons`` for bars, update ``tickers``, and keep some distances between consecutive bars of a ticker."""
    for i in range(len(bars.code)):
        code = bars.code[i]
        if code < 0:
            reasons[i] = TICKER
            continue
        last = tickers.last[code]
        reasons[i] = bar_order_reason(bars.timestamp[i], last, bar_reason(bars, i))
        if reasons[i]:
            continue
        file = bars.origin[i] >> row_bits
        if last > 0 and tickers.file[code] == file and tallies.spacings[file] < SPACINGS:
            tallies.spacing[file, tallies.spacings[file]] = bars.timestamp[i] - last
            tallies.spacings[file] += 1
        tickers.last[code] = bars.timestamp[i]
        tickers.file[code] = file


@kernel
def judge_fmvs(fmvs: Any, tickers: TickerState, reasons: NDArray[np.int8]) -> None:
    """Fill ``reasons`` for fair values, and update ``tickers``."""
    for i in range(len(fmvs.code)):
        code = fmvs.code[i]
        if code < 0:
            reasons[i] = TICKER
            continue
        own = fmv_reason(fmvs, i)
        reasons[i] = order_reason(fmvs.timestamp[i], tickers.last[code], own)
        if not reasons[i]:
            tickers.last[code] = fmvs.timestamp[i]


@kernel
def tally(
    rows: Any, row_bits: int, reasons: NDArray[np.int8], sessions: Any, closed: int, tallies: FileTallies
) -> None:
    """Add judged rows to their files' tallies.

    Parameters
    ----------
    sessions
        The session table, as in `admission`; ``closed`` is the phase in which gaps do not count.
    """
    begin = np.int64(1)
    end = np.int64(0)
    segment = np.int64(-1)
    for i in range(len(rows.code)):
        file = rows.origin[i] >> row_bits
        if reasons[i] != ACCEPTED:
            tallies.rejected[file, reasons[i]] += 1
            continue
        time = rows.timestamp[i]
        tallies.seen[rows.code[i], file] = True
        if not begin <= time < end:
            place = find_session(sessions.starts, time)
            begin = sessions.starts[place]
            end = sessions.starts[place + 1] if place + 1 < len(sessions.starts) else np.int64(2**63 - 1)
            segment = sessions.segments[place]
        phase = segment & PHASE_MASK
        tallies.phases[file, phase] += 1
        if segment == tallies.latest_segment[file] and phase != closed and tallies.last[file] >= begin:
            _note_gap(tallies, file, phase, tallies.last[file], time)
        tallies.latest_segment[file] = segment
        tallies.first[file] = min(tallies.first[file], time)
        tallies.last[file] = max(tallies.last[file], time)


@kernel
def count_copies(times: NDArray[np.int64], hashes: NDArray[np.uint64], copies: Copies) -> int:
    """Count the rows that equal an earlier one, by hash, among consecutive rows of one time.

    The table holds different rows of one time up to half its slots; later rows are only compared with them.
    """
    size = np.uint64(len(copies.slots))
    found = 0
    for i in range(len(times)):
        if times[i] != copies.state[0]:
            copies.state[0] = times[i]
            copies.state[1] += 1
            copies.state[2] = 0
        slot = hashes[i] % size
        while copies.stamps[slot] == copies.state[1] and copies.slots[slot] != hashes[i]:
            slot = (slot + np.uint64(1)) % size
        if copies.stamps[slot] == copies.state[1]:
            found += 1
        elif copies.state[2] * 2 < len(copies.slots):
            copies.stamps[slot] = copies.state[1]
            copies.slots[slot] = hashes[i]
            copies.state[2] += 1
    return found


@kernel
def _note_gap(tallies: FileTallies, file: int, phase: np.int64, start: np.int64, end: np.int64) -> None:
    """Keep a gap if it is among the longest of its file and phase."""
    length = end - start
    if length <= tallies.gap_length[file, phase, GAPS - 1]:
        return
    place = GAPS - 1
    while place > 0 and length > tallies.gap_length[file, phase, place - 1]:
        tallies.gap_length[file, phase, place] = tallies.gap_length[file, phase, place - 1]
        tallies.gap_start[file, phase, place] = tallies.gap_start[file, phase, place - 1]
        place -= 1
    tallies.gap_length[file, phase, place] = length
    tallies.gap_start[file, phase, place] = start

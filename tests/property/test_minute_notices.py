"""Whatever a feed sends and however it is batched, each minute is told once, with the rows that had come."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.live.minute_notices import CompleteMinute, MinuteNotices

SECOND = 1_000_000_000
MINUTE = 60 * SECOND
START = 1_780_407_000_000_000_000
QUIET = 3 * SECOND


@dataclass(frozen=True)
class Frame:
    """Rows that were received together: ticker and time of each, in ns."""

    received: int
    rows: tuple[tuple[str, int], ...]


PAUSES = (1, SECOND // 2, SECOND, QUIET, QUIET + 1, MINUTE)
AGO = (1, 1, 1, 1, 1, 1, 0, 3)
"""How many minutes before the one of now a row is of."""
INTO = (SECOND, 50 * SECOND, 59 * SECOND)


@st.composite
def arrivals(draw: st.DrawFn) -> list[Frame]:
    """Draw frames that are mostly of the latest minute, with pauses, and rows of minutes that are over."""
    received, frames = START + MINUTE, list[Frame]()
    frame = st.tuples(st.sampled_from(PAUSES), st.sampled_from(AGO), st.sampled_from(AGO), st.sampled_from(INTO))
    for pause, ago, more, into in draw(st.lists(frame, min_size=2)):
        received += pause
        now = received // MINUTE * MINUTE
        times = now - ago * MINUTE + into, now - more * MINUTE
        frames.append(Frame(received, tuple(zip("ABCD"[len(frames) % 3 :], times, strict=False))))
    return frames


def expected(frames: list[Frame], *, from_bars: bool) -> tuple[list[CompleteMinute], int]:
    """Return the complete minutes and the number of late rows, frame by frame and row by row."""
    told: list[CompleteMinute] = []
    late, minute, last, delay, tickers, is_open = 0, 0, 0, 2 * MINUTE, set[str](), False
    for frame in frames:
        limit = max(minute + MINUTE, last) + QUIET if from_bars else minute + MINUTE + delay
        if is_open and frame.received > limit:
            told.append(CompleteMinute(minute, len(tickers), max(0, last - minute - MINUTE)))
            is_open = False
        for ticker, time in sorted(frame.rows, key=lambda row: row[1] // MINUTE):
            delay = min(delay, frame.received - time)
            of = time // MINUTE * MINUTE
            if of > minute:
                if is_open:
                    told.append(CompleteMinute(minute, len(tickers), max(0, last - minute - MINUTE)))
                minute, tickers, is_open = of, set(), True
            if of < minute or not is_open:
                late += 1
                continue
            tickers.add(ticker)
            last = frame.received
    return told, late


def batch_of(frames: list[Frame], *, from_bars: bool) -> pa.RecordBatch:
    """Return the rows of frames as the feed gives them."""
    rows: list[dict[str, Any]] = [
        {"ticker": ticker, "timestamp": time, "received_at": frame.received}
        for frame in frames
        for ticker, time in frame.rows
    ]
    if from_bars:
        rows = [{**row, "timestamp": row["timestamp"] // MINUTE * MINUTE, "interval": 60.0} for row in rows]
    return pa.RecordBatch.from_pylist(rows, RECORDED["ohlcv" if from_bars else "tick"])


@settings(max_examples=settings().max_examples * 5)
@given(arrivals(), st.booleans(), st.sets(st.integers(1, 8)), st.sets(st.integers(1, 8), max_size=2))
def test_minutes_do_not_depend_on_batches_and_looks(
    frames: list[Frame], from_bars: bool, cuts: set[int], looks: set[int]
) -> None:
    """Frames that come in one batch or in many, and looks between them or none, give what a loop over rows gives."""
    told: list[CompleteMinute] = []
    notices = MinuteNotices(told.append, QUIET, from_bars=from_bars)
    bounds = sorted({0, len(frames), *(place for place in cuts | looks if place < len(frames))})
    for start, stop in pairwise(bounds):
        if start in looks:
            notices.look(frames[start].received - 1)
        notices.rows([batch_of(frames[start:stop], from_bars=from_bars)])

    assert (told, notices.late) == expected(frames, from_bars=from_bars)
    assert [complete.minute for complete in told] == sorted({complete.minute for complete in told})

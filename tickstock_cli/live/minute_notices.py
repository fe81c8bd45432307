"""Minutes of a live feed that are complete: told once, when their rows have come.

With minute bars, a minute is complete when the first bar of a later minute comes, or when no bar of it has come for the
quiet time after its end. Without, it is complete when the feed's clock is past its end: a trade of a later minute has
come, or the time is past the end by the least delay that trades had so far.

Only the latest minute is open. Rows of earlier ones are counted and not told: vendors send bars again, corrected, for
some minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tickstock_cli.core.feed import FeedListener
from tickstock_cli.core.recording_schema import RECORDED
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.engine.observer import Observer

NS_PER_MINUTE = 60 * NS_PER_SECOND
_MINUTE_BAR = pa.scalar(60.0)
AHEAD_NS = NS_PER_MINUTE
"""Rows of a minute that begins this much after they were received have a wrong time; they are left out."""


@dataclass(frozen=True, slots=True)
class CompleteMinute:
    """A minute whose rows have come.

    Parameters
    ----------
    minute
        Its start, ns UTC.
    symbols
        Tickers with a row in it.
    lag_ns
        From its end until its last row was received; 0 if that was before.
    """

    minute: int
    symbols: int
    lag_ns: int


@dataclass(slots=True)
class _OpenMinute:
    minute: int
    received: int
    """``received_at`` of the latest row, ns UTC."""
    tickers: set[str] = field(default_factory=set)
    told: bool = False

    @property
    def end(self) -> int:
        """Its end, ns UTC."""
        return self.minute + NS_PER_MINUTE

    def complete(self) -> CompleteMinute:
        """Return the minute as it is told."""
        return CompleteMinute(self.minute, len(self.tickers), max(0, self.received - self.end))


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows that count, in the order in which they were received; times in ns UTC."""

    tickers: pa.Array[Any]
    times: NDArray[np.int64]
    minutes: NDArray[np.int64]
    received: NDArray[np.int64]

    def by_frame(self) -> Iterator[_Rows]:
        """Yield the rows of each frame."""
        bounds = [0, *(np.flatnonzero(np.diff(self.received)) + 1).tolist(), len(self.received)]
        for start, stop in pairwise(bounds):
            part = slice(start, stop)
            tickers = self.tickers.slice(start, stop - start)
            yield _Rows(tickers, self.times[part], self.minutes[part], self.received[part])

    def of_minute(self, minute: int) -> list[str]:
        """Return the tickers of the rows of a minute."""
        of_it = self.minutes == minute
        tickers = self.tickers if of_it.all() else self.tickers.filter(pa.array(of_it))
        names: list[str] = tickers.to_pylist()  # type: ignore[assignment]  # without nulls
        return names


class MinuteNotices(FeedListener, Observer):
    """Finds the minutes of a feed that are complete, from its rows and from the time that passes in silence.

    The result does not depend on how rows are batched, nor on how often ``look`` is called, as long as no row comes
    that was received before the time of a look. Safe in any thread.

    Parameters
    ----------
    tell
        Called with every complete minute, in rising order, in the thread that found it; it must be quick.
    quiet_ns
        How long after its latest bar, and after its end, a minute with bars is complete in silence.
    from_bars
        Whether the feed has minute bars; else its trades are taken.
    """

    def __init__(self, tell: Callable[[CompleteMinute], None], quiet_ns: int, *, from_bars: bool) -> None:
        self._tell = tell
        self._quiet_ns = quiet_ns
        self._from_bars = from_bars
        self._schema = RECORDED["ohlcv" if from_bars else "tick"]
        self._lock = Lock()
        self._open: _OpenMinute | None = None
        self._least_delay: int | None = None
        self._late = 0

    @property
    def late(self) -> int:
        """Number of rows that came for a minute that was told, or is earlier than one that was."""
        return self._late

    def rows(self, batches: Sequence[pa.RecordBatch]) -> None:
        for batch in batches:
            if batch.schema != self._schema:
                continue
            found = _counted(batch, self._from_bars)
            if len(found.received):
                with self._lock:
                    self._take(found)

    def look(self, now: int) -> None:
        """Pass the open minute to ``tell`` if it is complete at ``now`` (ns UTC), up to which all rows have come."""
        with self._lock:
            self._look(now)

    def advanced(self, rows: int, market_time: int) -> None:  # noqa: ARG002 - the observer's
        self.look(market_time)

    def _take(self, rows: _Rows) -> None:
        opened = self._open
        if opened is not None and (rows.minutes == opened.minute).all() and not self._may_complete(opened, rows):
            self._add(opened, rows)  # nearly all frames: no need to go through them one by one
            self._note_delay(rows)
            return
        for frame in rows.by_frame():
            self._look(int(frame.received[0]) - 1)
            self._note_delay(frame)
            for minute in np.unique(frame.minutes).tolist():
                self._take_minute(minute, frame)

    def _may_complete(self, opened: _OpenMinute, rows: _Rows) -> bool:
        """Return whether the open minute may be complete before the last of ``rows``."""
        if opened.told:
            return False
        return self._is_complete(opened, int(rows.received[-1]) - 1, self._delay_with(rows))

    def _take_minute(self, minute: int, frame: _Rows) -> None:
        opened = self._open
        if opened is None or minute > opened.minute:
            if opened is not None and not opened.told:
                self._tell(opened.complete())
            self._open = opened = _OpenMinute(minute, int(frame.received[0]))
        if minute < opened.minute:
            self._late += int((frame.minutes == minute).sum())
            return
        self._add(opened, frame)

    def _add(self, opened: _OpenMinute, rows: _Rows) -> None:
        tickers = rows.of_minute(opened.minute)
        if opened.told:
            self._late += len(tickers)
            return
        opened.tickers.update(tickers)
        opened.received = int(rows.received[-1])

    def _look(self, now: int) -> None:
        opened = self._open
        if opened is not None and not opened.told and self._is_complete(opened, now, self._least_delay):
            opened.told = True
            self._tell(opened.complete())

    def _is_complete(self, opened: _OpenMinute, now: int, delay: int | None) -> bool:
        if self._from_bars:
            return now >= max(opened.end, opened.received) + self._quiet_ns
        return delay is not None and now - delay >= opened.end

    def _note_delay(self, rows: _Rows) -> None:
        if not self._from_bars:
            self._least_delay = self._delay_with(rows)

    def _delay_with(self, rows: _Rows) -> int | None:
        if self._from_bars:
            return None
        delay = int((rows.received - rows.times).min())
        return delay if self._least_delay is None else min(delay, self._least_delay)


def _counted(batch: pa.RecordBatch, from_bars: bool) -> _Rows:
    """Return the rows of a batch that have a ticker and a plausible time; of bars, those of a minute."""
    if from_bars:
        batch = batch.filter(pc.equal(batch["interval"], _MINUTE_BAR))
    if batch["ticker"].null_count or batch["timestamp"].null_count:
        batch = batch.filter(pc.and_(batch["ticker"].is_valid(), batch["timestamp"].is_valid()))
    times, received = batch["timestamp"].to_numpy(), batch["received_at"].to_numpy()
    minutes = times - times % NS_PER_MINUTE
    plausible = minutes <= received + AHEAD_NS
    if plausible.all():
        return _Rows(batch["ticker"], times, minutes, received)
    tickers = batch["ticker"].filter(pa.array(plausible))
    return _Rows(tickers, times[plausible], minutes[plausible], received[plausible])

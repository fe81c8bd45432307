"""Time from a row to its arrival: a receiver's clock that is behind, and feeds that are delayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import BarBatch
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.counted import worded
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inspection.quality.aspects import Aspect, JudgedBatch, Measured, QualityFinding
from tickstock_cli.sources.recording_file import RecordingFile

STEPS_PER_OCTAVE = 8
"""Delays are counted in steps of 9 %."""

_STEPS = 64 * STEPS_PER_OCTAVE
DELAYED_FEED = 10 * 60 * NS_PER_SECOND
"""Feeds are delayed by 15 minutes; a median above this is no network."""


class Delays(Aspect):
    """Counts delays of accepted rows of files that say when rows were received."""

    def __init__(self, files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS) -> None:
        super().__init__(files, symbols, calendar)
        self._stamped = np.array([file.reader.has("received_at") for file in files], np.bool_)
        place = np.cumsum(self._stamped) - 1
        self._place = np.where(self._stamped, place, -1)
        count = int(self._stamped.sum())
        self._steps = np.zeros((count, _STEPS), np.int64)
        self._rows, self._before = np.zeros((2, count), np.int64)
        self._earliest = np.full(count, np.iinfo(np.int64).max)

    def add(self, judged: JudgedBatch) -> None:
        """Count the delays of accepted rows; a bar is due when it ends."""
        if not len(self._rows):
            return
        places = self._place[judged.files]
        counted = judged.accepted & (places >= 0)
        batch, places = judged.batch.take(np.flatnonzero(counted)), places[counted]
        due = batch.timestamp + batch.interval if isinstance(batch, BarBatch) else batch.timestamp
        delays = batch.available_at - due
        self._rows += np.bincount(places, minlength=len(self._rows))
        self._before += np.bincount(places[delays < 0], minlength=len(self._rows))
        np.minimum.at(self._earliest, places, delays)
        np.add.at(self._steps, (places, _step(delays)), 1)

    def measured(self, file: RecordingFile) -> Measured:
        """Return the share of rows that were received before their time, and the delays of the others."""
        place = int(self._place[file.index])
        if place < 0 or not self._rows[place]:
            return Measured()
        figures = {
            "received_before_share": int(self._before[place]) / int(self._rows[place]),
            "earliest_seconds": int(self._earliest[place]) / NS_PER_SECOND,
            "median_seconds": self._quantile(place, 0.5) / NS_PER_SECOND,
            "p99_seconds": self._quantile(place, 0.99) / NS_PER_SECOND,
        }
        return Measured(figures, tuple(self._findings(place)))

    def _findings(self, place: int) -> Iterator[QualityFinding]:
        rows, before = int(self._rows[place]), int(self._before[place])
        median, p99 = self._quantile(place, 0.5), self._quantile(place, 0.99)
        if before:
            yield QualityFinding(
                "clock",
                worded("{} {row was received before its|rows were received before their} own time", before)
                + f", by up to {format_duration(-int(self._earliest[place]))}: the receiver's clock was behind",
                points=min(20.0, max(1.0, 20 * before / rows)),
                advice="set the receiver's clock by NTP; until then, times to the event are too short by that much",
            )
        if median > DELAYED_FEED:
            least = self._quantile(place, 0.5, above=0)
            yield QualityFinding(
                "delay",
                f"half of the rows were received more than {format_duration(least)} after their time: "
                "a delayed feed, or a clock that is ahead",
                points=5,
                advice="read events as they would have come that late",
            )
        elif not before:
            yield QualityFinding(
                "delay", f"half of the rows within {_about(median)} of their time, 99 % within {_about(p99)}"
            )

    def _quantile(self, place: int, share: float, above: int = 1) -> int:
        """Return the upper bound of the step that holds a quantile, ns; its lower one with ``above`` 0."""
        steps = self._steps[place].cumsum()
        step = int(steps.searchsorted(share * steps[-1]))
        return round(2 ** ((step + above) / STEPS_PER_OCTAVE))


def _step(delays: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the step of each delay: its logarithm; below 1 ns it is the first."""
    steps: NDArray[np.int64] = np.floor(np.log2(np.maximum(delays, 1)) * STEPS_PER_OCTAVE).astype(np.int64)
    return np.minimum(steps, _STEPS - 1)


def _about(ns: int) -> str:
    return format_duration(round(ns, -max(len(str(ns)) - 2, 0)))

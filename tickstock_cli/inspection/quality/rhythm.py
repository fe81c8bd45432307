"""Gaps of tickers against their own rate, and liquid tickers that begin after the open or end before the close."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, BarBatch, Batch, FmvBatch, TickBatch
from tickstock_cli.core.calendar import REGULAR, XNYS
from tickstock_cli.core.counted import counted
from tickstock_cli.core.growth import grown
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import NS_PER_SECOND, format_duration
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inspection.quality.aspects import Aspect, JudgedBatch, Measured, QualityFinding
from tickstock_cli.kernels import rhythm as kernels
from tickstock_cli.sources.recording_file import RecordingFile

MOST_POINTS = 30
"""What gaps can cost, and ends, each."""

_MINUTE = 60 * NS_PER_SECOND
_LIQUID = 10 * NS_PER_SECOND
RULES: dict[type[Batch], kernels.GapRules] = {
    TickBatch: kernels.GapRules(REGULAR, shortest=_MINUTE, multiple=30, liquid=_LIQUID),
    BarBatch: kernels.GapRules(REGULAR, shortest=_MINUTE, multiple=10, liquid=_LIQUID),
    FmvBatch: kernels.GapRules(REGULAR, shortest=5 * _MINUTE, multiple=60, liquid=_LIQUID),
}
"""Trades come in bursts, and fair values when they move. Bars do neither, so less of a gap is telling."""


class _TimedRows(NamedTuple):
    code: NDArray[np.int32]
    timestamp: NDArray[np.int64]
    origin: NDArray[np.int64]


class Rhythm(Aspect):
    """Finds gaps and missing ends within regular hours."""

    def __init__(self, files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS) -> None:
        super().__init__(files, symbols, calendar)
        none, gaps = np.zeros(0, np.int64), np.zeros((0, kernels.GAPS), np.int64)
        blank = kernels.TickerRhythm(
            *(gaps if name.startswith("gap") else none for name in kernels.TickerRhythm._fields)
        )
        self._tickers = dict.fromkeys(RULES, blank)
        count, worst = (len(files),), (len(files), 3)
        self._files = kernels.FileRhythm(
            *(np.zeros(worst if name.startswith("worst") else count, np.int64) for name in kernels.FileRhythm._fields)
        )

    def add(self, judged: JudgedBatch) -> None:
        """Note the accepted rows."""
        kind = type(judged.batch)
        tickers = self._tickers[kind] = self._room(self._tickers[kind])
        rows = _TimedRows(judged.batch.code, judged.batch.timestamp, judged.batch.origin)
        kernels.note_rows(rows, ORIGIN_ROW_BITS, judged.reasons, judged.sessions, RULES[kind], tickers, self._files)

    def _room(self, tickers: kernels.TickerRhythm) -> kernels.TickerRhythm:
        """Return the state with room for all tickers; a new one is in no segment."""
        wanted = len(self.symbols)
        if wanted <= len(tickers.segment):
            return tickers
        return kernels.TickerRhythm(
            *(grown(array, wanted, -1 if name == "segment" else 0) for name, array in tickers._asdict().items())
        )

    def finish(self) -> None:
        """Count the sessions that tickers are in."""
        for kind, tickers in self._tickers.items():
            kernels.end_sessions(RULES[kind], tickers, self._files)

    def measured(self, file: RecordingFile) -> Measured:
        """Return the sessions of tickers that have gaps, begin late or end early."""
        at = file.index
        found = self._files
        figures = {
            "ticker_sessions": int(found.sessions[at]),
            "with_gaps": int(found.with_gaps[at]),
            "missing_seconds": int(found.missing[at]) / NS_PER_SECOND,
            "liquid": int(found.liquid[at]),
            "begin_late": int(found.begin_late[at]),
            "end_early": int(found.end_early[at]),
        }
        return Measured(figures, tuple(self._findings(at)))

    def _findings(self, at: int) -> Iterator[QualityFinding]:
        found = self._files
        sessions, liquid = int(found.sessions[at]), int(found.liquid[at])
        if found.with_gaps[at]:
            missing = int(found.missing[at])
            share = missing / max(int(found.open[at]), 1)
            ticker, start, length = self._worst(found.worst_gap[at])
            yield QualityFinding(
                "gaps",
                f"{_of(int(found.with_gaps[at]), sessions)} have gaps far beyond the ticker's own rate, "
                f"{format_duration(missing)} in all; the longest: {ticker}, {format_duration(length)}",
                points=_points(share),
                advice="fetch these times again: events behind a gap compare prices across it",
                since=start,
            )
        if found.begin_late[at]:
            ticker, start, length = self._worst(found.worst_begin[at])
            yield QualityFinding(
                "begin",
                f"{_of(int(found.begin_late[at]), liquid, 'liquid ')} have their first row after the open; the "
                f"latest: {ticker}, by {format_duration(length)}",
                points=_points(int(found.begin_late[at]) / liquid) / 2,
                advice="session highs and lows before the first row are unknown",
                since=start,
            )
        if found.end_early[at]:
            ticker, start, length = self._worst(found.worst_end[at])
            yield QualityFinding(
                "end",
                f"{_of(int(found.end_early[at]), liquid, 'liquid ')} have their last row before the close; the "
                f"earliest: {ticker}, by {format_duration(length)}",
                points=_points(int(found.end_early[at]) / liquid) / 2,
                advice="the recording probably stopped; fetch the rest of the day",
                since=start,
            )

    def _worst(self, worst: NDArray[np.int64]) -> tuple[str, int, int]:
        code, start, length = worst.tolist()
        return self.symbols.tickers[code], start, length


def _of(some: int, all_: int, kind: str = "") -> str:
    return f"{some:,} of {counted(all_, 'session')} of {kind}tickers"


def _points(share: float) -> float:
    """Return what a share costs: at least a point, and all of them from a third on."""
    return min(float(MOST_POINTS), max(1.0, 3 * MOST_POINTS * share))

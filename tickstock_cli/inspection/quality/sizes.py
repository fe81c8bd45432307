"""Sizes of trades: round lots, fractions of shares, and sizes that are no shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tickstock_cli.core.batch import MICROS_PER_SHARE, TickBatch
from tickstock_cli.core.calendar import XNYS
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inspection.quality.aspects import Aspect, JudgedBatch, Measured, QualityFinding
from tickstock_cli.sources.recording_file import RecordingFile

ROUND_LOT = 100
FEWEST_TRADES = 1_000
"""Fewer trades prove nothing."""

TYPICAL_ROUND_LOTS = 0.01
"""US trades are round lots far more often than this, in every year on record."""


class Sizes(Aspect):
    """Counts sizes of accepted ticks."""

    def __init__(self, files: Sequence[RecordingFile], symbols: SymbolTable, calendar: MarketCalendar = XNYS) -> None:
        super().__init__(files, symbols, calendar)
        self._trades, self._round, self._fractional, self._zero = np.zeros((4, len(files)), np.int64)
        self._smallest = np.full(len(files), np.iinfo(np.int64).max)
        self._largest = np.zeros(len(files), np.int64)

    def add(self, judged: JudgedBatch) -> None:
        """Count the sizes of accepted ticks."""
        if not isinstance(judged.batch, TickBatch):
            return
        accepted = judged.accepted
        sizes, files = judged.batch.size[accepted], judged.files[accepted]
        for counts, rows in (
            (self._trades, slice(None)),
            (self._round, (sizes % (ROUND_LOT * MICROS_PER_SHARE) == 0) & (sizes > 0)),
            (self._fractional, sizes % MICROS_PER_SHARE != 0),
            (self._zero, sizes == 0),
        ):
            counts += np.bincount(files[rows], minlength=len(counts))
        np.minimum.at(self._smallest, files, sizes)
        np.maximum.at(self._largest, files, sizes)

    def measured(self, file: RecordingFile) -> Measured:
        """Return the shares of round lots, fractions and zeros."""
        trades = int(self._trades[file.index])
        if not trades:
            return Measured()
        figures = {
            "round_lots": int(self._round[file.index]) / trades,
            "fractional": int(self._fractional[file.index]) / trades,
            "zero": int(self._zero[file.index]) / trades,
        }
        return Measured(figures, tuple(self._findings(file.index, trades)))

    def _findings(self, at: int, trades: int) -> Iterator[QualityFinding]:
        round_, fractional = int(self._round[at]) / trades, int(self._fractional[at]) / trades
        if trades < FEWEST_TRADES:
            return
        if self._smallest[at] == self._largest[at]:
            size = int(self._smallest[at]) / MICROS_PER_SHARE
            yield QualityFinding(
                "sizes",
                f"every size is {size:g}: no event that compares volume can be right",
                points=10,
                advice="map the column that holds shares, if there is one",
            )
        elif self.calendar != XNYS:  # lots of 100 shares are those of US equities
            return
        elif round_ < TYPICAL_ROUND_LOTS:
            yield QualityFinding(
                "sizes",
                f"{_percent(round_)} of the sizes are round lots of {ROUND_LOT}: they may be lots, not shares",
                points=5,
                advice="if they are lots, set recordings.scale.size=100",
            )
        else:
            some = f", {_percent(fractional)} have fractions of shares" if fractional else ""
            yield QualityFinding("sizes", f"{_percent(round_)} are round lots{some}")


def _percent(share: float) -> str:
    """Return a share; what is not 0 or 1 never looks so."""
    if 0 < share < 0.001:
        return "less than 0.1 %"
    if 0.999 < share < 1:
        return "more than 99.9 %"
    return f"{share * 100:.3g} %"

"""The OHLCV channel: admission of bars, then what finished bars tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import (
    ChannelDetector,
    Outcome,
    Scratch,
    detector_state,
    frozen,
    group,
    record_rejects,
    run_detectors,
)
from tickstock_cli.core.batch import BarBatch
from tickstock_cli.detectors.base import grown
from tickstock_cli.kernels.admission import LAST_SEEN, Sessions, admit_bars
from tickstock_cli.kernels.rows import BarRows

NO_PROBES = np.empty(0, dtype=np.int32)


class BarColumns(NamedTuple):
    """The columns of a batch that admission reads; read-only."""

    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    interval: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]
    avg_volume: NDArray[np.float64]
    percent_change: NDArray[np.float64]


class OhlcvChannel:
    """Bars in, events out."""

    name = "ohlcv"

    def __init__(self, detectors: Mapping[str, ChannelDetector], kind_names: Sequence[str]) -> None:
        self._detectors = dict(detectors)
        self._kind_names = tuple(kind_names)
        self._states = np.empty(0, dtype=LAST_SEEN)

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        self._states = grown(self._states, tickers, None)
        for detector in self._detectors.values():
            detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Give all state as arrays, by name."""
        return {"admission": self._states, **detector_state(self._detectors)}

    def process(
        self,
        batch: BarBatch,
        mine: NDArray[np.bool_],
        rejects_unnamed: bool,
        sessions: Sessions,
        scratch: Scratch,
        outcome: Outcome,
    ) -> NDArray[np.int64]:
        """Process the bars whose ticker is ``mine``; gives the segment of every bar of the batch that was kept,
        by row number (-1 elsewhere)."""
        groups, rows, _ = group(batch.code, NO_PROBES, mine, scratch)
        size = len(rows)
        columns = BarColumns(*(frozen(getattr(batch, name)) for name in BarColumns._fields))
        out = scratch.rows(BarRows, groups, size)
        rejects = scratch.rejects(size)
        counts = np.zeros(1, dtype=np.int64)
        rejected = admit_bars(columns, rows, groups, self._states, sessions, out, rejects, counts)
        outcome.ledger.add("ohlcv.processed", int(counts[0]))
        record_rejects("ohlcv", batch, rejects, rejected, rejects_unnamed, outcome)
        kept = int(out.groups.start[len(groups.code)])
        run_detectors("ohlcv", batch, list(self._detectors.values()), self._kind_names, out, kept, scratch, outcome)
        segments = np.full(len(batch), -1, dtype=np.int64)
        segments[out.row[:kept]] = out.segment[:kept]
        return segments

"""The FMV channel: admission of fair values, then mispricings."""

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
from tickstock_cli.channels.ohlcv import NO_PROBES
from tickstock_cli.core.batch import FmvBatch
from tickstock_cli.detectors.base import grown
from tickstock_cli.kernels.admission import LAST_SEEN, Sessions, admit_fmvs
from tickstock_cli.kernels.rows import FmvRows


class FmvColumns(NamedTuple):
    """The columns of a batch that admission reads; read-only."""

    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]


class FmvChannel:
    """Fair values in, events out."""

    name = "fmv"

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
        batch: FmvBatch,
        answers: NDArray[Any],
        mine: NDArray[np.bool_],
        rejects_unnamed: bool,
        sessions: Sessions,
        scratch: Scratch,
        outcome: Outcome,
    ) -> None:
        """Process the fair values whose ticker is ``mine``; ``answers`` are the ticks', by row number."""
        groups, rows, _ = group(batch.code, NO_PROBES, mine, scratch)
        size = len(rows)
        columns = FmvColumns(*(frozen(getattr(batch, name)) for name in FmvColumns._fields))
        out = scratch.rows(FmvRows, groups, size)
        rejects = scratch.rejects(size)
        counts = np.zeros(2, dtype=np.int64)
        rejected = admit_fmvs(columns, rows, groups, self._states, sessions, answers, out, rejects, counts)
        outcome.ledger.add("fmv.processed", int(counts[0]))
        outcome.ledger.add("fmv.filtered.market_hours", int(counts[1]))
        record_rejects("fmv", batch, rejects, rejected, rejects_unnamed, outcome)
        kept = int(out.groups.start[len(groups.code)])
        run_detectors("fmv", batch, list(self._detectors.values()), self._kind_names, out, kept, scratch, outcome)

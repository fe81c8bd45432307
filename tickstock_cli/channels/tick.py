"""The tick channel: admission with the guard, then highs and lows, surges, trends."""

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
from tickstock_cli.core.batch import TickBatch
from tickstock_cli.detectors.base import grown
from tickstock_cli.kernels.admission import TICK_STATE, Guard, Sessions, admit_ticks
from tickstock_cli.kernels.rows import PROBE, TickRows

BLANK = np.array([(0, -1, np.nan, 0, np.nan, 0, np.nan, 0)], dtype=TICK_STATE)


class TickColumns(NamedTuple):
    """The columns of a batch that admission reads; read-only."""

    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]


class TickChannel:
    """Ticks in, events out. Also answers what bars and fair values ask of the ticks before them."""

    name = "tick"

    def __init__(self, guard: Guard, detectors: Mapping[str, ChannelDetector], kind_names: Sequence[str]) -> None:
        self._guard = guard
        self._detectors = dict(detectors)
        self._kind_names = tuple(kind_names)
        self._states = np.empty(0, dtype=TICK_STATE)

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        self._states = grown(self._states, tickers, BLANK)
        for detector in self._detectors.values():
            detector.grow(tickers)

    def state(self) -> dict[str, NDArray[Any]]:
        """Give all state as arrays, by name."""
        return {"admission": self._states, **detector_state(self._detectors)}

    def process(
        self,
        batch: TickBatch,
        probe_code: NDArray[np.int32],
        probe_order: NDArray[np.int64],
        mine: NDArray[np.bool_],
        rejects_unnamed: bool,
        sessions: Sessions,
        scratch: Scratch,
        outcome: Outcome,
    ) -> NDArray[Any]:
        """Process the ticks whose ticker is ``mine`` and give the answers to all probes, in probe order.

        Probes of other workers' tickers stay blank. ``probe_order`` rises.
        """
        groups, rows, probe_rows = group(batch.code, probe_code, mine, scratch)
        probes = scratch.array("probes", len(probe_rows), PROBE)
        probes["rows_before"] = np.searchsorted(batch.order, probe_order[probe_rows])
        size = len(rows)
        columns = TickColumns(
            *(frozen(getattr(batch, name)) for name in TickColumns._fields),
        )
        out = scratch.rows(TickRows, groups, size, probes=probes)
        rejects = scratch.rejects(size)
        counts = np.zeros(3, dtype=np.int64)
        rejected = admit_ticks(columns, rows, groups, self._states, sessions, self._guard, out, rejects, counts)
        outcome.ledger.add("tick.processed", int(counts[0]))
        outcome.ledger.add("tick.suspect", int(counts[1]))
        outcome.ledger.add("tick.filtered.market_hours", int(counts[2]))
        record_rejects("tick", batch, rejects, rejected, rejects_unnamed, outcome)
        kept = int(out.groups.start[len(groups.code)])
        run_detectors("tick", batch, list(self._detectors.values()), self._kind_names, out, kept, scratch, outcome)
        answers = np.empty(len(probe_code), dtype=PROBE)
        answers[probe_rows] = probes
        return answers

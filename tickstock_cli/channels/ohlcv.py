"""The OHLCV channel: admission of bars, then the detectors of bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchContext, Channel
from tickstock_cli.channels.grouping import NO_LOOKUPS, Grouped, group
from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.core.batch import BarBatch
from tickstock_cli.core.stages import Detector
from tickstock_cli.kernels.admission import LAST_SEEN, admit_bars
from tickstock_cli.kernels.packing import PACKED_BAR, pack_bars
from tickstock_cli.kernels.rows import BarRows

BLANK = np.zeros(1, dtype=LAST_SEEN)


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


class OhlcvChannel(Channel):
    """Bars in, events out."""

    name = "ohlcv"

    def __init__(self, detectors: Mapping[str, Detector], kind_names: Sequence[str]) -> None:
        super().__init__(detectors, kind_names, BLANK)

    def group(self, batch: BarBatch, mine: NDArray[np.bool_], workspace: Workspace) -> Grouped:
        """Group the bars of the tickers that are ``mine`` (by code)."""
        return group(batch.code, NO_LOOKUPS, mine, partial(pack_bars, _columns(batch)), PACKED_BAR, workspace)

    def process(
        self, batch: BarBatch, grouped: Grouped, workspace: Workspace, context: BatchContext
    ) -> NDArray[np.int64]:
        """Process the bars of ``grouped``, and return the segment of each accepted one by row of the batch; else -1."""
        groups, rows = grouped.groups, grouped.rows
        out = workspace.rows(BarRows, groups, len(rows))
        rejects = workspace.rejects(len(rows))
        counts = np.zeros(1, dtype=np.int64)
        rejected = admit_bars(
            _columns(batch),
            grouped.packed,
            groups,
            self._states,
            context.sessions,
            out,
            rejects,
            counts,
        )
        self._count("processed", counts[0], context)
        reasons = self._reject(batch, rejects, rejected, context)
        kept = int(out.groups.start[-1])
        if context.judged is not None:
            self._judge(context.judged.bars, rows, out.row[:kept], reasons, context.sessions)
        self._detect(batch, out, workspace, context)
        segments = np.full(len(batch), -1, dtype=np.int64)
        segments[out.row[:kept]] = out.segment[:kept]
        return segments


def _columns(batch: BarBatch) -> BarColumns:
    return BarColumns(*(frozen(getattr(batch, name)) for name in BarColumns._fields))

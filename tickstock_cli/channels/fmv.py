"""The FMV channel: admission of fair values, then mispricings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchContext, Channel
from tickstock_cli.channels.grouping import NO_LOOKUPS, Grouped, group
from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.core.batch import FmvBatch
from tickstock_cli.core.stages import Detector
from tickstock_cli.kernels.admission import LAST_SEEN, admit_fmvs
from tickstock_cli.kernels.packing import PACKED_FMV, pack_fmvs
from tickstock_cli.kernels.rows import FmvRows

BLANK = np.zeros(1, dtype=LAST_SEEN)


class FmvColumns(NamedTuple):
    """The columns of a batch that admission reads; read-only."""

    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    fmv: NDArray[np.float64]
    market_price: NDArray[np.float64]
    confidence: NDArray[np.float64]


class FmvChannel(Channel):
    """Fair values in, events out."""

    name = "fmv"

    def __init__(self, detectors: Mapping[str, Detector], kind_names: Sequence[str]) -> None:
        super().__init__(detectors, kind_names, BLANK)

    def group(self, batch: FmvBatch, mine: NDArray[np.bool_], workspace: Workspace) -> Grouped:
        """Group the fair values of the tickers that are ``mine`` (by code)."""
        return group(batch.code, NO_LOOKUPS, mine, partial(pack_fmvs, _columns(batch)), PACKED_FMV, workspace)

    def process(
        self, batch: FmvBatch, grouped: Grouped, answers: NDArray[Any], workspace: Workspace, context: BatchContext
    ) -> None:
        """Process the fair values of ``grouped``; ``answers`` are those of each row's lookup."""
        groups, rows = grouped.groups, grouped.rows
        out = workspace.rows(FmvRows, groups, len(rows))
        rejects = workspace.rejects(len(rows))
        counts = np.zeros(2, dtype=np.int64)
        rejected = admit_fmvs(
            _columns(batch),
            grouped.packed,
            groups,
            self._states,
            context.sessions,
            answers,
            out,
            rejects,
            counts,
        )
        for name, count in zip(("processed", "filtered.market_hours"), counts, strict=True):
            self._count(name, count, context)
        reasons = self._reject(batch, rejects, rejected, context)
        if context.judged is not None:
            kept = int(out.groups.start[-1])
            self._judge(context.judged.fmvs, rows, out.row[:kept], reasons, context.sessions)
        self._detect(batch, out, workspace, context)


def _columns(batch: FmvBatch) -> FmvColumns:
    return FmvColumns(*(frozen(getattr(batch, name)) for name in FmvColumns._fields))

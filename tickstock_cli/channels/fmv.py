"""The FMV channel: admission of fair values, then mispricings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import NO_LOOKUPS, BatchContext, Channel, Workspace, frozen, group
from tickstock_cli.core.batch import FmvBatch
from tickstock_cli.core.stages import Detector
from tickstock_cli.kernels.admission import LAST_SEEN, admit_fmvs
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

    def process(self, batch: FmvBatch, answers: NDArray[Any], workspace: Workspace, context: BatchContext) -> None:
        """Process the worker's fair values; ``answers`` are those of each row's lookup."""
        groups, rows, _ = group(batch.code, NO_LOOKUPS, context.mine, workspace)
        columns = FmvColumns(*(frozen(getattr(batch, name)) for name in FmvColumns._fields))
        out = workspace.rows(FmvRows, groups, len(rows))
        rejects = workspace.rejects(len(rows))
        counts = np.zeros(2, dtype=np.int64)
        rejected = admit_fmvs(
            columns,
            rows,
            groups,
            self._states,
            context.sessions,
            answers,
            workspace.judging(len(rows)),
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

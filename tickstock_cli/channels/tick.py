"""The tick channel: admission with the guard, then highs and lows, surges, trends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchContext, Channel, Workspace, frozen, group
from tickstock_cli.core.batch import TickBatch
from tickstock_cli.core.stages import Detector
from tickstock_cli.core.whole_rows import put_rows
from tickstock_cli.kernels.admission import TICK_STATE, Guard, admit_ticks
from tickstock_cli.kernels.rows import TICK_LOOKUP, TickRows

BLANK = np.array([(0, -1, np.nan, 0, np.nan, 0, np.nan, 0)], dtype=TICK_STATE)


class TickColumns(NamedTuple):
    """The columns of a batch that admission reads; read-only."""

    timestamp: NDArray[np.int64]
    available_at: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.int64]
    flags: NDArray[np.uint8]


class TickChannel(Channel):
    """Turns ticks into events, and answers the lookups of bars and fair values."""

    name = "tick"

    def __init__(self, guard: Guard, detectors: Mapping[str, Detector], kind_names: Sequence[str]) -> None:
        super().__init__(detectors, kind_names, BLANK)
        self._guard = guard

    def process(
        self,
        batch: TickBatch,
        lookup_code: NDArray[np.int32],
        lookup_order: NDArray[np.int64],
        workspace: Workspace,
        context: BatchContext,
    ) -> NDArray[Any]:
        """Process the worker's ticks, and return the answers to all lookups, in their order.

        ``lookup_order`` rises. Answers to lookups of other workers' tickers are blank.
        """
        groups, rows, lookup_rows = group(batch.code, lookup_code, context.mine, workspace)
        lookups = workspace.array("lookups", len(lookup_rows), TICK_LOOKUP)
        lookups["rows_before"] = np.searchsorted(batch.order, lookup_order[lookup_rows])
        lookups["extremes"] = np.nan  # the answer of a lookup that no detector fills
        columns = TickColumns(*(frozen(getattr(batch, name)) for name in TickColumns._fields))
        out = workspace.rows(TickRows, groups, len(rows), lookups=lookups)
        rejects = workspace.rejects(len(rows))
        counts = np.zeros(3, dtype=np.int64)
        rejected = admit_ticks(
            columns,
            rows,
            groups,
            self._states,
            context.sessions,
            self._guard,
            workspace.judging(len(rows)),
            out,
            rejects,
            counts,
        )
        for name, count in zip(("processed", "suspect", "filtered.market_hours"), counts, strict=True):
            self._count(name, count, context)
        reasons = self._reject(batch, rejects, rejected, context)
        if context.judged is not None:
            kept = int(out.groups.start[-1])
            self._judge(context.judged.ticks, rows, out.row[:kept], reasons, context.sessions)
            context.judged.ticks.flags[out.row[:kept]] = out.flags[:kept]
        self._detect(batch, out, workspace, context)
        answers = np.zeros(len(lookup_code), dtype=TICK_LOOKUP)
        put_rows(answers, lookups, lookup_rows)
        return answers

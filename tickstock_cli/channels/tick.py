"""The tick channel: admission with the guard, then highs and lows, surges, trends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchContext, Channel
from tickstock_cli.channels.grouping import Grouped, group
from tickstock_cli.channels.workspace import Workspace, frozen
from tickstock_cli.core.batch import TickBatch
from tickstock_cli.core.stages import Detector
from tickstock_cli.core.whole_rows import put_rows
from tickstock_cli.kernels.admission import TICK_STATE, Guard, admit_ticks
from tickstock_cli.kernels.packing import PACKED_TICK, pack_ticks
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

    def group(
        self, batch: TickBatch, lookup_code: NDArray[np.int32], mine: NDArray[np.bool_], workspace: Workspace
    ) -> Grouped:
        """Group the ticks and lookups of the tickers that are ``mine`` (by code)."""
        return group(batch.code, lookup_code, mine, partial(pack_ticks, _columns(batch)), PACKED_TICK, workspace)

    def process(
        self,
        batch: TickBatch,
        grouped: Grouped,
        lookup_order: NDArray[np.int64],
        workspace: Workspace,
        context: BatchContext,
    ) -> NDArray[Any]:
        """Process the ticks of ``grouped``, and return the answers to all lookups, in their order.

        ``lookup_order`` rises. Answers to lookups of other tickers are blank.
        """
        groups, rows, lookup_rows = grouped.groups, grouped.rows, grouped.lookup_rows
        lookups = workspace.array("lookups", len(lookup_rows), TICK_LOOKUP)
        lookups["rows_before"] = np.searchsorted(batch.order, lookup_order[lookup_rows])
        lookups["extremes"] = np.nan  # the answer of a lookup that no detector fills
        out = workspace.rows(TickRows, groups, len(rows), lookups=lookups)
        rejects = workspace.rejects(len(rows))
        counts = np.zeros(3, dtype=np.int64)
        rejected = admit_ticks(
            grouped.packed,
            groups,
            self._states,
            context.sessions,
            self._guard,
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
            if counts[1]:  # suspect; else they are the recorded ones, which it has
                context.judged.ticks.flags[out.row[:kept]] = out.flags[:kept]
        self._detect(batch, out, workspace, context)
        answers = np.zeros(len(lookup_order), dtype=TICK_LOOKUP)
        put_rows(answers, lookups, lookup_rows)
        return answers


def _columns(batch: TickBatch) -> TickColumns:
    return TickColumns(*(frozen(getattr(batch, name)) for name in TickColumns._fields))

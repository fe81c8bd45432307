"""The three channels, and the lookups between them.

The caller decides which rows are processed when, and in which thread.

Rows of one ticker must come in merge order. Bars and fair values depend on the ticks before them, through *lookups*: by
ticker and merge order, processed with the ticks; the other channels get the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.base import BatchContext, BatchOutcome, Channel
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.grouping import Grouped, even_bounds
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.channels.workspace import Workspace
from tickstock_cli.core.batch import BarBatch, Batch, FmvBatch, Int32s, Int64s, MergedBatch, TickBatch
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.whole_rows import take_rows
from tickstock_cli.kernels.admission import Sessions

Bools = NDArray[np.bool_]
Answers = NDArray[Any]
"""An array of dtype ``kernels.rows.TICK_LOOKUP``."""


@dataclass(frozen=True, slots=True)
class TickLookups:
    """Lookups of bars and fair values among ticks.

    Ticker code and merge order of each lookup, in merge order; and by row, bars first, the index of its lookup.
    """

    code: Int32s
    order: Int64s
    place: Int64s

    @classmethod
    def of(cls, batch: MergedBatch) -> TickLookups:
        """Return one lookup for every bar and fair value."""
        order = np.concatenate([batch.bars.order, batch.fmvs.order])
        by_order = np.argsort(order, kind="stable")
        place = np.empty(len(order), dtype=np.int64)
        place[by_order] = np.arange(len(order))
        return cls(np.concatenate([batch.bars.code, batch.fmvs.code])[by_order], order[by_order], place)


@dataclass(frozen=True, slots=True)
class GroupedBatch:
    """The rows of a batch by record type, grouped by ticker; the ticks with the lookups among them."""

    ticks: Grouped
    bars: Grouped
    fmvs: Grouped

    def shared(self, tickers: int, shares: int) -> list[GroupedBatch]:
        """Return ranges of tickers with about as many rows each."""
        parts = (self.ticks, self.bars, self.fmvs)
        bounds = even_bounds(parts, tickers, shares)
        return [GroupedBatch(*(part.between(low, high) for part in parts)) for low, high in pairwise(bounds)]


class Channels:
    """Tick, OHLCV and FMV channel under one calendar.

    Parameters
    ----------
    allowed_phases
        By phase code: whether ticks and fair values of the phase change state (bool, one each of ``events.PHASES``).
    extremes
        Codes of the kinds that are session extremes: an extreme of bars must exceed that of ticks.
    """

    def __init__(
        self,
        calendar: Calendar,
        allowed_phases: NDArray[np.bool_],
        tick: TickChannel,
        ohlcv: OhlcvChannel,
        fmv: FmvChannel,
        extremes: Sequence[int],
    ) -> None:
        self.tick = tick
        self.ohlcv = ohlcv
        self.fmv = fmv
        self._calendar = calendar
        self._allowed = allowed_phases
        self._extremes = tuple(extremes)

    def by_name(self) -> dict[str, Channel]:
        """Return the channels by record type."""
        return {"tick": self.tick, "ohlcv": self.ohlcv, "fmv": self.fmv}

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``. No row is processed at the same time."""
        for channel in self.by_name().values():
            channel.grow(tickers)

    def sessions(self, *batches: Batch) -> Sessions:
        """Return the session table that covers all rows of some batches; at least one batch has rows."""
        times = [part.timestamp for part in batches if len(part)]
        earliest = min(int(part.min()) for part in times)
        latest = max(int(part.max()) for part in times)
        table = self._calendar.table(max(earliest, 1), max(latest, 1))
        return Sessions(table.starts, table.segments, self._allowed)

    def context(
        self,
        rejects_unnamed: bool,
        sessions: Sessions,
        isolates: bool = False,
        judged: JudgedRows | None = None,
    ) -> BatchContext:
        """Return the context of a batch; see `channels.base.BatchContext`."""
        return BatchContext(rejects_unnamed, sessions, BatchOutcome(), isolates, judged)

    def group(
        self, batch: MergedBatch, lookups: TickLookups, tickers: int, workspaces: Mapping[str, Workspace]
    ) -> GroupedBatch:
        """Group a batch whose codes are below ``tickers``, in the memory of ``workspaces`` (by record type)."""
        every = np.ones(tickers, dtype=np.bool_)
        return GroupedBatch(
            self.group_ticks(batch.ticks, lookups.code, every, workspaces["tick"]),
            self.group_bars(batch.bars, every, workspaces["ohlcv"]),
            self.group_fmvs(batch.fmvs, every, workspaces["fmv"]),
        )

    def group_ticks(self, ticks: TickBatch, lookup_code: Int32s, mine: Bools, workspace: Workspace) -> Grouped:
        """Group the ticks and lookups of ``mine``: by ticker code, whether it takes part."""
        return self.tick.group(ticks, lookup_code, mine, workspace)

    def group_bars(self, bars: BarBatch, mine: Bools, workspace: Workspace) -> Grouped:
        """Group the bars of ``mine``: by ticker code, whether it takes part."""
        return self.ohlcv.group(bars, mine, workspace)

    def group_fmvs(self, fmvs: FmvBatch, mine: Bools, workspace: Workspace) -> Grouped:
        """Group the fair values of ``mine``: by ticker code, whether it takes part."""
        return self.fmv.group(fmvs, mine, workspace)

    def process(
        self,
        batch: MergedBatch,
        lookups: TickLookups,
        grouped: GroupedBatch,
        workspaces: Mapping[str, Workspace],
        context: BatchContext,
    ) -> None:
        """Process the grouped rows of a batch: ticks with the lookups among them, then bars, then fair values.

        Parameters
        ----------
        lookups
            Those of the batch.
        workspaces
            By record type.
        """
        answers = np.empty(0)
        if len(batch.ticks) or len(lookups.code):
            found = self.process_ticks(batch.ticks, grouped.ticks, lookups.order, workspaces["tick"], context)
            answers = take_rows(found, lookups.place)
        bars = len(batch.bars)
        if bars:
            self.process_bars(batch.bars, grouped.bars, answers[:bars], workspaces["ohlcv"], context)
        if len(batch.fmvs):
            self.process_fmvs(batch.fmvs, grouped.fmvs, answers[bars:], workspaces["fmv"], context)

    def process_ticks(
        self, ticks: TickBatch, grouped: Grouped, order: Int64s, workspace: Workspace, context: BatchContext
    ) -> Answers:
        """Process ticks and the lookups among them (of rising ``order``), and return the lookups' answers."""
        return self.tick.process(ticks, grouped, order, workspace, context)

    def process_bars(
        self, bars: BarBatch, grouped: Grouped, answers: Answers, workspace: Workspace, context: BatchContext
    ) -> None:
        """Process bars; ``answers`` are those of each row's lookup."""
        before = len(context.outcome.events)
        segments = self.ohlcv.process(bars, grouped, workspace, context)
        for events in context.outcome.events[before:]:
            self._fill_tick_extremes(events, answers, segments)

    def process_fmvs(
        self, fmvs: FmvBatch, grouped: Grouped, answers: Answers, workspace: Workspace, context: BatchContext
    ) -> None:
        """Process fair values; ``answers`` are those of each row's lookup."""
        self.fmv.process(fmvs, grouped, answers, workspace, context)

    def _fill_tick_extremes(self, events: EventRows, answers: Answers, segments: Int64s) -> None:
        """Write into each extreme of a bar the price that it must exceed: the extreme of its segment's ticks."""
        rows = events["row"]
        same = answers["tick_segment"][rows] == segments[rows]
        for number, code in enumerate(self._extremes):
            reported = same & (events["kind"] == code)
            events["tick_extreme"][reported] = answers["extremes"][rows[reported], number]

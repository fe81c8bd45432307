"""Cuts merged rows into steps of a fixed number of rows, independent of the decoded chunks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from tickstock_cli.core.batch import ORIGIN_ROW_BITS, BarBatch, Batch, FmvBatch, Int64s, MergedBatch, TickBatch
from tickstock_cli.core.times import MIN_NS
from tickstock_cli.kernels.merge import use_up
from tickstock_cli.sources.batches import join, split
from tickstock_cli.sources.merge import Emission
from tickstock_cli.sources.plain_numbers import frozen


class _Pending:
    """Rows of one type, in merge order, that wait for their step."""

    def __init__(self, empty: Batch) -> None:
        self._empty = empty
        self._batches: list[Batch] = []

    def add(self, batch: Batch) -> None:
        if len(batch):
            self._batches.append(batch)

    def take_before(self, order: int) -> Batch:
        """Return the rows whose order is below ``order``."""
        taken: list[Batch] = []
        while self._batches and self._batches[0].order[-1] < order:
            taken.append(self._batches.pop(0))
        if self._batches:
            batch = self._batches[0]
            cut = int(np.searchsorted(batch.order, order))
            if cut:
                head, self._batches[0] = split(batch, cut)
                taken.append(head)
        return join(taken) if taken else self._empty


class Assembler:
    """Turns emissions into merged batches.

    Parameters
    ----------
    batch_rows
        Rows of every step but the last; 1 or more.
    positions
        Per file, the number of its rows that earlier steps hold.
    counted
        Per file, whether its position counts emitted rows (files that are sorted while they are read); otherwise it is
        the row of the file to continue with.
    """

    def __init__(self, batch_rows: int, positions: Sequence[int], counted: Sequence[bool]) -> None:
        self._batch_rows = batch_rows
        self._positions = np.array(positions, dtype=np.int64)
        self._counted = np.array(counted, dtype=np.bool_)
        self._empty = (TickBatch.empty(), BarBatch.empty(), FmvBatch.empty())
        self._pending: dict[type[Batch], _Pending] = {type(empty): _Pending(empty) for empty in self._empty}
        self._arrived = 0
        self._first = 0
        self._watermark = MIN_NS

    def steps(self, emissions: Iterable[Emission | None]) -> Iterator[MergedBatch]:
        """Yield merged batches with at least one row; the last one can be shorter.

        An emission of None means that the next one can take a while: the rows received so far are yielded.
        """
        for emission in emissions:
            if emission is not None:
                self._add(emission)
            while self._arrived - self._first >= self._batch_rows:
                yield self._step(self._batch_rows)
            if emission is None and self._arrived > self._first:
                yield self._step(self._arrived - self._first)
        if self._arrived > self._first:
            yield self._step(self._arrived - self._first)

    def _add(self, emission: Emission) -> None:
        for batch, places in zip(emission.batches, emission.places, strict=True):
            self._pending[type(batch)].add(replace(batch, order=self._order(batch, places)))
        self._arrived += emission.rows

    def _order(self, batch: Batch, places: Int64s | None) -> Int64s:
        """Return the merge order of an emission's rows. In a single file read from its start, it is the row number."""
        if places is not None:
            return frozen(places + self._arrived)
        last = self._arrived + len(batch) - 1
        one_in_order = len(self._positions) == 1 and not self._counted[0]
        if one_in_order and batch.origin[0] == self._arrived and batch.origin[-1] == last:
            return batch.origin
        return frozen(np.arange(self._arrived, last + 1, dtype=np.int64))

    def _step(self, rows: int) -> MergedBatch:
        ticks, bars, fmvs = (
            self._settle(self._pending[type(empty)].take_before(self._first + rows)) for empty in self._empty
        )
        step = MergedBatch(ticks, bars, fmvs, self._first, self._watermark, tuple(self._positions.tolist()))  # type: ignore[arg-type]  # by type, in this order
        self._first += rows
        return step

    def _settle(self, batch: Batch) -> Batch:
        """Advance positions and watermark by the rows of a step's batch."""
        if len(batch):
            self._watermark = max(self._watermark, int(batch.available_at[-1]))
            next_row = self._positions.copy()
            count = np.zeros(len(next_row), dtype=np.int64)
            use_up(batch.origin, ORIGIN_ROW_BITS, next_row, count)
            # A stream holds all types as one file: the rows of one may end before those of another.
            next_row = np.maximum(self._positions, next_row)
            self._positions = np.where(self._counted, self._positions + count, next_row)
        return batch

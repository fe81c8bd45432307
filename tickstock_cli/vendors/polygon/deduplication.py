"""Trades that are repeated after a reconnect: found and dropped, because they would count twice.

A trade is repeated if one of the same ticker, exchange, TRF and trade id was received at most 30 s before it. Trades
are compared only in the first 30 s after a reconnect: before it, their columns are kept and nothing is computed.

1. Rows of the last 30 s are kept, batch by batch.
2. At a reconnect, a hash of each of them is sorted.
3. For each new row, earlier rows of the same hash are found by bisection, and compared column by column.

New rows are added in sorted runs, which are merged when they are of about the same length: each row is merged a few
times, however many batches come. A feed that connects again and again is compared all the time, so the sorted rows are
made anew from those of the last 30 s when they have become twice as many.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.core.times import NS_PER_SECOND

KEY = ("ticker", "exchange", "trf_id", "trade_id")
LEAST_ROWS = 10_000
"""Fewer sorted rows are not worth the work of making them anew."""


class Deduplication:
    """Drops repeated trades after reconnects.

    Parameters
    ----------
    seconds
        How long before a trade its like counts, and how long after a reconnect trades are compared; 0 = off.
    least_rows
        So many sorted rows are never too many.
    """

    def __init__(self, seconds: float, least_rows: int = LEAST_ROWS) -> None:
        self._least_rows = least_rows
        self._span = round(seconds * NS_PER_SECOND)
        self._kept: deque[tuple[int, pa.RecordBatch]] = deque()
        self._kept_rows = 0
        self._until = -1
        self._seen: _SeenTrades | None = None

    def reconnected(self, at: int) -> None:
        """Compare the trades that are received from ``at`` on (ns UTC)."""
        if self._span:
            self._until = at + self._span

    @property
    def rows(self) -> int:
        """Number of rows in memory."""
        return self._kept_rows + (0 if self._seen is None else self._seen.rows)

    def without_repeated(self, trades: pa.RecordBatch) -> pa.RecordBatch:
        """Return the trades without repeated ones, in their order. ``received_at`` never descends across calls."""
        if not self._span or not trades.num_rows:
            return trades
        received = trades.column("received_at").to_numpy()
        if received[0] > self._until:
            self._seen = None
        else:
            if self._seen is None or self._seen.rows > 2 * max(self._kept_rows, self._least_rows):
                self._seen = _SeenTrades()
                if self._kept:
                    kept = pa.Table.from_batches([batch for _, batch in self._kept]).combine_chunks().to_batches()[0]
                    self._seen.add(kept, _hashes(kept))
        self._keep(int(received[-1]), trades)
        return trades if self._seen is None else self._compared(trades, self._seen)

    def _compared(self, trades: pa.RecordBatch, seen: _SeenTrades) -> pa.RecordBatch:
        hashes = _hashes(trades)
        repeated = seen.repeated(trades, hashes, self._span) & (trades.column("received_at").to_numpy() <= self._until)
        seen.add(_keys(trades), hashes)  # dropped trades, too: they were received
        return trades.filter(pa.array(~repeated, pa.bool_())) if repeated.any() else trades

    def _keep(self, received: int, trades: pa.RecordBatch) -> None:
        self._kept.append((received, _keys(trades)))
        self._kept_rows += trades.num_rows
        while self._kept[0][0] < received - self._span:
            self._kept_rows -= self._kept.popleft()[1].num_rows


class _SeenTrades:
    """Earlier trades, found by hash."""

    def __init__(self) -> None:
        self._batches: list[pa.RecordBatch] = []
        self._starts: list[int] = []
        self.rows = 0
        self._runs: list[tuple[NDArray[np.uint64], Int64s]] = []

    def add(self, trades: pa.RecordBatch, hashes: NDArray[np.uint64]) -> None:
        order = np.argsort(hashes, kind="stable")
        self._runs.append((hashes[order], order + self.rows))
        self._batches.append(trades)
        self._starts.append(self.rows)
        self.rows += trades.num_rows
        while len(self._runs) > 1 and len(self._runs[-2][0]) < 2 * len(self._runs[-1][0]):
            (early, early_rows), (late, late_rows) = self._runs[-2:]
            both, rows = np.concatenate([early, late]), np.concatenate([early_rows, late_rows])
            order = np.argsort(both, kind="stable")
            self._runs[-2:] = [(both[order], rows[order])]

    def repeated(self, trades: pa.RecordBatch, hashes: NDArray[np.uint64], span: int) -> NDArray[np.bool_]:
        """Return which trades have one like them, seen or earlier among them, at most ``span`` ns before."""
        repeated = np.zeros(trades.num_rows, dtype=np.bool_)
        for sorted_hashes, rows in self._runs:
            place = np.searchsorted(sorted_hashes, hashes, side="right") - 1
            found = np.flatnonzero((place >= 0) & (sorted_hashes[np.maximum(place, 0)] == hashes))
            repeated[found] |= self._alike(trades, found, rows[place[found]], span)
        order = np.argsort(hashes, kind="stable")
        same = np.flatnonzero(hashes[order[1:]] == hashes[order[:-1]])
        repeated[order[same + 1]] |= _alike(trades, order[same + 1], trades, order[same], span)
        return repeated

    def _alike(self, trades: pa.RecordBatch, rows: Int64s, others: Int64s, span: int) -> NDArray[np.bool_]:
        """Return which ``rows`` are the same trade as the seen ones ``others``, at most ``span`` ns later."""
        alike = np.zeros(len(rows), dtype=np.bool_)
        starts = np.array(self._starts, dtype=np.int64)
        batches = np.searchsorted(starts, others, side="right") - 1
        for number in np.unique(batches).tolist():
            those = np.flatnonzero(batches == number)
            alike[those] = _alike(trades, rows[those], self._batches[number], others[those] - starts[number], span)
        return alike


def _alike(
    trades: pa.RecordBatch, rows: Int64s, earlier: pa.RecordBatch, others: Int64s, span: int
) -> NDArray[np.bool_]:
    """Return which ``rows`` of ``trades`` are the same as ``others`` of ``earlier``, at most ``span`` ns later."""
    if not len(rows):
        return np.zeros(0, dtype=np.bool_)
    mine, theirs = trades.take(rows), earlier.take(others)
    alike = mine.column("received_at").to_numpy() - theirs.column("received_at").to_numpy() <= span
    for name in KEY:
        one: Any = mine.column(name)
        other: Any = theirs.column(name)
        equal: Any = pc.fill_null(pc.equal(one, other), False)
        both_null = pc.and_(pc.is_null(one), pc.is_null(other))
        alike &= pc.or_(equal, both_null).to_numpy(zero_copy_only=False)
    # Without an id nothing tells one trade from another.
    return alike & pc.is_valid(mine.column("trade_id")).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _keys(trades: pa.RecordBatch) -> pa.RecordBatch:
    return trades.select([*KEY, "received_at"])


def _hashes(trades: pa.RecordBatch) -> NDArray[np.uint64]:
    import polars as pl  # takes a moment, and only a reconnect needs it

    frame = pl.from_arrow(trades.select(list(KEY)))
    assert isinstance(frame, pl.DataFrame)
    return frame.hash_rows(seed=1).to_numpy()

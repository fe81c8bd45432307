"""Recent prices of one ticker, read from the recordings when somebody asks: for charts, never for rules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import MergedBatch
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.serving.ports import PriceLine
from tickstock_cli.sources.opening import open_source

LOOK_BACK_NS = 30 * 60 * 1_000_000_000
MOST_POINTS = 1_500
BATCH_ROWS = 65_536


class RecordedPrices:
    """Prices of the last half hour of recorded time: of trades, or closes of bars where there are none.

    Parameters
    ----------
    now
        Gives the market time (ns UTC); None before the first row.
    """

    def __init__(self, request: Request, now: Callable[[], int | None]) -> None:
        self._request = request
        self._now = now

    def prices(self, ticker: str) -> PriceLine:
        """See ``PricePort``: at most ``MOST_POINTS``, the last one of each stretch of time."""
        now = self._now()
        if now is None:
            return PriceLine((), ())
        request = replace(self._request, symbols=frozenset({ticker}), start=max(0, now - LOOK_BACK_NS), end=now + 1)
        with closing(open_source(request.paths, read_options(request, request.effective_settings))) as source:
            if not source.repeatable:
                return PriceLine((), ())  # what has gone by cannot be read again
            points = [_points(batch) for batch in source.batches(BATCH_ROWS)]
        ticks = _joined([trades for trades, _ in points])
        times, prices = ticks if len(ticks[0]) else _joined([closes for _, closes in points])
        kept = _thinned(times)
        return PriceLine(times[kept].tolist(), prices[kept].tolist())


Line = tuple[NDArray[np.int64], NDArray[np.float64]]


def _points(batch: MergedBatch) -> tuple[Line, Line]:
    """Return times and prices of trades, and of bars, that can be drawn."""
    ticks, bars = batch.ticks, batch.bars
    traded = (ticks.price > 0) & np.isfinite(ticks.price) & (ticks.flags & 1 == 0)
    closed = (bars.close > 0) & np.isfinite(bars.close)
    return (
        (ticks.available_at[traded], ticks.price[traded]),
        (bars.available_at[closed], bars.close[closed]),
    )


def _joined(lines: list[Line]) -> Line:
    if not lines:
        return np.empty(0, dtype=np.int64), np.empty(0)
    return np.concatenate([times for times, _ in lines]), np.concatenate([prices for _, prices in lines])


def _thinned(times: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places to keep: the last one of each stretch."""
    if len(times) <= MOST_POINTS:
        return np.arange(len(times))
    stretch = (times - times[0]) * MOST_POINTS // max(1, int(times[-1] - times[0]) + 1)
    return np.flatnonzero(np.append(stretch[1:] != stretch[:-1], True))

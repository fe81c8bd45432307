"""Recent prices of every ticker, for charts; no rule uses them.

A ticker has two rings of buckets on fixed grids of available time: one of the last 30 minutes, one of the last
24 hours. A bucket keeps the last usable price that fell into it, so memory is bounded: 7.5 KB a ticker.
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.judged import Bools, JudgedRows
from tickstock_cli.channels.workspace import frozen
from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.core.growth import grown
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.taps import Tap, TapContext, TapStep
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.serving.ports import PriceLine

FINE_NS = 10_000_000_000
FINE_BUCKETS = 180
COARSE_NS = 300_000_000_000
COARSE_BUCKETS = 288
BUCKETS = FINE_BUCKETS + COARSE_BUCKETS

FROM_BARS, FROM_TICKS = 1, 2
"""The record type that a ticker's prices come from; 0 is none. Ticks replace bars."""


class PriceTap(Tap):
    """The price lines of a run: prices of ticks, or closes of bars until the ticker's first tick.

    A tick counts if it was accepted in a phase of `session.phases`, and neither its flags nor the guard hide its
    price. The server asks for lines in its own threads while the run goes on.
    """

    needs_whole_run = False

    def __init__(self) -> None:
        self._lock = Lock()
        self._symbols = SymbolTable()
        self.restore({})

    def begin(self, context: TapContext) -> None:
        self._symbols = context.symbols
        self._keep(JudgedRows.none())  # its kernel is loaded before the run's first row is due

    def observe(self, step: TapStep) -> None:
        with self._lock:
            self._keep(step.rows)

    def state(self) -> Mapping[str, NDArray[Any]]:
        return {"times": self._times, "prices": self._prices, "origins": self._origins, "now": self._now}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        with self._lock:
            self._times = _array(state, "times", (0, BUCKETS), np.int64)
            self._prices = _array(state, "prices", (0, BUCKETS), np.float64)
            self._origins = _array(state, "origins", (0,), np.int8)
            self._now = _array(state, "now", (1,), np.int64)

    def prices(self, ticker: str) -> PriceLine:
        code = self._symbols.code(ticker)
        with self._lock:
            if code is None or code >= len(self._times):
                return PriceLine((), ())
            times, prices, now = self._times[code].copy(), self._prices[code].copy(), int(self._now[0])
        fine_since = (now // FINE_NS - FINE_BUCKETS + 1) * FINE_NS
        coarse_since = (now // COARSE_NS - COARSE_BUCKETS + 1) * COARSE_NS
        shown = times >= max(1, coarse_since)
        shown[:FINE_BUCKETS] &= times[:FINE_BUCKETS] >= fine_since
        shown[FINE_BUCKETS:] &= times[FINE_BUCKETS:] < fine_since
        places = np.flatnonzero(shown)
        places = places[np.argsort(times[places])]
        return PriceLine(times[places].tolist(), prices[places].tolist())

    def _keep(self, rows: JudgedRows) -> None:
        ticks, bars = rows.ticks, rows.bars
        tickers = len(self._symbols)
        self._times, self._prices = grown(self._times, tickers, None), grown(self._prices, tickers, None)
        self._origins = grown(self._origins, tickers, None)
        lines = self._times, self._prices, self._origins
        for judged in rows.by_record().values():
            if len(judged):
                self._now[0] = max(self._now[0], judged.rows.available_at[-1])
        usable = ticks.is_price & ticks.in_session
        _fill(*_columns(ticks.rows.code, ticks.rows.available_at, ticks.rows.price, usable), FROM_TICKS, *lines)
        _fill(*_columns(bars.rows.code, bars.rows.available_at, bars.rows.close, bars.in_session), FROM_BARS, *lines)


def _array(state: Mapping[str, NDArray[Any]], name: str, blank: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    return state[name].copy() if name in state else np.zeros(blank, dtype=dtype)


def _columns(
    code: NDArray[np.int32], time: Int64s, price: Float64s, usable: Bools
) -> tuple[NDArray[np.int32], Int64s, Float64s, Bools]:
    """Return read-only views: the kernel is compiled for read-only arrays, and rows may be writable."""
    return frozen(code), frozen(time), frozen(price), frozen(usable)


@kernel
def _fill(
    code: NDArray[np.int32],
    time: Int64s,
    price: Float64s,
    usable: Bools,
    origin: int,
    times: Int64s,
    prices: Float64s,
    origins: NDArray[np.int8],
) -> None:
    """Write prices, in the order of their times, into the rings of their tickers."""
    for i in range(len(code)):
        if not usable[i] or origins[code[i]] > origin:
            continue
        ticker = code[i]
        if origins[ticker] < origin:
            origins[ticker] = origin
            times[ticker] = 0
        fine = time[i] // FINE_NS % FINE_BUCKETS
        coarse = FINE_BUCKETS + time[i] // COARSE_NS % COARSE_BUCKETS
        times[ticker, fine] = times[ticker, coarse] = time[i]
        prices[ticker, fine] = prices[ticker, coarse] = price[i]

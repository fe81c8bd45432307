"""Bars of a workload: one bar of every ticker in each round, at the stages' rates.

1. Bar k is that of ticker k mod n, in an order that the seed decides; bars n·q to n·q + n - 1 are round q.
2. A round begins when its first bar is due. All of its bars end at that second and begin at the end of the previous
   round's bars. With n/60 bars a second they are minute bars.
3. A stage's ``bar_spread`` compresses the sending of a round into its first part, in the same order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.rows import Rows
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.synth.book import Bars
from tickstock_cli.synth.rng import draws, uniform
from tickstock_cli.synth.universe import MICROS
from tickstock_cli.synth.untraded import MOMENTS

_FIRST_BAR_SECONDS = 60
_LEAST_SHARES, _MOST_SHARES = 5_000, 200_000
"""Bounds of the usual minute volume, in shares, of tickers with bars and no ticks."""


class BarRounds:
    """The rounds of bars: when each begins, and its rows.

    Parameters
    ----------
    due
        Number of bars due before each second, and in total.
    """

    def __init__(self, scenario: Scenario, due: NDArray[np.int64]) -> None:
        self._start = scenario.start_ns
        self._due = due
        places = scenario.symbols.range_of("ohlcv")
        self._count = len(places)
        self._order = places.start + np.argsort(draws(scenario.seed, "bar order", self._count), kind="stable")
        self._traded = scenario.symbols.range_of("tick")
        self._typical = uniform(
            draws(scenario.seed, "volumes", max(scenario.symbols.count, 1)), _LEAST_SHARES, _MOST_SHARES
        )
        lengths = [stage.seconds for stage in scenario.stages]
        begins = np.cumsum([0, *lengths[:-1]])
        self._stage_begin = np.repeat(begins, lengths)
        self._spread = np.repeat([stage.bar_spread for stage in scenario.stages], lengths)
        firsts = np.arange(0, int(due[-1]), max(self._count, 1), dtype=np.int64)
        self.ends: list[int] = self._second_of(firsts).tolist()
        """Second at which the bars end, by round."""

    def begin_of(self, number: int) -> int:
        """Return the second at which the bars of a round begin; below 0 for the first round."""
        return self.ends[number - 1] if number else self.ends[0] - _FIRST_BAR_SECONDS

    def usual_volume(self, number: int) -> NDArray[np.int64]:
        """Return the usual volume in a quarter of a round's bar by ticker, in 1e-6 shares."""
        seconds = self.ends[number] - self.begin_of(number)
        return self._typical * seconds * MICROS // (60 * MOMENTS)

    def rows(self, number: int, bars: Bars) -> Rows:
        """Return the rows of a round from the bars of all tickers."""
        first = number * self._count
        bar = np.arange(first, min(first + self._count, int(self._due[-1])), dtype=np.int64)
        symbol = self._order[bar - first]
        place = np.zeros(len(self._typical), dtype=np.int64)
        place[bars.symbol] = np.arange(len(bars.symbol))
        at = place[symbol]
        begin, end = self.begin_of(number), self.ends[number]
        traded = (symbol >= self._traded.start) & (symbol < self._traded.stop)
        usual = self._typical[symbol] * (end - begin) / 60
        return Rows(
            symbol.astype(np.int32),
            np.full(len(bar), self._start + begin * NS_PER_SECOND),
            self._sends(bar),
            {
                "open": bars.open[at],
                "high": bars.high[at],
                "low": bars.low[at],
                "close": bars.close[at],
                "volume": bars.volume[at] // MICROS,
                "avg_volume": np.where(traded, np.nan, usual),
                "interval": np.full(len(bar), end - begin, dtype=np.int64),
            },
        )

    def _second_of(self, bar: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.searchsorted(self._due, bar, side="right") - 1

    def _sends(self, bar: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return when bars of one round are sent, int64 ns: evenly, or compressed towards the round's beginning."""
        even = self._even(bar)
        second = self._second_of(bar)
        base = np.maximum(int(even[0]), self._start + self._stage_begin[second] * NS_PER_SECOND)
        drawn: NDArray[np.int64] = base + ((even - base) * self._spread[second]).astype(np.int64)
        return drawn

    def _even(self, bar: NDArray[np.int64]) -> NDArray[np.int64]:
        second = self._second_of(bar)
        before, rows = self._due[second], self._due[second + 1] - self._due[second]
        return self._start + second * NS_PER_SECOND + (2 * (bar - before) + 1) * NS_PER_SECOND // (2 * rows)

"""The moments of the days that are not over, chained by ticker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.array_queue import ArrayQueue
from tickstock_cli.core.batch import Int64s
from tickstock_cli.prices.timeline import Prints
from tickstock_cli.study.moments import MOMENT, NOBODY, Ends, Moments, PrintColumns, chain, end_day, follow


class MomentPool:
    """Moments that wait for their entry, are open, or have ended on a day that is not over.

    Parameters
    ----------
    lengths
        Lengths of the horizons in ns, rising; ``TO_CLOSE`` is that of ``close``.
    """

    def __init__(self, lengths: Int64s, *, is_bars: bool) -> None:
        self._lengths = lengths
        self._is_bars = is_bars
        self._moments = ArrayQueue(MOMENT)
        self._ends = {name: ArrayQueue(np.float64, (len(lengths),)) for name in Ends._fields}
        self._heads = np.empty(0, dtype=np.int64)

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        if tickers > len(self._heads):
            self._heads = np.append(self._heads, np.full(tickers - len(self._heads), NOBODY))

    def add(self, moments: Moments) -> None:
        """Add moments (dtype ``MOMENT``); those of a ticker come to lie side by side: following them is faster then."""
        first = len(self._moments)
        self._moments.append(moments[moments["code"].argsort(kind="stable")])
        for values in self._ends.values():
            values.append(np.full((len(moments), len(self._lengths)), np.nan))
        chain(self._moments.rows, first, self._heads)

    def follow(self, prints: Prints) -> None:
        """Take the prints of a slice."""
        if prints.rows and len(self._moments):
            rows = PrintColumns(*(getattr(prints, name) for name in PrintColumns._fields))
            follow(rows, self._moments.rows, self._ends_of(slice(None)), self._heads, self._lengths, self._is_bars)

    def end(self, over: int) -> tuple[Moments, Ends]:
        """Remove the moments whose day is at most ``over``, and return them with the prices at their horizons."""
        is_over = self._moments.rows["day"] <= over
        if not is_over.any():
            return self._moments.rows[:0], self._ends_of(slice(0))
        moments, ends = self._moments.rows[is_over], self._ends_of(is_over)
        end_day(moments, ends, self._lengths)
        self._moments.keep(~is_over)
        for values in self._ends.values():
            values.keep(~is_over)
        self._chain_all()
        return moments, ends

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        return {
            "moments": self._moments.rows,
            **{f"ends.{name}": values.rows for name, values in self._ends.items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._moments.replace(state["moments"])
        for name, values in self._ends.items():
            values.replace(state[f"ends.{name}"])
        self.grow(int(self._moments.rows["code"].max(initial=-1)) + 1)
        self._chain_all()

    def _chain_all(self) -> None:
        self._heads[:] = NOBODY
        chain(self._moments.rows, 0, self._heads)

    def _ends_of(self, chosen: Any) -> Ends:
        return Ends(*(values.rows[chosen] for values in self._ends.values()))

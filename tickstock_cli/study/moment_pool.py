"""The moments of the days that are not over, chained by ticker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.array_queue import ArrayQueue
from tickstock_cli.core.batch import Int64s
from tickstock_cli.prices.timeline import Prints
from tickstock_cli.study.following import follow
from tickstock_cli.study.moments import (
    MOMENT,
    NOBODY,
    PLANNED,
    Chains,
    Ends,
    Moments,
    PrintColumns,
    chain,
    moments_of,
    settle,
    stack,
)
from tickstock_cli.study.results import end_day


class MomentPool:
    """Moments that wait for their decision or entry, are open, or have ended on a day that is not over.

    A moment before its decision costs 40 bytes and no time; prints concern it from then on.

    Parameters
    ----------
    lengths
        Lengths of the horizons in ns, rising; ``TO_CLOSE`` is that of ``close``.
    open_slack_ns, wait_ns
        As in ``moments.moments_of``.
    """

    def __init__(self, lengths: Int64s, *, is_bars: bool, open_slack_ns: int, wait_ns: int) -> None:
        self._lengths = lengths
        self._is_bars = is_bars
        self._open_slack_ns = open_slack_ns
        self._wait_ns = wait_ns
        self._planned: list[NDArray[Any]] = []  # each by decision
        self._moments = ArrayQueue(MOMENT)
        self._last, self._highest, self._lowest = (ArrayQueue(np.float64, (len(lengths),)) for _ in Ends._fields)
        self._chains = Chains(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        more = tickers - len(self._chains.heads)
        if more > 0:
            self._chains = Chains._make(np.append(heads, np.full(more, NOBODY)) for heads in self._chains)

    def add(self, planned: NDArray[Any]) -> None:
        """Add moments (dtype ``PLANNED``)."""
        if len(planned):
            self._planned.append(planned[planned["decision"].argsort(kind="stable")])

    def follow(self, prints: Prints, until: int) -> None:
        """Take the prints of a slice; those before ``until`` (int64 ns UTC) have all come then."""
        self._begin(until)
        if prints.rows and len(self._moments):
            rows = PrintColumns(*(getattr(prints, name) for name in PrintColumns._fields))
            follow(rows, self._moments.rows, self._ends(), self._chains, self._lengths, self._is_bars)

    def end(self, over: int) -> tuple[Moments, Ends]:
        """Remove the moments whose day is at most ``over``, and return them with the prices at their horizons.

        They may be views, valid until the next slice.
        """
        is_over = self._moments.rows["day"] <= over
        if not is_over.any():
            return self._moments.rows[:0], Ends(*(values[:0] for values in self._ends()))
        settle(self._moments.rows, self._chains.stacks)
        is_own = self._moments.rows["own"] != NOBODY
        every = slice(None)
        chosen, chosen_own = (every, every) if is_over.all() else (is_over, is_over[is_own])
        moments = self._moments.rows[chosen]
        _number_own(moments, 0)
        ends = Ends(self._last.rows[chosen], self._highest.rows[chosen_own], self._lowest.rows[chosen_own])
        end_day(moments, ends, self._lengths)
        if is_over.all():
            for queue in (self._moments, self._last, self._highest, self._lowest):
                queue.clear()
        else:
            self._moments.keep(~is_over)
            _number_own(self._moments.rows, 0)
            self._last.keep(~is_over)
            for queue in (self._highest, self._lowest):
                queue.keep(~is_over[is_own])
        self._chain_all()
        return moments, ends

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        settle(self._moments.rows, self._chains.stacks)
        return {
            "planned": np.concatenate([np.empty(0, dtype=PLANNED), *self._planned]),
            "moments": self._moments.rows,
            **{f"ends.{name}": values for name, values in self._ends()._asdict().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._planned = []
        self.add(state["planned"].astype(PLANNED))
        self._moments.replace(state["moments"])
        self._last.replace(state["ends.last"])
        self._highest.replace(state["ends.highest"])
        self._lowest.replace(state["ends.lowest"])
        self.grow(int(self._moments.rows["code"].max(initial=-1)) + 1)
        self._chain_all()

    def _begin(self, until: int) -> None:
        """Begin the moments whose decision is before ``until``.

        Those of a ticker come to lie side by side: following them is faster then.
        """
        counts = [int(planned["decision"].searchsorted(until)) for planned in self._planned]
        if not any(counts):
            return
        begun = np.concatenate([planned[:count] for planned, count in zip(self._planned, counts, strict=True)])
        rest = [planned[count:] for planned, count in zip(self._planned, counts, strict=True)]
        self._planned = [planned for planned in rest if len(planned)]
        coming = sum(len(planned) for planned in self._planned)
        first, own = len(self._moments), len(self._highest)
        begun = begun[begun["code"].argsort(kind="stable")]
        self._moments.append(moments_of(begun, self._open_slack_ns, self._wait_ns), coming)
        none = np.full((len(begun), len(self._lengths)), np.nan)
        self._last.append(none, coming)
        for queue in (self._highest, self._lowest):
            queue.append(none[begun["placebo"] == 0])
        _number_own(self._moments.rows[first:], own)
        chain(self._moments.rows, first, self._chains.heads)

    def _chain_all(self) -> None:
        for heads in self._chains:
            heads[:] = NOBODY
        chain(self._moments.rows, 0, self._chains.heads)
        stack(self._moments.rows, self._chains.stacks)

    def _ends(self) -> Ends:
        return Ends(self._last.rows, self._highest.rows, self._lowest.rows)


def _number_own(moments: Moments, first: int) -> None:
    """Let the moments that are no placebos have the rows of ends from ``first`` on."""
    is_own = moments["placebo"] == 0
    moments["own"] = np.where(is_own, first - 1 + np.cumsum(is_own), NOBODY)

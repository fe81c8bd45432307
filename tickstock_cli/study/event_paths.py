"""Event-time curves: the mean path of prices from 5 minutes before to 30 minutes after the entry, and that of placebos.

A curve belongs to a (kind, direction, source), as a cell of the study does. At every offset after the entry it is the
mean of the returns that the study computes for a horizon of that length. Before the entry, the price is the ticker's
last print of the day before the whole 5 s at or before the offset, in the same return on the entry's price. Memory
holds the moments of the days that are not over, some prices of each ticker, and the sums of the curves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.batch import Int64s
from tickstock_cli.prices.timeline import Prints
from tickstock_cli.study.moments import NOBODY, OPEN, MomentRules, PrintColumns
from tickstock_cli.study.path_kernels import (
    PATH_MOMENT,
    POINTS,
    RECENT_STEPS,
    UNITS,
    CurveSums,
    RecentPrices,
    chain,
    end_paths,
    follow_paths,
)

_MANY_DONE = 4_096
"""Moments that have ended are dropped once they are so many, and most."""


class EventCurve(NamedTuple):
    """The mean path around the events of a cell, and around its placebos.

    Parameters
    ----------
    kind, direction, source
        Of the cell; kind and source are positions in the lists of the run.
    events, placebo
        float64, by ``path_kernels.OFFSETS``: mean return on the entry's price in the direction, basis points; NaN
        without a price.
    events_number, placebo_number
        int64: moments that have a price at the offset.
    """

    kind: int
    direction: int
    source: int
    events: NDArray[np.float64]
    placebo: NDArray[np.float64]
    events_number: Int64s
    placebo_number: Int64s


class EventPaths:
    """Event-time curves of a recording that comes slice by slice; an event study adds its moments."""

    def __init__(self) -> None:
        self._pending = _Queue.none()
        self._moments = np.empty(0, dtype=PATH_MOMENT)
        self._curves = np.empty(0, dtype=np.int64)
        self._heads = np.empty(0, dtype=np.int32)
        self._recent = _no_prices(0)
        self._names = np.empty((0, 3), dtype=np.int64)
        self._sums = _no_sums(0)

    def add(
        self,
        code: NDArray[Any],
        side: NDArray[Any],
        decision: Int64s,
        day: NDArray[Any],
        day_end: Int64s,
        curves: Int64s,
    ) -> None:
        """Add moments of days that are not over: equally long arrays.

        Parameters
        ----------
        curves
            Twice the number of the event's curve; for a placebo, one more.
        """
        moments = np.zeros(len(code), dtype=PATH_MOMENT)
        columns = {"code": code, "side": side, "time": decision, "day": day, "day_end": day_end}
        for name, column in columns.items():
            moments[name] = column
        self._pending = self._pending.with_more(moments, curves)

    def take(self, prints: Prints, until: int, tickers: int, rules: MomentRules) -> None:
        """Take the prints of a slice, after the moments that it brings.

        Parameters
        ----------
        until
            Prints and moments before it (int64 ns UTC) have all come.
        tickers
            Number of tickers so far; every code is below it.
        rules
            Those of the study.
        """
        self._grow(tickers)
        begun, self._pending = self._pending.split(until)
        first = len(self._moments)
        by_code = begun.moments["code"].argsort(kind="stable")  # side by side: following them is faster then
        self._moments = np.concatenate([self._moments, begun.moments[by_code]])
        self._curves = np.concatenate([self._curves, begun.curves[by_code]])
        chain(self._moments, first, self._heads)
        if prints.rows:
            rows = PrintColumns(*(getattr(prints, name) for name in PrintColumns._fields))
            follow_paths(rows, self._moments, self._curves, self._heads, self._recent, self._sums, rules)
        is_over = self._moments["state"] > OPEN
        if np.count_nonzero(is_over) > max(_MANY_DONE, len(is_over) // 2):
            self._keep(~is_over)

    def end(self, over: int, covered_end: Callable[[int], int]) -> None:
        """End the moments whose day is at most ``over``.

        Parameters
        ----------
        covered_end
            Returns the covered end (int64 ns UTC) of such a day.
        """
        is_over = self._moments["day"] <= over
        if is_over.any():
            days, places = np.unique(self._moments["day"][is_over], return_inverse=True)
            ends = np.array([covered_end(day) for day in days.tolist()], dtype=np.int64)[places]
            end_paths(self._moments[is_over], self._curves[is_over], ends, self._sums)
            self._keep(~is_over)

    def curves(self) -> list[EventCurve]:
        """Return the curves so far, by kind, then direction (1, −1), then source."""
        with np.errstate(invalid="ignore"):
            means = self._sums.total / UNITS / self._sums.number
        number = self._sums.number
        order = np.lexsort((self._names[:, 2], -self._names[:, 1], self._names[:, 0]))
        return [
            EventCurve(*self._names[c].tolist(), *means[2 * c : 2 * c + 2], *number[2 * c : 2 * c + 2])
            for c in order.tolist()
        ]

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        return {
            "moments": self._moments,
            "curves": self._curves,
            "names": self._names,
            "pending.moments": self._pending.moments,
            "pending.curves": self._pending.curves,
            **{f"recent.{name}": values for name, values in self._recent._asdict().items()},
            **{f"sums.{name}": values for name, values in self._sums._asdict().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._pending = _Queue(state["pending.moments"].astype(PATH_MOMENT), state["pending.curves"].copy())
        self._names = state["names"].copy()
        self._recent = RecentPrices(*(state[f"recent.{name}"].copy() for name in RecentPrices._fields))
        self._sums = CurveSums(*(state[f"sums.{name}"].copy() for name in CurveSums._fields))
        self._moments, self._curves = state["moments"].astype(PATH_MOMENT), state["curves"].copy()
        self._heads = np.full(len(self._recent.day), NOBODY, np.int32)
        chain(self._moments, 0, self._heads)

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        self._moments, self._curves = self._moments[kept], self._curves[kept]
        self._heads[:] = NOBODY
        chain(self._moments, 0, self._heads)

    def _grow(self, tickers: int) -> None:
        more = tickers - len(self._heads)
        if more > 0:
            self._heads = np.append(self._heads, np.full(more, NOBODY, np.int32))
            self._recent = RecentPrices(*_joined(self._recent, _no_prices(more)))

    def numbers(self, events: NDArray[Any]) -> Int64s:
        """Return the numbers of curves by the fields kind, direction and source of events; new ones get the next."""
        names = np.stack([events[name] for name in ("kind", "direction", "source")], axis=1).astype(np.int64)
        known = {tuple(name): number for number, name in enumerate(self._names.tolist())}
        found, places = np.unique(names, axis=0, return_inverse=True)
        new = [name for name in found.tolist() if tuple(name) not in known]
        if new:
            known.update((tuple(name), len(self._names) + place) for place, name in enumerate(new))
            self._names = np.concatenate([self._names, np.array(new, dtype=np.int64)])
            self._sums = CurveSums(*_joined(self._sums, _no_sums(len(new))))
        numbers = np.array([known[tuple(name)] for name in found.tolist()], dtype=np.int64)
        return numbers[places.ravel()]


class _Queue(NamedTuple):
    """Moments whose decision has not come, by decision, and the rows of their sums."""

    moments: NDArray[Any]
    curves: Int64s

    @classmethod
    def none(cls) -> _Queue:
        return cls(np.empty(0, dtype=PATH_MOMENT), np.empty(0, dtype=np.int64))

    def with_more(self, moments: NDArray[Any], curves: Int64s) -> _Queue:
        moments = np.concatenate([self.moments, moments])
        order = moments["time"].argsort(kind="stable")
        return _Queue(moments[order], np.concatenate([self.curves, curves])[order])

    def split(self, until: int) -> tuple[_Queue, _Queue]:
        """Return the moments with a decision before a time, and the others."""
        count = int(self.moments["time"].searchsorted(until))
        rest = _Queue(self.moments[count:].copy(), self.curves[count:].copy()) if count else self
        return _Queue(self.moments[:count], self.curves[:count]), rest


def _joined(columns: Iterable[NDArray[Any]], more: Iterable[NDArray[Any]]) -> list[NDArray[Any]]:
    return [np.concatenate([column, rows]) for column, rows in zip(columns, more, strict=True)]


def _no_prices(tickers: int) -> RecentPrices:
    steps = np.zeros(tickers, np.int64)
    return RecentPrices(np.full(tickers, -1, np.int32), steps, steps.copy(), np.zeros((tickers, RECENT_STEPS)))


def _no_sums(curves: int) -> CurveSums:
    return CurveSums(*(np.zeros((2 * curves, POINTS), np.int64) for _ in CurveSums._fields))

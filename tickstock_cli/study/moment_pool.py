"""The moments whose decision has come, by ticker, and the results of the days that are not over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.array_queue import ArrayQueue
from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.prices.timeline import Prints
from tickstock_cli.study.following import DayEnds, follow
from tickstock_cli.study.moments import (
    MOMENT,
    NOBODY,
    TO_CLOSE,
    UNSTACKED,
    Begun,
    ByTicker,
    LastPrices,
    MomentRules,
    OwnResults,
    PlaceboResults,
    PrintColumns,
    begin,
    count_codes,
    settle,
    stack,
)
from tickstock_cli.study.results import end_open, finish_own, finish_placebos

_ON_STACK = np.dtype(
    [("day_end", "i8"), ("later_highest", "f8"), ("later_lowest", "f8"), ("below", "i8"), ("side", "i1")], align=True
)
"""What results of an event need beside its record until its day is over; see ``moments.OwnResults``."""


class MomentPool:
    """Follows moments through their days.

    Parameters
    ----------
    record
        Dtype of the records of events (``observations.observation_dtype``).
    """

    def __init__(self, rules: MomentRules, record: np.dtype[Any]) -> None:
        self._rules = rules
        self._moments = ByTicker(np.empty(0, MOMENT), np.zeros(1, np.int64))
        self._spare = np.empty(0, MOMENT)
        self.events = ArrayQueue(record)
        """Records of the events whose day is not over; moments fill in their results."""
        self._on_stack = ArrayQueue(_ON_STACK)
        self.first_event = 0
        """Number of the first of them among all events."""
        result = [("entry_time", "i8"), ("entry_price", "f8"), ("bps", "f8", (len(rules.lengths),))]
        self._placebos = ArrayQueue(np.dtype(result))
        self._first_placebo = 0
        self._stacks = np.empty(0, dtype=np.int64)
        self._last = _no_prices(0)

    def grow(self, tickers: int) -> None:
        """Make room for codes below ``tickers``."""
        more = tickers - len(self._stacks)
        if more > 0:
            more = max(more, len(self._stacks))
            self._stacks = np.append(self._stacks, np.full(more, NOBODY))
            moments, start = self._moments
            self._moments = ByTicker(moments, np.append(start, np.full(more, len(moments))))
            columns: list[Any] = list(zip(self._last, _no_prices(more), strict=True))
            self._last = LastPrices(*map(np.concatenate, columns))

    @property
    def sides(self) -> NDArray[np.int8]:
        """Sides of those events, int8: 1 or −1, 0 for one that is not studied."""
        sides: NDArray[np.int8] = self._on_stack.rows["side"]
        return sides

    def add_events(self, events: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Make room for events; return their records, and the fields ``side`` and ``day_end``, to be filled in."""
        on_stack = self._on_stack.extend(events)
        on_stack["below"] = UNSTACKED
        return self.events.extend(events), on_stack

    def add_placebos(self, events: int) -> int:
        """Make room for the placebos of events on one day; return the number of the first row."""
        first = self._first_placebo + len(self._placebos)
        rows = self._placebos.extend(events)
        rows["entry_time"] = 0
        rows["bps"] = np.nan
        return first

    def follow(self, parts: Sequence[Begun], prints: Prints, days: DayEnds) -> None:
        """Take the moments whose decision has come, and then the prints of their slice."""
        parts = [part for part in parts if len(part.chosen)]
        if not parts and not prints.rows:
            return
        begun = self._by_ticker(parts)
        most = len(self._moments.moments) + len(begun.moments)
        if most > len(self._spare):
            self._spare = np.empty(most + most // 2, MOMENT)
        left = ByTicker(self._spare, np.empty_like(begun.start))
        rows = PrintColumns(*(getattr(prints, name) for name in PrintColumns._fields))
        of_moments = self._moments, begun, left, *self._results()
        count = follow(rows, days, *of_moments, self._last, self._stacks, self._rules)
        whole = self._moments.moments.base
        self._spare = self._moments.moments if whole is None else whole
        self._moments = ByTicker(left.moments[:count], left.start)

    def end(self, over: int) -> None:
        """End the moments whose day is at most ``over``."""
        moments = self._moments.moments
        own, placebos = self._results()
        end_open(moments, over, own, placebos, self._last, self._rules)
        self._settle()
        self._hold(moments.compress(moments["day"] > over))  # by far faster than [chosen] where rows have fields

    def finish_events(self, events: int, covered_end: Int64s) -> tuple[NDArray[Any], float]:
        """Finish the first events, whose days are over and ended, and remove them.

        Parameters
        ----------
        covered_end
            By event: the time (int64 ns UTC) up to which its day is recorded.

        Returns
        -------
        tuple
            Their records, a view that is valid until events are added; the size of their greatest move in basis points.
        """
        own, _ = self._results()
        records = self.events.rows[:events]
        most = finish_own(own, records["status"], covered_end, self._last, self._rules)
        self.events.drop(events)
        self._on_stack.drop(events)
        self.first_event += events
        self._stack()
        return records, most

    def finish_placebos(
        self, first: int, code: Int32s, side: NDArray[np.int8], day: int, day_end: int, covered_end: int
    ) -> tuple[NDArray[Any], float]:
        """Finish the placebos of some events on a day that is over and ended.

        Returns
        -------
        tuple
            Events × horizons, returns in basis points, a view that is valid until placebos are added; the size of the
            greatest of them.
        """
        start = first - self._first_placebo
        rows = self._placebos.rows[start : start + len(code)]
        columns = (rows["entry_time"], rows["entry_price"], rows["bps"])
        return rows["bps"], finish_placebos(code, side, *columns, day, day_end, covered_end, self._last, self._rules)

    def drop_placebos(self, before: int) -> None:
        """Remove the rows of placebos before a number."""
        self._placebos.drop(before - self._first_placebo)
        self._first_placebo = before

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        self._settle()
        return {
            "firsts": np.array([self.first_event, self._first_placebo], dtype=np.int64),
            "events": self.events.rows,
            "on_stack": self._on_stack.rows,
            "placebos": self._placebos.rows,
            "moments": self._moments.moments,
            **{f"last.{name}": values for name, values in self._last._asdict().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self.first_event, self._first_placebo = state["firsts"].tolist()
        self.events.replace(state["events"])
        self._on_stack.replace(state["on_stack"])
        self._placebos.replace(state["placebos"])
        self._last = LastPrices(*(state[f"last.{name}"].copy() for name in LastPrices._fields))
        self._stacks = np.empty(len(self._last.day), np.int64)
        self._hold(state["moments"].astype(MOMENT))
        self._stack()

    def _by_ticker(self, parts: Sequence[Begun]) -> ByTicker:
        """Return moments that begin."""
        counts = np.zeros(len(self._stacks) + 1, dtype=np.int64)
        for part in parts:
            count_codes(part, counts[1:])
        start = np.cumsum(counts)
        moments, places = np.empty(int(start[-1]), MOMENT), start.copy()
        for part in parts:
            begin(part, places, moments)
        return ByTicker(moments, start)

    def _hold(self, moments: NDArray[Any]) -> None:
        """Hold only these moments, which are in the order of codes."""
        start = np.searchsorted(moments["code"], np.arange(len(self._stacks) + 1))
        self._moments = ByTicker(moments, start.astype(np.int64))

    def _settle(self) -> None:
        if self._rules.lengths[-1] == TO_CLOSE:
            settle(self._results()[0], int(self._rules.places[-1]), self._stacks)

    def _stack(self) -> None:
        self._stacks[:] = NOBODY
        stack(self._results()[0], self._stacks)

    def _results(self) -> tuple[OwnResults, PlaceboResults]:
        records, on_stack, placebos = self.events.rows, self._on_stack.rows, self._placebos.rows
        of_record = {name: records[name] for name in OwnResults._fields if name in (records.dtype.names or ())}
        of_stack = {name: on_stack[name] for name in _ON_STACK.names or ()}
        own = OwnResults(first=self.first_event, **of_record, **of_stack)
        columns = (placebos[name] for name in PlaceboResults._fields[1:])
        return own, PlaceboResults(self._first_placebo, *columns)


def _no_prices(tickers: int) -> LastPrices:
    day, price = np.full(tickers, -1, dtype=np.int32), np.zeros(tickers)
    return LastPrices(day, price, day.copy(), price.copy())

"""The sequence of a recording's prints and events, in slices that are complete.

A step of a run brings rows in merge order, and events later than the rows that come after them. A slice brings
everything of its time, so that a study or a trade simulation can take prints and decisions strictly by time:

- *tick mode*: a print is a tick that was accepted, is neither suspect nor flagged 1, and has one of the chosen phases;
- *bar mode*: it is an accepted bar of the chosen phases. It comes twice: as an opening at its start, and as a print at
  its available time, when its high, low, close and volume are known.

An opening is known only when its bar is available, so in bar mode slices end before the watermark by the longest time
between the two. A slice also ends where the next day begins, so that what takes slices never meets three days at once.
Where a step ends decides where slices are cut, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.channels.judged import JudgedBars, JudgedRows
from tickstock_cli.core.batch import Float64s, Int32s, Int64s
from tickstock_cli.core.events import EVENT, EventRows
from tickstock_cli.core.row_order import stable_order
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.core.whole_rows import take_rows
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.tick_prints import TickPrints, tick_prints


class Prints(NamedTuple):
    """Ticks or bars as equally long arrays.

    Parameters
    ----------
    code
        Ticker codes.
    time
        Available time (int64 ns UTC); of a bar, that of its closing.
    opening
        Start of a bar; of a tick, ``time``.
    day
        Day number of a bar's opening or a tick's time (``prices.days``).
    open, high, low, close
        Prices in dollars; of a tick, one array.
    size
        Size or volume in 1e-6 shares; 0 for a tick flagged 2.
    number
        The row's place in the run's merge order.
    """

    code: Int32s
    time: Int64s
    opening: Int64s
    day: Int32s
    open: Float64s
    high: Float64s
    low: Float64s
    close: Float64s
    size: Int64s
    number: Int64s

    @classmethod
    def none(cls) -> Prints:
        """Return no prints."""
        return cls(*(np.empty(0, dtype=dtype) for dtype in _DTYPES))

    @property
    def rows(self) -> int:
        """Number of prints."""
        return len(self.code)

    def at(self, chosen: slice | NDArray[Any]) -> Prints:
        """Return some prints, as views for a slice."""
        return self._each(lambda column: column[chosen])

    def followed_by(self, other: Prints) -> Prints:
        """Return these prints and then ``other``."""
        return Prints.joined(self, other)

    @classmethod
    def joined(cls, *parts: Prints) -> Prints:
        """Return prints one after the other; columns that are one array in each part stay one."""
        some = [part for part in parts if part.rows]
        if len(some) < 2:
            return some[0] if some else cls.none()
        columns: list[Any] = list(zip(*some, strict=True))
        keys = [tuple(map(id, column)) for column in columns]
        known = {key: np.concatenate(column) for key, column in dict(zip(keys, columns, strict=True)).items()}
        return cls._make(known[key] for key in keys)

    def copies(self) -> Prints:
        """Return these prints in arrays of their own."""
        return self._each(lambda column: column.copy())

    def _each(self, change: Callable[[Any], Any]) -> Prints:
        """Return changed columns; those that are one array stay one."""
        known = {id(column): column for column in self}
        changed = {name: change(column) for name, column in known.items()}
        return Prints._make(changed[id(column)] for column in self)


_DTYPES = ("i4", "i8", "i8", "i4", "f8", "f8", "f8", "f8", "i8", "i8")


_FEW = 1_024
"""So few prints that wait are copied to stand before those that come."""


class PriceSlice(NamedTuple):
    """Everything of a span of time: it begins where the slice before ended.

    Parameters
    ----------
    until
        int64 ns UTC; everything earlier is in this slice or in those before. The last slice has ``core.times.MAX_NS``.
    prints
        By time, then merge order.
    openings
        Bars that open, by opening, then merge order; none in tick mode.
    events
        Events emitted in the span (dtype ``core.events.EVENT``), in output order.
    days
        Numbers of the recorded days whose first print or opening is in the slice, rising. A date without any of the
        chosen phases is none: a print can come that late.
    row_days, row_last
        Days of accepted rows of the price type, of any phase, that came with the slice, and per day the greatest
        available time (int64 ns UTC) of them so far. Such a row can lie behind ``until``. Of several slices that come
        together, the first has all of them.
    """

    until: int
    prints: Prints
    openings: Prints
    events: EventRows
    days: Int32s
    row_days: Int32s
    row_last: Int64s


class PriceTimeline:
    """Cuts the steps of a run into slices.

    Memory holds the rows between the end of the last slice and the watermark. While many wait, a slice is cut only when
    half as many have come: each row is moved a few times, however long the lag and small the steps.

    Parameters
    ----------
    days
        Trading days of the chosen phases.
    is_bars
        Whether prints are bars.
    lag_ns
        Bar mode: the longest time between a bar's start and its available time. A bar that takes longer has no
        opening. 0 in tick mode.
    """

    def __init__(self, days: TradingDays, *, is_bars: bool, lag_ns: int = 0) -> None:
        self._days = days
        self._is_bars = is_bars
        self._lag_ns = lag_ns if is_bars else 0
        self._until = 0
        self._newest_day = -1
        self._prints = Prints.none()
        self._openings = Prints.none()
        self._arrived: list[tuple[Prints, Prints]] = []
        self._left = 0
        self._events: EventRows = np.empty(0, dtype=EVENT)
        self._last: dict[int, int] = {}
        self.without_opening = 0
        """Bars so far that took longer than the lag, so that no order meets their opening."""

    def take(self, rows: JudgedRows, events: EventRows, watermark: int) -> list[PriceSlice]:
        """Return the next slices, at least one: what a step completes.

        Parameters
        ----------
        rows, events, watermark
            Those of a step (``engine.taps.TapStep``).
        """
        if self._is_bars:
            row_days, row_last = self._keep_last(*self._seen(rows.bars))
            prints = self._bars(rows.bars)
            openings = prints.at(prints.time - prints.opening <= self._lag_ns)
            self.without_opening += prints.rows - openings.rows
            self._arrived.append((prints, openings))
        else:
            before = None
            if not self._arrived and self._prints.rows < _FEW:  # else all would be copied to stand behind them
                few, self._prints = self._prints, Prints.none()
                before = TickPrints(few.code, few.time, few.day, few.close, few.size, few.number)
            ticks, days, last = tick_prints(rows.ticks, self._days, before)
            row_days, row_last = self._keep_last(days, last)
            price = ticks.price
            prints = Prints(
                ticks.code, ticks.time, ticks.time, ticks.day, price, price, price, price, ticks.size, ticks.number
            )
            self._arrived.append((prints, Prints.none()))
        self._events = np.concatenate([self._events, events]) if len(self._events) else events
        if watermark == MAX_NS:  # every row has come: what takes longer than the lag, too
            return self._cut(MAX_NS, row_days, row_last)
        is_worth_it = 2 * sum(prints.rows for prints, _ in self._arrived) >= self._left
        return self._cut(max(self._until, watermark - self._lag_ns) if is_worth_it else self._until, row_days, row_last)

    def finish(self) -> list[PriceSlice]:
        """Return the last slices, at least one: what waits at the end of the run."""
        return self._cut(MAX_NS, np.empty(0, np.int32), np.empty(0, np.int64))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        self._gather()
        return {
            "place": np.array([self._until, self._newest_day, self.without_opening], dtype=np.int64),
            "events": self._events,
            "last": np.array(list(self._last.items()), dtype=np.int64).reshape(-1, 2),
            **{f"prints.{name}": column for name, column in self._prints._asdict().items()},
            **{f"openings.{name}": column for name, column in self._openings._asdict().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._until, self._newest_day, self.without_opening = (int(value) for value in state["place"])
        self._events = state["events"].astype(EVENT)
        self._last = {int(day): int(last) for day, last in state["last"]}
        self._prints = Prints(*(state[f"prints.{name}"] for name in Prints._fields))
        openings = Prints(*(state[f"openings.{name}"] for name in Prints._fields))
        # A resumed run numbers its rows from 0 again: what waits came before them.
        self._openings = openings._replace(number=openings.number - (openings.number.max(initial=-1) + 1))
        self._arrived, self._left = [], 0

    def _bars(self, bars: JudgedBars) -> Prints:
        mine = np.flatnonzero(bars.accepted & self._days.has_chosen_phase(bars.segment))
        rows = bars.rows
        return Prints(
            rows.code[mine],
            rows.available_at[mine],
            rows.timestamp[mine],
            self._days.numbers(rows.timestamp[mine]),
            rows.open[mine],
            rows.high[mine],
            rows.low[mine],
            rows.close[mine],
            rows.volume[mine],
            rows.order[mine],
        )

    def _seen(self, bars: JudgedBars) -> tuple[Int32s, Int64s]:
        """Return the days of accepted bars, and the greatest available time of each."""
        accepted = bars.accepted
        available = bars.rows.available_at[accepted]
        days = self._days.numbers(bars.rows.timestamp[accepted])
        if len(days) and days.min() == days.max():  # nearly always
            return days[:1].copy(), available[-1:].copy()
        seen, places = np.unique(days[::-1], return_index=True)  # rows come by available time: a day's last is greatest
        return seen, available[::-1][places]

    def _keep_last(self, days: Int32s, times: Int64s) -> tuple[Int32s, Int64s]:
        """Keep the greatest available time of each day; return the days, and that of each so far."""
        for day, time in zip(days.tolist(), times.tolist(), strict=True):
            self._last[day] = max(self._last.get(day, 0), time)
        return days, np.array([self._last[day] for day in days.tolist()], dtype=np.int64)

    def _gather(self) -> None:
        """Put what has arrived behind what waits."""
        prints, openings = zip(*self._arrived, strict=True) if self._arrived else ((), ())
        self._prints, self._openings = Prints.joined(self._prints, *prints), Prints.joined(self._openings, *openings)
        self._arrived = []

    def _cut(self, until: int, row_days: Int32s, row_last: Int64s) -> list[PriceSlice]:
        """Return the slices up to a time, one for each day."""
        none = Prints.none()
        if until == self._until:
            return [PriceSlice(until, none, none, self._events[:0], np.empty(0, np.int32), row_days, row_last)]
        self._gather()
        prints, self._prints = _split(self._prints, self._prints.time, until)
        if self._openings.rows:
            by_opening = stable_order((self._openings.opening, self._openings.number))
            waiting = self._openings.at(by_opening)
            openings, self._openings = _split(waiting, waiting.opening, until)
        else:
            openings = self._openings
        is_past = self._events["emitted_at"] < until
        events, self._events = (take_rows(self._events, np.flatnonzero(chosen)) for chosen in (is_past, ~is_past))
        ends = np.array([*_day_begins(prints), until])
        cuts = (
            prints.time.searchsorted(ends),
            openings.opening.searchsorted(ends),
            events["emitted_at"].searchsorted(ends),
        )
        starts = (0, 0, 0)
        parts = []
        for end, *stops in zip(ends.tolist(), *(cut.tolist() for cut in cuts), strict=True):
            if end == MAX_NS:
                stops = [prints.rows, openings.rows, len(events)]
            mine, opened, told = map(slice, starts, stops)
            own = prints.at(mine), openings.at(opened), events[told]
            parts.append(PriceSlice(end, *own, self._new_days(*own[:2]), row_days, row_last))
            row_days, row_last = row_days[:0], row_last[:0]
            starts = tuple(stops)
        self._until = until
        self._left = max(self._prints.rows, self._openings.rows)
        for day in [day for day in self._last if self._days.limits(day).over <= until]:
            del self._last[day]
        return parts

    def _new_days(self, prints: Prints, openings: Prints) -> Int32s:
        """Return the recorded days whose first print or opening is among those of a slice."""
        first = openings if self._is_bars else prints
        # They come by day.
        days = first.day[:1] if first.rows and first.day[0] == first.day[-1] else np.unique(first.day)
        has_end = np.array([self._days.limits(day).end > 0 for day in days.tolist()], dtype=np.bool_)
        days = days[(days > self._newest_day) & has_end]
        if len(days):
            self._newest_day = int(days[-1])
        return days


def _day_begins(prints: Prints) -> list[int]:
    """Return the times (int64 ns UTC) of the first print of each day but the first, rising."""
    if (
        not prints.rows or prints.day[0] == prints.day[-1]
    ):  # nearly always; they come by day, but for bars that are late
        return []
    newest = np.maximum.accumulate(prints.day)
    found: list[int] = np.unique(prints.time[1:][np.diff(newest) > 0]).tolist()
    return found


def _split(prints: Prints, times: Int64s, until: int) -> tuple[Prints, Prints]:
    """Return the prints before a time, and the others as copies, so that what has passed is freed."""
    end = int(times.searchsorted(until)) if until < MAX_NS else prints.rows
    return prints.at(slice(end)), prints.at(slice(end, None)).copies()

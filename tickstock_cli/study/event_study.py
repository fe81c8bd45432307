"""The event study of docs/backtest.md: what prices did after events, and on the following days at the same time.

Events become moments (``study.moments``) of their day. When a further recorded day begins, those of the two weeks
before get a placebo moment at the same wall time. What a day says of events leaves when it is over, in the order of the
events: their records at the end of their own day, placebos at the end of each placebo day. Memory holds the results of
the days that are not over, and of older events only what placebos need: ticker, side and wall time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.analysis import StudySettings, horizon_ns
from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.core.calendar import SEGMENT_DAY
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.errors import DataError
from tickstock_cli.kernels.compare import SECOND_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.study.event_days import PLACEBO_REACH_DAYS, EventDay, PlaceboDay, packed, unpacked
from tickstock_cli.study.event_paths import EventPaths
from tickstock_cli.study.following import DayEnds
from tickstock_cli.study.moment_pool import MomentPool
from tickstock_cli.study.moments import TO_CLOSE, Begun, MomentRules
from tickstock_cli.study.observations import NO_DIRECTION, NOT_ENTERED, OUTSIDE, FoundResults, observation_dtype

MOST_BPS = 1e284
"""Returns beyond it are refused: a sum of them, or the square of a range, would be infinite."""

MILLISECOND_NS = 1_000_000

_ALL_DAYS = 2**31 - 2
"""A number above that of any day."""


class EventStudy:
    """An event study that takes a recording slice by slice.

    Parameters
    ----------
    days
        Trading days of the chosen phases.
    is_bars
        Whether prints are bars.
    open_slack_ms
        How long before a decision a bar may have opened (``prices.open_slack_ms``).
    paths
        Follows the same moments, for curves.
    """

    def __init__(
        self,
        settings: StudySettings,
        days: TradingDays,
        *,
        is_bars: bool,
        open_slack_ms: float,
        paths: EventPaths | None = None,
    ) -> None:
        lengths = np.array([horizon_ns(text) or TO_CLOSE for text in settings.horizons], dtype=np.int64)
        places = np.argsort(lengths)
        wait_seconds = settings.max_wait_bars_seconds if is_bars else settings.max_wait_seconds
        self._rules = MomentRules(
            lengths[places],
            places,
            round(open_slack_ms * MILLISECOND_NS),
            round(wait_seconds * SECOND_NS),
            is_bars,
        )
        self._days = days
        self._latency_ns = round(settings.latency_ms * MILLISECOND_NS)
        self._end_slack_ns = round(settings.end_slack_seconds * SECOND_NS)
        self._placebo_days = settings.placebo_days
        self._pool = MomentPool(self._rules, observation_dtype(len(lengths)))
        self._begun = 0
        self._dated = 0
        self._event_days: deque[EventDay] = deque()
        self._placebos: list[PlaceboDay] = []
        self._paths = paths
        self._over = -1
        self._row_last: dict[int, int] = {}
        self._opened = Prints.none()

    def take(self, part: PriceSlice, event_ids: NDArray[np.uint64], tickers: int) -> FoundResults:
        """Take a slice; return the results that it completes, as views that are valid until the next one.

        Parameters
        ----------
        event_ids
            Identities of the slice's events.
        tickers
            Number of tickers so far; every code is below it.

        Raises
        ------
        DataError
            A move is too large to compute with.
        """
        self._row_last.update(zip(part.row_days.tolist(), part.row_last.tolist(), strict=True))
        self._pool.grow(tickers)
        self._add_events(part.events, event_ids)
        for day in part.days.tolist():
            self._add_placebos(day)
        self._pool.follow(self._begin(part.until), part.prints, self._day_ends(part.prints.day))
        if self._paths is not None:
            self._paths.take(part.prints, part.until, tickers, self._rules)
        found = FoundResults(self._pool.events.rows[:0], [[] for _ in range(self._placebo_days)])
        self._opened = self._opened.followed_by(part.openings)
        self._opened = self._opened.at(np.flatnonzero(self._opened.time >= part.until))
        over = self._days_over(part.until)
        if over > self._over:
            self._over = over
            self._enter_opened(over, part.until, tickers)
            self._pool.end(over)
            if self._paths is not None:
                self._paths.end(over, self._covered_end)
            self._date(over + 1)
            found = self._finish(over)
            for day in [day for day in self._row_last if day <= over]:
                del self._row_last[day]
        return found

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        of_day = {id(events): place for place, events in enumerate(self._event_days)}
        placebos = [(of_day[id(one.events)], one.day, one.first, one.begun) for one in self._placebos]
        return {
            "place": np.array([self._begun, self._dated, self._over], dtype=np.int64),
            "row_last": np.array(list(self._row_last.items()), dtype=np.int64).reshape(-1, 2),
            "placebo_days": np.array(placebos, dtype=np.int64).reshape(-1, 4),
            **{f"opened.{name}": values for name, values in self._opened._asdict().items()},
            **{f"waiting.{name}": values for name, values in packed(self._event_days).items()},
            **{f"pool.{name}": values for name, values in self._pool.state().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""

        def part(name: str) -> dict[str, NDArray[Any]]:
            return {key.removeprefix(name): values for key, values in state.items() if key.startswith(name)}

        self._begun, self._dated, self._over = state["place"].tolist()
        self._row_last = {int(day): int(last) for day, last in state["row_last"]}
        self._opened = Prints(*(state[f"opened.{name}"] for name in Prints._fields))
        self._event_days = deque(unpacked(part("waiting.")))
        self._pool.restore(part("pool."))
        self._placebos = []
        for place, day, first, begun in state["placebo_days"].tolist():
            self._placebos.append(self._placebo_day(self._event_days[place], day, first))
            self._placebos[-1].begun = begun

    def _add_events(self, events: EventRows, event_ids: NDArray[np.uint64]) -> None:
        if not len(events):
            return
        added, on_stack = self._pool.add_events(len(events))
        added["event_id"] = event_ids
        for name in ("code", "kind", "source", "direction"):
            added[name] = events[name]
        decision = events["emitted_at"] + self._latency_ns
        segments = self._days.segments(decision)
        added["decision"] = decision
        added["day"] = segments // SEGMENT_DAY
        added["entry_time"] = 0
        for name in ("return_bps", "mfe_bps", "mae_bps", "entry_price"):
            added[name] = np.nan
        is_outside = ~self._days.has_chosen_phase(segments)
        has_no_direction = events["direction"] == 0
        added["status"] = np.select([has_no_direction, is_outside], [NO_DIRECTION, OUTSIDE], NOT_ENTERED)[:, None]
        on_stack["side"] = np.where(is_outside, 0, events["direction"])
        on_stack["day_end"] = self._by_day(added["day"], lambda day: self._days.limits(day).end)
        if self._paths is not None:
            chosen = np.flatnonzero(on_stack["side"])
            own = added[chosen]
            curves = self._paths.numbers(own) * 2
            self._paths.add(
                own["code"], own["direction"], own["decision"], own["day"], on_stack["day_end"][chosen], curves
            )

    def _add_placebos(self, day: int) -> None:
        """Add the placebos of the events that have ``day`` as their next placebo day."""
        self._date(day)
        for events in self._event_days:
            since = day - events.day
            if 0 < since <= PLACEBO_REACH_DAYS and len(events.placebo_days) < self._placebo_days:
                events.placebo_days.append(day)
                first = self._pool.add_placebos(len(events.code))
                found = self._placebo_day(events, day, first)
                self._placebos.append(found)
                if self._paths is not None:
                    self._add_paths(self._paths, found)

    def _add_paths(self, paths: EventPaths, placebos: PlaceboDay) -> None:
        events, chosen = placebos.events, placebos.studied
        decision = placebos.midnight + events.wall_time[chosen]
        days = np.full(len(chosen), placebos.day, dtype=np.int32)
        day_end = np.full(len(chosen), self._days.limits(placebos.day).end)
        curves = events.curve[chosen] * 2 + 1
        paths.add(events.code[chosen], events.side[chosen], decision, days, day_end, curves)

    def _placebo_day(self, events: EventDay, day: int, first: int) -> PlaceboDay:
        midnight = self._days.limits(day).midnight
        segments = self._days.segments(np.maximum(midnight + events.wall_time, 1))
        is_inside = self._days.has_chosen_phase(segments) & (segments // SEGMENT_DAY == day)
        return PlaceboDay(events, day, midnight, first, None if is_inside.all() else is_inside)

    def _date(self, before: int) -> None:
        """Let the events of days before ``before`` wait for placebos."""
        if not self._placebo_days:
            return
        first = self._dated - self._pool.first_event
        records, sides = self._pool.events.rows, self._pool.sides
        behind = first + int(records["day"][first:].searchsorted(before))
        self._dated += behind - first
        for start, stop, day in self._by_days(first, behind):
            wall_time = records["decision"][start:stop] - self._days.limits(day).midnight
            curves = np.empty(0, np.int64) if self._paths is None else self._paths.numbers(records[start:stop])
            own = records["code"][start:stop].copy(), sides[start:stop].copy(), wall_time, curves
            self._event_days.append(EventDay(day, *own))

    def _begin(self, until: int) -> list[Begun]:
        """Return the moments whose decision has come before ``until``, each once."""
        first = self._begun - self._pool.first_event
        coming = int(self._pool.events.rows["decision"][first:].searchsorted(until))
        self._begun += coming
        begun = []
        for start, stop, day in self._by_days(first, first + coming):
            records, side = self._pool.events.rows[start:stop], self._pool.sides[start:stop].copy()
            columns = records["code"].copy(), side, records["decision"].copy(), np.flatnonzero(side)
            row = self._pool.first_event + start
            begun.append(Begun(*columns, 0, day, self._days.limits(day).end, row, is_own=True))
        for placebos in self._placebos:
            events, day = placebos.events, placebos.day
            columns = events.code, events.side, events.wall_time, placebos.begin(until)
            ends = self._days.limits(day).end, placebos.first
            begun.append(Begun(*columns, placebos.midnight, day, *ends, is_own=False))
        return begun

    def _enter_opened(self, over: int, until: int, tickers: int) -> None:
        """Let moments of days that are over enter at bars that opened on them and are available only later.

        All such bars lie behind the day's end, so nothing else of them is seen.
        """
        bars = self._opened.at(np.flatnonzero(self._opened.day <= over))
        if bars.rows:
            self._pool.follow((), bars, self._day_ends(bars.day))
            if self._paths is not None:
                self._paths.take(bars, until, tickers, self._rules)

    def _by_days(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """Yield the events ``[start, stop)`` of the pool day by day: where they start and stop, and the day."""
        days = self._pool.events.rows["day"][start:stop]
        starts = start + np.flatnonzero(np.diff(days, prepend=-1))
        for begin, end in pairwise([*starts.tolist(), stop]):
            yield begin, end, int(days[begin - start])

    def _finish(self, over: int) -> FoundResults:
        """Return the results of the days that are over, and forget them."""
        days = self._pool.events.rows["day"]
        covered_end = self._by_day(days[: days.searchsorted(over + 1)], self._covered_end)
        records, most = self._pool.finish_events(len(covered_end), covered_end)
        placebos: list[list[NDArray[Any]]] = [[] for _ in range(self._placebo_days)]
        for events in self._event_days:
            while events.written < self._placebo_days:
                if events.written < len(events.placebo_days):
                    day = events.placebo_days[events.written]
                    if day > over:
                        break
                    bps, move = self._finish_placebos(events, day)
                    most = max(most, move)
                elif events.has_no_more(over):
                    bps = np.full((len(events.code), len(self._rules.lengths)), np.nan)
                else:
                    break
                placebos[events.written].append(bps)
                events.written += 1
        while self._event_days and self._event_days[0].written == self._placebo_days:
            self._event_days.popleft()
        ended = [one for one in self._placebos if one.day <= over]
        if ended:
            self._placebos = [one for one in self._placebos if one.day > over]
            self._pool.drop_placebos(ended[-1].behind)
        if most > MOST_BPS:
            raise DataError(
                "a price of the recording is beyond 1e280 times an earlier one of its ticker and day; correct it"
            )
        return FoundResults(records, placebos)

    def _finish_placebos(self, events: EventDay, day: int) -> tuple[NDArray[Any], float]:
        first = next(one.first for one in self._placebos if one.events is events and one.day == day)
        ends = self._days.limits(day).end, self._covered_end(day)
        return self._pool.finish_placebos(first, events.code, events.side, day, *ends)

    def _day_ends(self, days: Int32s) -> DayEnds:
        """Return the days of some prints, and their ends."""
        if len(days) and days[0] == days[-1] and not self._rules.is_bars:  # nearly always; ticks come by their day
            found = days[:1]
        else:
            found = np.unique(days)
        return DayEnds(found, np.array([self._days.limits(day).end for day in found.tolist()], dtype=np.int64))

    def _days_over(self, until: int) -> int:
        """Return the last day that is over: a bar available at its very end has come, too."""
        return _ALL_DAYS if until == MAX_NS else int(self._days.numbers(np.array([max(1, until - 1)]))[0]) - 1

    @staticmethod
    def _by_day(days: NDArray[Any], time_of: Callable[[int], int]) -> Int64s:
        """Return a time of each of some days; the days are few, and near each other."""
        if not len(days):
            return np.empty(0, dtype=np.int64)
        first = int(days.min())
        places = days - first
        times: Int64s = np.zeros(int(places.max()) + 1, dtype=np.int64)
        for place in np.flatnonzero(np.bincount(places)).tolist():
            times[place] = time_of(first + place)
        found: Int64s = times[places]
        return found

    def _covered_end(self, day: int) -> int:
        end = self._days.limits(day).end
        last = self._row_last.get(day, 0)
        return end if last >= end - self._end_slack_ns else last

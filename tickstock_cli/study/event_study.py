"""The event study of docs/backtest.md: what prices did after events, and on the following days at the same time.

Events become moments (``study.moments``) of their day. When a further recorded day begins, those of the two weeks
before get a placebo moment at the same wall time. An event leaves, in the order of the events, when nothing can change
its observation any more. Memory holds the moments of the days that are not over, and the events that wait for placebo
days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.analysis import StudySettings, horizon_ns
from tickstock_cli.core.array_queue import ArrayQueue
from tickstock_cli.core.batch import Int32s, Int64s
from tickstock_cli.core.calendar import SEGMENT_DAY
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.errors import DataError
from tickstock_cli.kernels.compare import SECOND_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice
from tickstock_cli.study.event_paths import EventPaths
from tickstock_cli.study.moment_pool import MomentPool
from tickstock_cli.study.moments import PLANNED, TO_CLOSE, Ends, Moments, moments_of
from tickstock_cli.study.observations import NO_DIRECTION, NOT_ENTERED, OBSERVED, OUTSIDE, observation_dtype
from tickstock_cli.study.results import ResultColumns, record_results

PLACEBO_REACH_DAYS = 14
"""A placebo day is at most so many calendar days after its event."""

MOST_BPS = 1e284
"""Returns beyond it are refused: a sum of them, or the square of a range, would be infinite."""

MILLISECOND_NS = 1_000_000


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
        self._columns = np.argsort(lengths)
        self._lengths = lengths[self._columns]
        self._days = days
        self._latency_ns = round(settings.latency_ms * MILLISECOND_NS)
        self._open_slack_ns = round(open_slack_ms * MILLISECOND_NS)
        wait_seconds = settings.max_wait_bars_seconds if is_bars else settings.max_wait_seconds
        self._wait_ns = round(wait_seconds * SECOND_NS)
        self._end_slack_ns = round(settings.end_slack_seconds * SECOND_NS)
        self._placebo_days = settings.placebo_days
        self._record = observation_dtype(len(lengths), settings.placebo_days)
        self._first = 0
        self._waiting = ArrayQueue(self._record)
        self._plans = ArrayQueue(_PLAN)
        self._pool = MomentPool(
            self._lengths, is_bars=is_bars, open_slack_ns=self._open_slack_ns, wait_ns=self._wait_ns
        )
        self._paths = paths
        self._over = -1
        self._row_last: dict[int, int] = {}

    @property
    def record(self) -> np.dtype[Any]:
        """Dtype of the records that ``take`` returns."""
        return self._record

    def take(self, part: PriceSlice, event_ids: NDArray[np.uint64], tickers: int) -> NDArray[Any]:
        """Take a slice; return the observations that it completes, in the order of the events, as a view.

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
        self._pool.follow(part.prints, part.until)
        if self._paths is not None:
            self._paths.take(part.prints, part.until, tickers)
        over = self._days_over(part.until)
        if over <= self._over:
            return self._waiting.rows[:0]
        self._over = over
        self._record_results(*self._pool.end(over))
        if self._paths is not None:
            self._paths.end(over, self._covered_end)
        for day in [day for day in self._row_last if day <= over]:
            del self._row_last[day]
        return self._completed(over)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        return {
            "place": np.array([self._first, self._over], dtype=np.int64),
            "waiting": self._waiting.rows,
            "plans": self._plans.rows,
            "row_last": np.array(list(self._row_last.items()), dtype=np.int64).reshape(-1, 2),
            **self._pool.state(),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._first, self._over = (int(value) for value in state["place"])
        self._waiting.replace(state["waiting"])
        self._plans.replace(state["plans"])
        self._row_last = {int(day): int(last) for day, last in state["row_last"]}
        self._pool.restore(state)

    def _add_events(self, events: EventRows, event_ids: NDArray[np.uint64]) -> None:
        if not len(events):
            return
        added = np.zeros(len(events), dtype=self._record)
        added["event_id"] = event_ids
        for name in ("code", "kind", "source", "direction"):
            added[name] = events[name]
        decision = events["emitted_at"] + self._latency_ns
        segments = self._days.segments(decision)
        added["decision"] = decision
        added["day"] = segments // SEGMENT_DAY
        for name in ("return_bps", "mfe_bps", "mae_bps", "placebo", "entry_price"):
            added[name] = np.nan
        is_outside = ~self._days.has_chosen_phase(segments)
        has_no_direction = events["direction"] == 0
        added["status"] = np.select([has_no_direction, is_outside], [NO_DIRECTION, OUTSIDE], NOT_ENTERED)[:, None]
        plans = np.zeros(len(events), dtype=_PLAN)
        is_studied = ~(has_no_direction | is_outside)
        plans["last_day"] = np.where(is_studied, added["day"], -1)
        plans["placebos"] = np.where(is_studied, 0, self._placebo_days)
        plans["wall_time"] = decision - self._by_day(added["day"], lambda day: self._days.limits(day).midnight)
        chosen = len(self._waiting) + np.flatnonzero(is_studied)
        self._waiting.append(added)
        self._plans.append(plans)
        self._add_moments(chosen, decision[is_studied], added["day"][is_studied], 0)

    def _add_placebos(self, day: int) -> None:
        """Add the moments that have ``day`` as their next placebo day."""
        waiting, plans = self._waiting.rows, self._plans.rows
        since = day - waiting["day"]
        chosen = np.flatnonzero((since > 0) & (since <= PLACEBO_REACH_DAYS) & (plans["placebos"] < self._placebo_days))
        if not len(chosen):
            return
        plans["placebos"][chosen] += 1
        plans["last_day"][chosen] = day
        decision = self._days.limits(day).midnight + plans["wall_time"][chosen]
        segments = self._days.segments(np.maximum(decision, 1))
        is_inside = self._days.has_chosen_phase(segments) & (self._days.numbers(np.maximum(decision, 1)) == day)
        chosen, decision = chosen[is_inside], decision[is_inside]
        days = np.full(len(chosen), day, dtype=np.int32)
        self._add_moments(chosen, decision, days, plans["placebos"][chosen])

    def _add_moments(self, chosen: Int64s, decision: Int64s, days: Int32s, placebos: Any) -> None:
        """Add moments of the events at places in the queue."""
        records = self._waiting.rows
        added = np.zeros(len(chosen), dtype=PLANNED)
        added["event"], added["placebo"] = self._first + chosen, placebos
        added["code"], added["side"] = records["code"][chosen], records["direction"][chosen]
        added["decision"], added["day"] = decision, days
        added["day_end"] = self._by_day(days, lambda day: self._days.limits(day).end)
        self._pool.add(added)
        if self._paths is not None:
            names = np.stack([records[name][chosen] for name in ("kind", "direction", "source")], axis=1)
            self._paths.add(moments_of(added, self._open_slack_ns, self._wait_ns), names.astype(np.int64))

    def _record_results(self, moments: Moments, ends: Ends) -> None:
        """Move the results of moments whose days are over to their events."""
        covered_end = self._by_day(moments["day"], self._covered_end)
        columns = ResultColumns.of(self._waiting.rows)
        most = record_results(moments, ends, covered_end, self._lengths, self._columns, self._first, columns)
        if most > MOST_BPS:
            raise DataError(
                "a price of the recording is beyond 1e280 times an earlier one of its ticker and day; correct it"
            )

    def _days_over(self, until: int) -> int:
        """Return the last day that is over: a bar available at its very end has come, too."""
        return MAX_NS if until == MAX_NS else int(self._days.numbers(np.array([max(1, until - 1)]))[0]) - 1

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

    def _completed(self, over: int) -> NDArray[Any]:
        """Return the events at the head of the queue that nothing can change any more."""
        waiting, plans = self._waiting.rows, self._plans.rows
        has_placebos = (plans["placebos"] >= self._placebo_days) | (waiting["day"] + PLACEBO_REACH_DAYS <= over)
        is_complete = (plans["last_day"] <= over) & has_placebos
        leaving = len(plans) if is_complete.all() else int(is_complete.argmin())
        done = waiting[:leaving]
        np.copyto(done["placebo"], np.nan, where=(done["status"] != OBSERVED)[:, None, :])
        self._waiting.drop(leaving)
        self._plans.drop(leaving)
        self._first += leaving
        return done


_PLAN = np.dtype([("wall_time", "i8"), ("last_day", "i4"), ("placebos", "i4")])
"""What an event still gets: its time since local midnight, its newest day, and the number of its placebo days."""

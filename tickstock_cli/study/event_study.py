"""The event study of docs/backtest.md: what prices did after events, and on the following days at the same time.

Events become moments (``study.moments``) of their day. When a further recorded day begins, those of the two weeks
before get a placebo moment at the same wall time. An event leaves, in the order of the events, when nothing can change
its observation any more. Memory holds the moments of the days that are not over, and the events that wait for placebo
days.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.analysis import StudySettings, horizon_ns
from tickstock_cli.core.batch import Int32s
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.compare import SECOND_NS
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice
from tickstock_cli.study.moments import MOMENT, NO_ENTRY, NOBODY, TO_CLOSE, Ends, Rows, chain, end_day, follow
from tickstock_cli.study.observations import CUT, NO_DIRECTION, NOT_ENTERED, OBSERVED, OUTSIDE, observation_dtype

PLACEBO_REACH_DAYS = 14
"""A placebo day is at most so many calendar days after its event."""

MILLISECOND_NS = 1_000_000
_ROWS_FIELDS = Rows._fields


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
    """

    def __init__(self, settings: StudySettings, days: TradingDays, *, is_bars: bool, open_slack_ms: float) -> None:
        lengths = np.array([horizon_ns(text) or TO_CLOSE for text in settings.horizons], dtype=np.int64)
        self._columns = np.argsort(lengths)
        self._lengths = lengths[self._columns]
        self._days = days
        self._is_bars = is_bars
        self._latency_ns = round(settings.latency_ms * MILLISECOND_NS)
        self._open_slack_ns = round(open_slack_ms * MILLISECOND_NS)
        wait_seconds = settings.max_wait_bars_seconds if is_bars else settings.max_wait_seconds
        self._wait_ns = round(wait_seconds * SECOND_NS)
        self._end_slack_ns = round(settings.end_slack_seconds * SECOND_NS)
        self._placebo_days = settings.placebo_days
        self._record = observation_dtype(len(lengths), settings.placebo_days)
        self._first = 0
        self._waiting = np.empty(0, dtype=self._record)
        self._plans = np.empty(0, dtype=_PLAN)
        self._moments = np.empty(0, dtype=MOMENT)
        self._ends = _no_ends(0, len(lengths))
        self._heads = np.empty(0, dtype=np.int64)
        self._row_last: dict[int, int] = {}

    @property
    def record(self) -> np.dtype[Any]:
        """Dtype of the records that ``take`` returns."""
        return self._record

    def take(self, part: PriceSlice, event_ids: NDArray[np.uint64], tickers: int) -> NDArray[Any]:
        """Take a slice; return the observations that it completes, in the order of the events.

        Parameters
        ----------
        event_ids
            Identities of the slice's events.
        tickers
            Number of tickers so far; every code is below it.
        """
        self._row_last.update(zip(part.row_days.tolist(), part.row_last.tolist(), strict=True))
        self._heads = np.append(self._heads, np.full(tickers - len(self._heads), NOBODY))
        self._add_events(part.events, event_ids)
        for day in part.days.tolist():
            self._add_placebos(day)
        if part.prints.rows and len(self._moments):
            rows = Rows(*(getattr(part.prints, name) for name in _ROWS_FIELDS))
            follow(rows, self._moments, self._ends, self._heads, self._lengths, self._is_bars)
        over = MAX_NS if part.until == MAX_NS else int(self._days.numbers(np.array([max(1, part.until)]))[0]) - 1
        self._end_days(over)
        return self._completed(over)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name."""
        return {
            "first": np.array([self._first], dtype=np.int64),
            "waiting": self._waiting,
            "plans": self._plans,
            "moments": self._moments,
            "row_last": np.array(list(self._row_last.items()), dtype=np.int64).reshape(-1, 2),
            **{f"ends.{name}": values for name, values in self._ends._asdict().items()},
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        self._first = int(state["first"][0])
        self._waiting = state["waiting"].astype(self._record)
        self._plans = state["plans"].astype(_PLAN)
        self._moments = state["moments"].astype(MOMENT)
        self._ends = Ends(*(state[f"ends.{name}"].copy() for name in Ends._fields))
        self._row_last = {int(day): int(last) for day, last in state["row_last"]}
        self._heads = np.full(int(self._moments["code"].max(initial=-1)) + 1, NOBODY)
        chain(self._moments, 0, self._heads)

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
        added["day"] = self._days.numbers(decision)
        for name in ("return_bps", "mfe_bps", "mae_bps", "placebo", "entry_price"):
            added[name] = np.nan
        is_outside = ~self._days.has_chosen_phase(segments)
        has_no_direction = events["direction"] == 0
        added["status"] = np.select([has_no_direction, is_outside], [NO_DIRECTION, OUTSIDE], NOT_ENTERED)[:, None]
        plans = np.zeros(len(events), dtype=_PLAN)
        is_studied = ~(has_no_direction | is_outside)
        plans["last_day"] = np.where(is_studied, added["day"], -1)
        plans["placebos"] = np.where(is_studied, 0, self._placebo_days)
        midnights = {day: self._days.limits(day).midnight for day in np.unique(added["day"]).tolist()}
        plans["wall_time"] = decision - [midnights[day] for day in added["day"].tolist()]
        numbers = self._first + len(self._waiting) + np.arange(len(events))
        self._waiting = np.concatenate([self._waiting, added])
        self._plans = np.concatenate([self._plans, plans])
        self._add_moments(numbers[is_studied], added[is_studied], decision[is_studied], added["day"][is_studied], 0)

    def _add_placebos(self, day: int) -> None:
        """Add the moments that have ``day`` as their next placebo day."""
        since = day - self._waiting["day"]
        chosen = np.flatnonzero(
            (since > 0) & (since <= PLACEBO_REACH_DAYS) & (self._plans["placebos"] < self._placebo_days)
        )
        if not len(chosen):
            return
        self._plans["placebos"][chosen] += 1
        self._plans["last_day"][chosen] = day
        decision = self._days.limits(day).midnight + self._plans["wall_time"][chosen]
        segments = self._days.segments(np.maximum(decision, 1))
        is_inside = self._days.has_chosen_phase(segments) & (self._days.numbers(np.maximum(decision, 1)) == day)
        chosen, decision = chosen[is_inside], decision[is_inside]
        days = np.full(len(chosen), day, dtype=np.int32)
        places = self._plans["placebos"][chosen]
        self._add_moments(self._first + chosen, self._waiting[chosen], decision, days, places)

    def _add_moments(
        self, numbers: NDArray[Any], records: NDArray[Any], decision: NDArray[Any], days: Int32s, places: Any
    ) -> None:
        added = np.zeros(len(numbers), dtype=MOMENT)
        added["event"], added["placebo"] = numbers, places
        added["code"], added["side"] = records["code"], records["direction"]
        added["decision"], added["day"] = decision, days
        added["from_opening"] = decision - self._open_slack_ns
        added["latest"] = decision + self._wait_ns
        ends = {day: self._days.limits(day).end for day in np.unique(days).tolist()}
        added["day_end"] = [ends[day] for day in days.tolist()]
        first = len(self._moments)
        self._moments = np.concatenate([self._moments, added])
        more = _no_ends(len(added), len(self._lengths))
        self._ends = Ends(*(np.concatenate(pair) for pair in zip(self._ends, more, strict=True)))
        chain(self._moments, first, self._heads)

    def _end_days(self, over: int) -> None:
        """Move the results of moments whose day is at most ``over`` to their events."""
        is_over = self._moments["day"] <= over
        if not is_over.any():
            return
        moments = self._moments[is_over]
        ends = Ends(*(values[is_over] for values in self._ends))
        end_day(moments, ends, self._lengths)
        self._record_results(moments, ends)
        self._moments = self._moments[~is_over]
        self._ends = Ends(*(values[~is_over] for values in self._ends))
        self._heads[:] = NOBODY
        chain(self._moments, 0, self._heads)
        for day in [day for day in self._row_last if day <= over]:
            del self._row_last[day]

    def _record_results(self, moments: NDArray[Any], ends: Ends) -> None:
        covered = {day: self._covered_end(day) for day in np.unique(moments["day"]).tolist()}
        covered_end = np.array([covered[day] for day in moments["day"].tolist()], dtype=np.int64)
        horizon_end = np.where(
            self._lengths == TO_CLOSE,
            moments["day_end"][:, None],
            moments["entry_time"][:, None] + np.where(self._lengths == TO_CLOSE, 0, self._lengths),
        )
        is_cut = horizon_end > covered_end[:, None]
        entered = moments["state"] != NO_ENTRY
        status = np.where(entered[:, None], np.where(is_cut, CUT, OBSERVED), NOT_ENTERED)
        side, price = moments["side"][:, None].astype(np.float64), moments["entry_price"][:, None]
        with np.errstate(invalid="ignore", divide="ignore"):
            moves = [np.where(status == OBSERVED, side * (p - price) / price * 1e4 + 0.0, np.nan) for p in ends]
        returns, at_highest, at_lowest = moves
        own = moments["placebo"] == 0
        mine = moments["event"][own] - self._first
        records, columns = self._waiting, self._columns
        records["entry_time"][mine] = moments["entry_time"][own]
        records["entry_price"][mine] = np.where(entered[own], moments["entry_price"][own], np.nan)
        for name, values in {
            "status": status,
            "return_bps": returns,
            "mfe_bps": np.maximum(np.maximum(at_highest, at_lowest), 0.0),
            "mae_bps": np.minimum(np.minimum(at_highest, at_lowest), 0.0) + 0.0,
        }.items():
            records[name][mine[:, None], columns] = values[own]
        theirs = moments["event"][~own] - self._first
        day_places = moments["placebo"][~own] - 1
        records["placebo"][theirs[:, None], day_places[:, None], columns] = returns[~own]

    def _covered_end(self, day: int) -> int:
        end = self._days.limits(day).end
        last = self._row_last.get(day, 0)
        return end if last >= end - self._end_slack_ns else last

    def _completed(self, over: int) -> NDArray[Any]:
        """Return the events at the head of the queue that nothing can change any more."""
        plans = self._plans
        has_placebos = (plans["placebos"] >= self._placebo_days) | (self._waiting["day"] + PLACEBO_REACH_DAYS <= over)
        is_complete = (plans["last_day"] <= over) & has_placebos
        leaving = len(plans) if is_complete.all() else int(is_complete.argmin())
        if not leaving:
            return self._waiting[:0]
        done = self._waiting[:leaving].copy()
        done["placebo"][(done["status"] != OBSERVED)[:, None, :].repeat(done["placebo"].shape[1], axis=1)] = np.nan
        self._waiting, self._plans = self._waiting[leaving:].copy(), plans[leaving:].copy()
        self._first += leaving
        return done


_PLAN = np.dtype([("wall_time", "i8"), ("last_day", "i4"), ("placebos", "i4")])
"""What an event still gets: its time since local midnight, its newest day, and the number of its placebo days."""


def _no_ends(moments: int, horizons: int) -> Ends:
    return Ends(*(np.full((moments, horizons), np.nan) for _ in Ends._fields))

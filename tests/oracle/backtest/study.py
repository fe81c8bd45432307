"""Section 2: what prices did after each event, and at the same time of the following days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.oracle.backtest.cells import Observation, Placebo, calibrate, cells_of
from tests.oracle.backtest.inputs import Event, Judged, complete, duration, mean, milliseconds
from tests.oracle.backtest.market import Market, Print
from tests.oracle.records import nanoseconds

STATUSES = ("observed", "no_direction", "outside", "no_entry", "cut")
LONGEST_PLACEBO = timedelta(days=14)
COLUMNS = (
    "event_id",
    "ticker",
    "kind",
    "source",
    "direction",
    "horizon",
    "status",
    "decision",
    "entry_time",
    "entry_price",
    "return_bps",
    "mfe_bps",
    "mae_bps",
    "placebo_bps",
    "placebo_n",
    "excess_bps",
)


@dataclass
class Study:
    """What a study gives: rows of its two tables as dictionaries, and its calibration."""

    observations: list[dict[str, Any]] = field(default_factory=list)
    cells: list[dict[str, Any]] = field(default_factory=list)
    null_share_05: float | None = None
    null_tests: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Moment:
    """A ticker, a side, and the time of a decision, ns."""

    ticker: str
    side: int
    decision: int


@dataclass(frozen=True)
class Entry:
    """A moment's entry: its print, time (ns) and price."""

    first: Print
    time: int
    price: float


def study(judged: Judged, events: Sequence[Event], settings: Mapping[str, Any]) -> Study:
    """Judge events, given in output order.

    Parameters
    ----------
    judged
        The recording's accepted rows.
    events
        Rows of the event schema, in output order.
    settings
        Flat, of the sections ``session``, ``prices`` and ``study``; what is absent has its default.

    Raises
    ------
    ValueError
        In bar mode, a horizon is shorter than the recording's longest interval.
    """
    options = complete(settings)
    market = Market(judged, options)
    _refuse_short_horizons(market, options)
    observer = _Observer(market, options)
    rows = [row for event in events for row in observer.observe(event)]
    counts = Counter(row.values["status"] for row in rows)
    assert len(events) * len(options["study.horizons"]) == sum(counts.values())
    share, tests = calibrate(rows, options)
    return Study(
        [{name: row.values[name] for name in COLUMNS} for row in rows],
        cells_of(rows, options),
        share,
        tests,
        {"events": len(events), **{status: counts[status] for status in STATUSES}},
    )


def _refuse_short_horizons(market: Market, options: Mapping[str, Any]) -> None:
    for horizon in options["study.horizons"]:
        if market.is_bars and horizon != "close" and duration(horizon) < market.longest_interval:
            raise ValueError(f"study.horizons: {horizon} is shorter than the recording's longest bar")


class _Observer:
    """Finds the outcome of moments."""

    def __init__(self, market: Market, options: Mapping[str, Any]) -> None:
        self._market = market
        self._options = options
        name = "study.max_wait_bars_seconds" if market.is_bars else "study.max_wait_seconds"
        self._max_wait = nanoseconds(options[name])

    def observe(self, event: Event) -> list[Observation]:
        """Return an event's rows, one a horizon."""
        decision = event["emitted_at"] + milliseconds(self._options["study.latency_ms"])
        moment = Moment(event["ticker"], event["direction"], decision)
        status = None
        if moment.side == 0:
            status = "no_direction"
        elif not self._market.days.is_inside(decision):
            status = "outside"
        placebos = [] if status else self._placebos(moment)
        rows = []
        for horizon in self._options["study.horizons"]:
            values = {"status": status} if status else self._outcome(moment, horizon)
            common = {name: event[name] for name in ("event_id", "ticker", "kind", "source", "direction")}
            row = {**dict.fromkeys(COLUMNS), **common, "horizon": horizon, "decision": decision, **values}
            results = tuple(self._return_of(placebo, horizon) for placebo in placebos)
            rows.append(self._with_placebo(row, results))
        return rows

    def _with_placebo(self, row: dict[str, Any], results: tuple[Placebo, ...]) -> Observation:
        row["placebo_n"] = 0
        if row["status"] != "observed":
            return Observation(row, None, ())
        observed = [result for result in results if result is not None]
        row["placebo_bps"] = mean(observed)
        row["placebo_n"] = len(observed)
        if observed:
            row["excess_bps"] = row["return_bps"] - row["placebo_bps"] + 0.0
        return Observation(row, self._market.days.date_of(row["entry_time"]), results)

    def _placebos(self, moment: Moment) -> list[Moment | None]:
        """Return the moments of the following days, None where a day has none."""
        days = self._market.days
        day = days.date_of(moment.decision)
        offset = moment.decision - days.midnight(day)
        found: list[Moment | None] = []
        for other in self._market.following(day, self._options["study.placebo_days"]):
            decision = days.midnight(other) + offset
            fits = other - day <= LONGEST_PLACEBO and self._is_of(other, decision)
            found.append(Moment(moment.ticker, moment.side, decision) if fits else None)
        return found

    def _is_of(self, day: date, moment: int) -> bool:
        return self._market.days.is_inside(moment) and self._market.days.date_of(moment) == day

    def _return_of(self, moment: Moment | None, horizon: str) -> Placebo:
        if moment is None:
            return None
        outcome = self._outcome(moment, horizon)
        return float(outcome["return_bps"]) if outcome["status"] == "observed" else None

    def _outcome(self, moment: Moment, horizon: str) -> dict[str, Any]:
        """Return the columns of a moment that is inside, from ``status`` to ``mae_bps``."""
        market = self._market
        day = market.days.date_of(moment.decision)
        entry = self._entry(moment, day)
        if entry is None:
            return {"status": "no_entry"}
        found: dict[str, Any] = {"status": "cut", "entry_time": entry.time, "entry_price": entry.price}
        end = market.days.end(day) if horizon == "close" else entry.time + duration(horizon)
        if end > market.covered_end(day):
            return found
        seen = self._seen(moment.ticker, entry, day, end)
        price = seen[-1].close if seen else entry.price
        extremes = [_bps(moment.side, p, entry.price) for one in seen for p in (one.high, one.low)]
        return found | {
            "status": "observed",
            "return_bps": _bps(moment.side, price, entry.price),
            "mfe_bps": max(0.0, *extremes) if extremes else 0.0,
            "mae_bps": min(0.0, *extremes) if extremes else 0.0,
        }

    def _entry(self, moment: Moment, day: date) -> Entry | None:
        market, decision = self._market, moment.decision
        for one in market.of_ticker.get(moment.ticker, []):
            if market.is_bars:
                is_it = one.time >= decision - market.slack and one.known > decision
            else:
                is_it = one.time > decision
            if is_it:
                good = one.day == day and one.time <= decision + self._max_wait
                return Entry(one, max(decision, one.time), one.open) if good else None
        return None

    def _seen(self, ticker: str, entry: Entry, day: date, end: int) -> list[Print]:
        """Return the prints of [entry, end], or the bars from the entry's on that are known by the end."""
        prints = [one for one in self._market.of_ticker[ticker] if one.day == day]
        if self._market.is_bars:
            return [one for one in prints if one.order >= entry.first.order and one.known <= end]
        return [one for one in prints if entry.time <= one.time <= end]


def _bps(side: int, price: float, base: float) -> float:
    return side * (price - base) / base * 1e4 + 0.0

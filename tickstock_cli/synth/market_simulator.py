"""The market simulator: it runs a planned market minute by minute and holds its changing state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.synth.book import Bars, close_minute, first_bars, make_bars, make_book, walk_factors
from tickstock_cli.synth.fairvalues import FmvKeys, Fmvs, make_fmvs
from tickstock_cli.synth.injections import AFTER_SECONDS, BEFORE_SECONDS, InjectionKind
from tickstock_cli.synth.picking import load_picker, make_picker, weigh_minute
from tickstock_cli.synth.planning import MarketPlan
from tickstock_cli.synth.rng import draws, stream_key
from tickstock_cli.synth.running import pass_night, run_span
from tickstock_cli.synth.tables import FAST_ACTIVITY, LOTS, SLOW_ACTIVITY, waits
from tickstock_cli.synth.trading import Flow, SecondRange, Tables, Ticks, TradingKeys, TradingRules, make_ticks
from tickstock_cli.synth.universe import PARTS, SECTORS
from tickstock_cli.synth.untraded import quote_untraded

MINUTE_SECONDS = 60
_BAD_SCALE = 1 << 20


class Portion(NamedTuple):
    """Rows made at once. ``bars`` are those of the previous minute, which began at ``bars_start`` (ns)."""

    ticks: Ticks
    fmvs: Fmvs
    bars: Bars
    bars_start: int


class MarketSimulator:
    """One run of a market; it does not change the plan."""

    def __init__(self, plan: MarketPlan) -> None:
        options, count = plan.options, plan.options.symbols
        self._plan = plan
        self._timeline = plan.timeline
        self._universe = plan.universe
        self._symbols = plan.universe.symbols.copy()
        self._injected = plan.injected.copy()
        self._next_injection = 0
        self._near: list[int] = []  # indices of the injections that affect the minute
        self._book = make_book(count)
        self._tables = Tables(waits(), LOTS, plan.flags)
        self._rules = TradingRules(
            options.resolution.value,
            0 if options.pure_noise else options.bad_prints * _BAD_SCALE // 1_000_000,
            options.fractional,
            sweeps=not options.pure_noise,
        )
        self._keys = TradingKeys(*(stream_key(options.seed, f"trade {name}") for name in TradingKeys._fields))
        self._fmv_keys = FmvKeys(*(stream_key(options.seed, f"fmv {name}") for name in FmvKeys._fields))
        self._activity_key = stream_key(options.seed, "activity")
        self._factor_keys = np.array(
            [stream_key(options.seed, f"factor {i}") for i in range(SECTORS + 1)], dtype=np.uint64
        )
        self._factors = np.empty((0, SECTORS + 1), dtype=np.int64)
        self._picker, self._fmv_picker = make_picker(count), make_picker(count)
        load_picker(self._universe.fmv_weight, self._fmv_picker)
        self._minute_weight = np.empty(count, dtype=np.int64)
        self._bars = make_bars(count)
        self._bars_start = 0
        self._span = SecondRange(0, 0, 0, 0, False)

    def begin_day(self, day: int) -> None:
        """Compute the day's walks of the market and the sectors; pure noise has none."""
        session, first = self._timeline.sessions[day], int(self._timeline.first[day])
        self._factors = np.zeros((session.seconds, SECTORS + 1), dtype=np.int64)
        if not self._plan.options.pure_noise:
            volatility = self._timeline.volatility[first : first + session.seconds]
            walk_factors(self._factor_keys, first, volatility, self._factors)
        self._span = SecondRange(first, first, first, session.start, False)

    def run_minute(self, second: int, most_rows: int) -> Iterator[Portion]:
        """Yield the minute that begins at ``second``; the first portion has the bars of the previous minute."""
        portion = self.end_minute()
        self.begin_minute(second)
        for first, last in self._pieces(second, most_rows):
            ticks, fmvs = self.run_seconds(first, last)
            yield portion._replace(ticks=ticks, fmvs=fmvs)
            portion = Portion(ticks, fmvs, make_bars(0), 0)

    def run_seconds(self, first: int, last: int) -> tuple[Ticks, Fmvs]:
        """Return the rows of the seconds ``[first, last)`` of the current minute."""
        ticks = make_ticks(_rows_between(self._plan.flow, first, last))
        fmvs = make_fmvs(_rows_between(self._plan.fmv_flow, first, last))
        run_span(
            self._span._replace(first=first, last=last),
            self._plan.flow,
            self._plan.fmv_flow,
            self._symbols,
            self._book,
            self._injected,
            self._factors,
            self._picker,
            self._fmv_picker,
            self._tables,
            self._keys,
            self._fmv_keys,
            self._rules,
            ticks,
            fmvs,
        )
        return ticks, fmvs

    def _pieces(self, minute: int, most_rows: int) -> Iterator[tuple[int, int]]:
        """Yield ranges of a minute's seconds with at most ``most_rows`` ticks each, or of one second."""
        first, end = minute, minute + MINUTE_SECONDS
        for second in range(minute + 1, end):
            if _rows_between(self._plan.flow, first, second + 1) > most_rows:
                yield first, second
                first = second
        yield first, end

    def begin_minute(self, second: int) -> None:
        """Begin a minute: set its active injections and the activity of each symbol."""
        self._span = self._span._replace(regular=bool(self._timeline.regular[second]))
        self._bars_start = self._span.day_start + (second - self._span.day_first) * NS_PER_SECOND
        calm = np.full(len(self._minute_weight), self._plan.options.pure_noise, dtype=np.bool_)
        self._move_near(second)
        for place in self._near:
            injection = self._plan.injections[place]
            calm[injection.symbol] = True
            if injection.over <= second and self._book["watch"][injection.symbol] == place:
                self._settle(place)
            if injection.start < second + MINUTE_SECONDS and injection.over > second:
                self._activate(place)
        weight = self._universe.weight if self._span.regular else self._universe.thin_weight
        minute = second // MINUTE_SECONDS
        weigh_minute(weight, calm, minute, self._activity_key, SLOW_ACTIVITY, FAST_ACTIVITY, self._minute_weight)
        load_picker(self._minute_weight, self._picker)

    def _move_near(self, second: int) -> None:
        """Update the injections that affect the minute."""
        injections = self._plan.injections
        self._near = [place for place in self._near if injections[place].over + AFTER_SECONDS > second]
        horizon = second + MINUTE_SECONDS + BEFORE_SECONDS
        while self._next_injection < len(injections) and injections[self._next_injection].start < horizon:
            self._near.append(self._next_injection)
            self._next_injection += 1

    def _activate(self, place: int) -> None:
        """Begin an injection's minutes: its drift is a share of the price then, not of that at the day's beginning."""
        injection = self._plan.injections[place]
        entry = self._book[injection.symbol]
        if entry["watch"] != place:
            entry["watch"] = place
            level = PARTS + int(entry["own"]) + injection.parts
            self._injected["drift_parts"][place] = injection.drift_parts * level // PARTS

    def _settle(self, place: int) -> None:
        """Add a finished move to the symbol's own walk, so that the price keeps its level."""
        injection = self._plan.injections[place]
        if injection.kind is not InjectionKind.FMV:
            self._book["own"][injection.symbol] += injection.parts + self._injected["drift_parts"][place]
        self._book["watch"][injection.symbol] = -1

    def end_minute(self) -> Portion:
        """Return the bars of the last minute."""
        return Portion(make_ticks(0), make_fmvs(0), self.close_bars(), self._bars_start)

    def quote_untraded(self, begin: int, end: int, traded: range, typical: NDArray[np.int64], key: np.uint64) -> None:
        """Quote every symbol without a trade in the bar of ``[begin, end)``, seconds of the day; see `untraded`."""
        quote_untraded(
            begin,
            end,
            self._span.day_start,
            traded.start,
            traded.stop,
            typical,
            self._symbols,
            self._book,
            self._injected,
            self._factors,
            key,
        )

    def close_bars(self) -> Bars:
        """Return the bars since the previous call, by symbol."""
        return first_bars(self._bars, close_minute(self._book, self._bars))

    def end_day(self, day: int) -> None:
        """Begin the next day's prices at the day's last ones, with an overnight gap."""
        second = self._timeline.sessions[day].seconds - 1
        gaps = draws(self._plan.options.seed, f"gap {day}", len(self._minute_weight))
        pass_night(self._symbols, self._book, self._injected, self._factors, second, gaps)


def _rows_between(flow: Flow, first: int, last: int) -> int:
    return int(flow.cuts[last] - flow.cuts[first] + flow.extra_cuts[last] - flow.extra_cuts[first])

"""The market: plans itself from its options, then gives its rows portion by portion, in time order.

Within a second fair values are made before trades, so they know the trades of earlier seconds only. What is made
does not depend on the size of the portions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.book import Bars, close_minute, make_bars, make_book, walk_factors
from tickstock_cli.synth.dice import Dice, draws, stream_key
from tickstock_cli.synth.fairvalues import FmvKeys, Fmvs, make_fmvs
from tickstock_cli.synth.injections import (
    AFTER_SECONDS,
    BEFORE_SECONDS,
    Injection,
    InjectionKind,
    encode,
    plan,
)
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.picking import MAX_ROWS_PER_SECOND, load_picker, make_picker, weigh_minute
from tickstock_cli.synth.running import pass_night, run_span
from tickstock_cli.synth.tables import FAST_ACTIVITY, FLAGS, LOTS, SLOW_ACTIVITY, waits
from tickstock_cli.synth.timeline import Timeline, find_sessions
from tickstock_cli.synth.trading import Flow, Rules, Span, Tables, Ticks, TradingKeys, make_ticks
from tickstock_cli.synth.universe import SECTORS, make_universe

MINUTE_SECONDS = 60
PORTION_ROWS = 262_144
"""Rows made at once, unless one second holds more: enough to forget the cost of a call, little enough for memory."""

_FMV_PARTS_A_SECOND = 4
"""Fair values come at an even pace, in extended hours at a quarter of it."""

_BAD_SCALE = 1 << 20


class Portion(NamedTuple):
    """Rows made at once. ``bars`` are those of the minute that ended before; they began at ``bars_start`` (ns)."""

    ticks: Ticks
    fmvs: Fmvs
    bars: Bars
    bars_start: int


class Market:
    """A synthetic market. Its plan is made at once, its rows when ``portions`` is read.

    Attributes
    ----------
    tickers
        By symbol.
    injections
        What was injected, in order of its start.
    tick_rows, fmv_rows
        Rows that ``portions`` will give.
    """

    def __init__(self, options: MarketOptions) -> None:
        self.options = options
        self.timeline = Timeline(options.seed, find_sessions(options.first_day, options.days))
        self._universe = make_universe(options)
        self.tickers = self._universe.tickers
        self.injections = plan(options, self.timeline, self._universe)
        self._injected = encode(self.injections, self.second_ns)
        self._flow = _trade_flow(options, self.timeline, self.injections)
        self._fmv_flow = _fmv_flow(options, self.timeline, self.injections)
        self.tick_rows = int(self._flow.cuts[-1] + self._flow.extra_cuts[-1])
        self.fmv_rows = int(self._fmv_flow.cuts[-1] + self._fmv_flow.extra_cuts[-1])
        _check_density(self._flow, self._fmv_flow)

    def second_ns(self, second: int) -> int:
        """Tell when a second of the timeline begins, in ns UTC."""
        day = int(np.searchsorted(self.timeline.first, second, side="right")) - 1
        return self.timeline.sessions[day].start + (second - int(self.timeline.first[day])) * NS_PER_SECOND

    def portions(self, most_rows: int = PORTION_ROWS) -> Iterator[Portion]:
        """Make the market's rows, at most ``most_rows`` ticks at once unless one second holds more.

        May be called once: prices go on from where they were.
        """
        floor = _Floor(self)
        for day, session in enumerate(self.timeline.sessions):
            first = int(self.timeline.first[day])
            floor.begin_day(day)
            for minute in range(first, first + session.seconds, MINUTE_SECONDS):
                yield from floor.run_minute(minute, most_rows)
            yield floor.end_minute()
            floor.end_day(day)


def _extra_cuts(seconds: list[int], symbols: list[int], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sort extra rows by their second, keeping their order within it."""
    second = np.array(seconds, dtype=np.int64)
    order = np.argsort(second, kind="stable")
    cuts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(second, minlength=count), out=cuts[1:])
    return cuts, np.array(symbols, dtype=np.int64)[order]


def _trade_flow(options: MarketOptions, timeline: Timeline, injections: list[Injection]) -> Flow:
    """Strew the extra trades over their seconds, then the rest of the rows over the timeline."""
    dice = Dice(options.seed, "extra trades")
    seconds: list[int] = []
    symbols: list[int] = []
    for injection in injections:
        if injection.kind is not InjectionKind.FMV:
            start = injection.end if injection.kind is InjectionKind.HALT else injection.start
            seconds += [start + dice.between(0, injection.spread - 1) for _ in range(injection.rows)]
            symbols += [injection.symbol] * injection.rows
    if len(seconds) > options.rows:
        raise UsageError(f"--rows is {options.rows}, but the injected moves alone need {len(seconds)}; raise it")
    cuts, extras = _extra_cuts(seconds, symbols, len(timeline.busy))
    return Flow(timeline.allot(options.rows - len(seconds), timeline.busy), cuts, extras)


def _fmv_flow(options: MarketOptions, timeline: Timeline, injections: list[Injection]) -> Flow:
    """Put an injected deviation's values at even distances, from its first second on; then the rest."""
    seconds: list[int] = []
    symbols: list[int] = []
    for injection in injections:
        if injection.kind is InjectionKind.FMV:
            seconds += [injection.start + injection.spread * i // injection.rows for i in range(injection.rows)]
            symbols += [injection.symbol] * injection.rows
    rows = options.rows // 20 if options.fmv_rows is None else options.fmv_rows
    cuts, extras = _extra_cuts(seconds, symbols, len(timeline.busy))
    even = np.where(timeline.regular, _FMV_PARTS_A_SECOND, 1)
    return Flow(timeline.allot(rows, even), cuts, extras)


def _check_density(*flows: Flow) -> None:
    for flow in flows:
        most = int((np.diff(flow.cuts) + np.diff(flow.extra_cuts)).max())
        if most > MAX_ROWS_PER_SECOND:
            raise UsageError(
                f"the busiest second would hold {most} rows, but {MAX_ROWS_PER_SECOND} fit; raise --days or lower --rows"
            )


class _Floor:
    """Runs a market: keeps the book and loads what each minute needs."""

    def __init__(self, market: Market) -> None:
        options, count = market.options, len(market.tickers)
        self._market = market
        self._timeline = market.timeline
        self._universe = market._universe
        self._symbols = market._universe.symbols
        self._injected = market._injected
        self._flow, self._fmv_flow = market._flow, market._fmv_flow
        self._book = make_book(count)
        self._tables = Tables(waits(), LOTS, FLAGS)
        self._rules = Rules(
            options.resolution.value, options.bad_prints * _BAD_SCALE // 1_000_000, options.fractional
        )
        self._keys = TradingKeys(*(stream_key(options.seed, f"trade {name}") for name in TradingKeys._fields))
        self._fmv_keys = FmvKeys(*(stream_key(options.seed, f"fmv {name}") for name in FmvKeys._fields))
        self._activity_key = stream_key(options.seed, "activity")
        self._factor_keys = np.array(
            [stream_key(options.seed, f"factor {i}") for i in range(SECTORS + 1)], dtype=np.uint64
        )
        self._factors = np.empty((0, SECTORS + 1), dtype=np.int64)
        self._picker, self._fmv_picker = make_picker(count), make_picker(count)
        load_picker(np.sqrt(self._universe.weight).astype(np.int64) + 1, self._fmv_picker)
        self._minute_weight = np.empty(count, dtype=np.int64)
        self._bars = make_bars(count)
        self._bars_start = 0
        self._span = Span(0, 0, 0, 0, False)

    def begin_day(self, day: int) -> None:
        """Let the market and the sectors walk through the day."""
        session, first = self._timeline.sessions[day], int(self._timeline.first[day])
        self._factors = np.empty((session.seconds, SECTORS + 1), dtype=np.int64)
        restless = self._timeline.restless[first : first + session.seconds]
        walk_factors(self._factor_keys, first, restless, self._factors)
        self._span = Span(first, first, first, session.start, False)

    def run_minute(self, second: int, most_rows: int) -> Iterator[Portion]:
        """Make the minute that begins at ``second``; the first portion brings the bars of the one before."""
        portion = self.end_minute()
        self._load_minute(second)
        for first, last in self._pieces(second, most_rows):
            ticks = make_ticks(_rows_between(self._flow, first, last))
            fmvs = make_fmvs(_rows_between(self._fmv_flow, first, last))
            run_span(
                self._span._replace(first=first, last=last),
                self._flow,
                self._fmv_flow,
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
            yield portion._replace(ticks=ticks, fmvs=fmvs)
            portion = Portion(ticks, fmvs, make_bars(0), 0)

    def _pieces(self, minute: int, most_rows: int) -> Iterator[tuple[int, int]]:
        """Cut a minute into runs of seconds with at most ``most_rows`` ticks each, where that can be."""
        first, end = minute, minute + MINUTE_SECONDS
        for second in range(minute + 1, end):
            if _rows_between(self._flow, first, second + 1) > most_rows:
                yield first, second
                first = second
        yield first, end

    def _load_minute(self, second: int) -> None:
        """Note which injections are on, and how busy each symbol is."""
        self._span = self._span._replace(regular=bool(self._timeline.regular[second]))
        self._bars_start = self._span.day_start + (second - self._span.day_first) * NS_PER_SECOND
        calm = np.zeros(len(self._minute_weight), dtype=np.bool_)
        for place, injection in enumerate(self._market.injections):
            symbol = injection.symbol
            if injection.end <= second and self._book["watch"][symbol] == place:
                self._settle(place)
            if injection.start < second + MINUTE_SECONDS and injection.end > second:
                self._book["watch"][symbol] = place
            if injection.start - BEFORE_SECONDS < second + MINUTE_SECONDS and injection.end + AFTER_SECONDS > second:
                calm[symbol] = True
        weight = self._universe.weight if self._span.regular else self._universe.thin_weight
        weigh_minute(
            weight,
            calm,
            second // MINUTE_SECONDS,
            self._activity_key,
            SLOW_ACTIVITY,
            FAST_ACTIVITY,
            self._minute_weight,
        )
        load_picker(self._minute_weight, self._picker)

    def _settle(self, place: int) -> None:
        """Make a finished move part of the symbol's own walk, so that the price stays where it went."""
        injection = self._market.injections[place]
        if injection.kind is not InjectionKind.FMV:
            self._book["own"][injection.symbol] += injection.parts
        self._book["watch"][injection.symbol] = -1

    def end_minute(self) -> Portion:
        """Give the bars of the minute that was made last."""
        count = close_minute(self._book, self._bars)
        bars = Bars(*(column[:count].copy() for column in self._bars))
        return Portion(make_ticks(0), make_fmvs(0), bars, self._bars_start)

    def end_day(self, day: int) -> None:
        """Let each symbol begin the next day where it ended, but for a gap over night."""
        second = self._timeline.sessions[day].seconds - 1
        gaps = draws(self._market.options.seed, f"gap {day}", len(self._minute_weight))
        pass_night(self._symbols, self._book, self._injected, self._factors, second, gaps)


def _rows_between(flow: Flow, first: int, last: int) -> int:
    return int(flow.cuts[last] - flow.cuts[first] + flow.extra_cuts[last] - flow.extra_cuts[first])

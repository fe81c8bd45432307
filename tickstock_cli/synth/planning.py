"""The plan of a market: everything known before its first row is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.errors import UsageError
from tickstock_cli.synth.injections import Injection, InjectionKind, encode, place_injections
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.picking import MAX_ROWS_PER_SECOND
from tickstock_cli.synth.rng import Rng
from tickstock_cli.synth.tables import FLAGS
from tickstock_cli.synth.timeline import Timeline, even_timeline, find_sessions, trading_timeline
from tickstock_cli.synth.trading import Flow
from tickstock_cli.synth.universe import Universe, make_universe

_FMV_PACE = 4
"""Fair values come at an even pace in regular trading; outside, at a quarter of it."""


@dataclass(frozen=True, slots=True)
class MarketPlan:
    """A planned market.

    Attributes
    ----------
    injections
        Injections in order of their start; ``injected`` is the form for kernels.
    flow, fmv_flow
        Numbers of ticks and of fair values in each second.
    flags
        Condition flags of trades, 1,024 equally likely values.
    """

    options: MarketOptions
    timeline: Timeline
    universe: Universe
    injections: list[Injection]
    injected: NDArray[Any]
    flow: Flow
    fmv_flow: Flow
    flags: NDArray[np.uint8]


def make_plan(options: MarketOptions) -> MarketPlan:
    """Return the plan of a market.

    Raises
    ------
    UsageError
        The exchange is closed on the first day, or the options ask for more than the market has room for.
    """
    sessions = find_sessions(options.first_day, options.days)
    timeline = even_timeline(sessions) if options.pure_noise else trading_timeline(options.seed, sessions)
    _check_density(timeline.allot(options.rows, timeline.busy))
    universe = make_universe(options)
    injections = place_injections(options, timeline, universe)
    flow, fmv_flow = _trade_flow(options, timeline, injections), _fmv_flow(options, timeline, injections)
    _check_density(flow.cuts + flow.extra_cuts)
    _check_density(fmv_flow.cuts + fmv_flow.extra_cuts)
    flags = np.zeros_like(FLAGS) if options.pure_noise else FLAGS
    return MarketPlan(
        options, timeline, universe, injections, encode(injections, timeline.second_ns), flow, fmv_flow, flags
    )


def extra_cuts(seconds: list[int], symbols: list[int], count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return extra rows sorted by second: their cuts and symbols."""
    second = np.array(seconds, dtype=np.int64)
    order = np.argsort(second, kind="stable")
    cuts = np.zeros(count + 1, dtype=np.int64)
    np.cumsum(np.bincount(second, minlength=count), out=cuts[1:])
    return cuts, np.array(symbols, dtype=np.int64)[order]


def _trade_flow(options: MarketOptions, timeline: Timeline, injections: list[Injection]) -> Flow:
    """Return the trades of each second: extra trades drawn over their spread, the rest over the timeline."""
    rng = Rng(options.seed, "extra trades")
    seconds: list[int] = []
    symbols: list[int] = []
    for injection in injections:
        if injection.kind is not InjectionKind.FMV:
            start = injection.end if injection.kind is InjectionKind.HALT else injection.start
            seconds += [start + rng.between(0, injection.spread - 1) for _ in range(injection.rows)]
            symbols += [injection.symbol] * injection.rows
    if len(seconds) > options.rows:
        raise UsageError(f"--rows is {options.rows}, but the injected moves alone need {len(seconds)}; raise it")
    cuts, extras = extra_cuts(seconds, symbols, len(timeline.busy))
    return Flow(timeline.allot(options.rows - len(seconds), timeline.busy), cuts, extras)


def _fmv_flow(options: MarketOptions, timeline: Timeline, injections: list[Injection]) -> Flow:
    """Return the fair values of each second: those of deviations at even distances, the rest over the timeline."""
    seconds: list[int] = []
    symbols: list[int] = []
    for injection in injections:
        if injection.kind is InjectionKind.FMV:
            seconds += [injection.start + injection.spread * i // injection.rows for i in range(injection.rows)]
            symbols += [injection.symbol] * injection.rows
    rows = options.rows // 20 if options.fmv_rows is None else options.fmv_rows
    cuts, extras = extra_cuts(seconds, symbols, len(timeline.busy))
    even = np.where(timeline.regular, _FMV_PACE, 1)
    return Flow(timeline.allot(rows, even), cuts, extras)


def _check_density(cuts: NDArray[np.int64]) -> None:
    most = int(np.diff(cuts).max())
    if most > MAX_ROWS_PER_SECOND:
        raise UsageError(
            f"the busiest second would hold {most} rows, but {MAX_ROWS_PER_SECOND} is the most; "
            "raise --days or lower --rows"
        )

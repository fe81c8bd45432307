"""The plan of a workload: everything known before its first row is made. It is a market of one continuous session.

The stages alone decide the number of rows of each second: a stage has the integral of its rate, rounded, and a second
the difference of two such roundings. Extra trades of injections replace ordinary ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.loadtest.injection_placement import ExtraRows, place_injections
from tickstock_cli.loadtest.scenario import RECORDS, RecordName, Scenario
from tickstock_cli.synth.injections import encode
from tickstock_cli.synth.market_simulator import MINUTE_SECONDS
from tickstock_cli.synth.options import MAX_ROWS, MarketOptions
from tickstock_cli.synth.planning import MarketPlan, extra_cuts
from tickstock_cli.synth.tables import FLAGS
from tickstock_cli.synth.timeline import CALM, Timeline, TradingSession
from tickstock_cli.synth.trading import Flow
from tickstock_cli.synth.universe import Universe, make_universe, own_steps
from tickstock_cli.synth.untraded import MOMENTS

_DAY_SECONDS = 23_400
_USUAL_CORRELATION = 0.5
_TOP_WEIGHT = 1 << 22


@dataclass(frozen=True, slots=True)
class WorkloadPlan:
    """A planned workload.

    Attributes
    ----------
    market
        The market's plan; its seconds are those of the workload, padded to whole minutes without rows.
    due
        Rows due before each second, by type; one entry more than there are seconds.
    """

    market: MarketPlan
    due: Mapping[RecordName, NDArray[np.int64]]


def plan_workload(scenario: Scenario) -> WorkloadPlan:
    """Return the plan of a scenario's workload."""
    due = {record: _due(scenario, record) for record in RECORDS}
    ticks_a_day = int(due["tick"][-1]) * _DAY_SECONDS // scenario.seconds
    rows = min(max(ticks_a_day, 1), MAX_ROWS)
    count = max(scenario.symbols.count, 1)
    options = MarketOptions(rows=rows, symbols=count, seed=scenario.seed, bad_prints=0)
    universe = _universe(scenario, options)
    timeline = _timeline(scenario)
    placed = place_injections(scenario, universe, due)
    market = MarketPlan(
        options,
        timeline,
        universe,
        placed.injections,
        encode(placed.injections, timeline.second_ns),
        _flow(due["tick"], placed.trades, len(timeline.busy)),
        _flow(due["fmv"], placed.values, len(timeline.busy)),
        np.zeros_like(FLAGS),  # the rows have no column of flags
    )
    return WorkloadPlan(market, due)


def _due(scenario: Scenario, record: RecordName) -> NDArray[np.int64]:
    reached, due = 0, [0]
    for stage in scenario.stages:
        due += [reached + stage.due(record, second) for second in range(1, stage.seconds + 1)]
        reached = due[-1]
    return np.array(due, dtype=np.int64)


def _flow(due: NDArray[np.int64], extras: ExtraRows, seconds: int) -> Flow:
    cuts, symbols = extra_cuts(extras.seconds, extras.symbols, seconds)
    padded = np.append(due, np.full(seconds + 1 - len(due), due[-1]))
    return Flow(padded - cuts, cuts, symbols)


def _timeline(scenario: Scenario) -> Timeline:
    """Return the workload's seconds as one session, padded to whole minutes."""
    seconds = -(-scenario.seconds // MINUTE_SECONDS) * MINUTE_SECONDS
    session = TradingSession(scenario.start.date(), scenario.start_ns, 0, seconds, seconds)
    symbols = scenario.symbols
    volatility = round(CALM * symbols.volatility * symbols.correlation / _USUAL_CORRELATION)
    return Timeline(
        [session],
        np.zeros(seconds, dtype=np.int64),
        np.full(seconds, volatility, dtype=np.int64),
        np.ones(seconds, dtype=np.bool_),
    )


def _universe(scenario: Scenario, options: MarketOptions) -> Universe:
    """Return the symbols with the scenario's weights and volatility."""
    symbols = scenario.symbols
    universe = make_universe(options)
    alone = ((1 - symbols.correlation**2) / (1 - _USUAL_CORRELATION**2)) ** 0.5
    volatility = (universe.symbols["volatility"] * symbols.volatility * alone).astype(np.int64)
    traded = np.zeros(options.symbols, dtype=np.bool_)
    traded[slice_of(symbols.range_of("tick"))] = True
    weight = _weights(options.symbols, symbols.range_of("tick"), symbols.skew)
    quotes = _DAY_SECONDS // MINUTE_SECONDS * MOMENTS * options.symbols
    universe.symbols["step"] = np.where(
        traded, own_steps(volatility, weight, options.rows), own_steps(volatility, np.ones_like(weight), quotes)
    )
    fmv_weight = _weights(options.symbols, symbols.range_of("fmv"), symbols.skew / 2)
    return universe._replace(weight=weight, thin_weight=weight, fmv_weight=fmv_weight)


def slice_of(places: range) -> slice:
    """Return a range of indices as a slice."""
    return slice(places.start, places.stop)


def _weights(count: int, places: range, skew: float) -> NDArray[np.int64]:
    """Return Zipf weights over ``places`` and zeros outside; ones without places, which are never used."""
    if not places:
        return np.ones(count, dtype=np.int64)
    weight = np.zeros(count, dtype=np.int64)
    ranks = np.arange(1, len(places) + 1, dtype=np.float64)
    weight[slice_of(places)] = np.maximum(_TOP_WEIGHT / ranks**skew, 1).astype(np.int64)
    return weight

"""Loads: rows are a function of scenario and seed, rates are exact, slots are sorted, bars are those of the ticks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.loadtest.workloads import BUSY, BuiltWorkload, make, make_busy, run_core, scenario
from tickstock_cli.core.times import NS_PER_SECOND
from tickstock_cli.loadtest.scenario import RECORDS
from tickstock_cli.loadtest.workload import Workload

RATES = st.one_of(
    st.floats(0, 50),
    st.builds(
        lambda begin, end, shape: {"from": begin, "to": end, "shape": shape},
        st.floats(0.01, 80),
        st.floats(0.01, 80),
        st.sampled_from(["linear", "exponential"]),
    ),
)
STAGES = st.lists(
    st.tuples(st.integers(1, 20), RATES, RATES, st.floats(0, 10), st.floats(0.01, 1)), min_size=1, max_size=4
)


@pytest.fixture(scope="module")
def busy() -> BuiltWorkload:
    """Return the busy little workload."""
    return make_busy()


def stages_of(drawn: list[tuple[int, Any, Any, float, float]]) -> list[dict[str, Any]]:
    """Return drawn stages as a document has them."""
    return [
        {"name": f"s{place}", "seconds": seconds, "tick": tick, "fmv": fmv, "ohlcv": ohlcv, "bar_spread": spread}
        for place, (seconds, tick, fmv, ohlcv, spread) in enumerate(drawn)
    ]


@given(STAGES, st.integers(0, 2**64 - 1))
@settings(max_examples=settings().max_examples // 4)
def test_every_stage_has_the_rows_that_its_rates_say_and_every_slot_is_sorted(drawn: Any, seed: int) -> None:
    """To a row; all rows of a slot are due at its end, were made in it, and stand in time order."""
    made = make(scenario(stages=stages_of(drawn), seed=seed, slot_ms=50))

    for record in RECORDS:
        table = made.tables[record]
        asked = [stage.rows(record) for stage in made.workload.scenario.stages]
        counted = dict(table.group_by("stage").len().rows()) if len(table) else {}
        assert [counted.get(place, 0) for place in range(len(asked))] == asked
        if len(table) and record != "ohlcv":
            assert table["timestamp"].is_sorted()
            assert ((table["timestamp"] < table["due"]) & (table["timestamp"] >= table["due"] - 50_000_000)).all()
        if len(table):
            assert (table["received_at"] == table["due"]).all()
    assert [slot.number for slot in made.slots] == list(range(made.workload.slot_count))


@given(st.integers(1, 5_000))
@settings(max_examples=settings().max_examples // 10)
def test_rows_do_not_depend_on_block_boundaries(most_rows: int) -> None:
    """Blocks of any size give the same slots."""
    wanted, cut = make_busy(slot_ms=100), make(scenario(slot_ms=100), most_rows)

    assert [slot.parts for slot in cut.slots] == [slot.parts for slot in wanted.slots]


def test_the_length_of_slots_changes_when_rows_arrive_and_nothing_else(busy: BuiltWorkload) -> None:
    """A coarser grid makes the same market."""
    coarse = make(scenario(slot_ms=500))

    for record in RECORDS:
        kept = pl.exclude("slot", "due", "received_at", "stage")
        assert coarse.tables[record].select(kept).equals(busy.tables[record].select(kept))


def test_another_seed_makes_other_rows(busy: BuiltWorkload) -> None:
    """And as many of them."""
    other = make(scenario(seed=8))

    assert other.planted.sent() == busy.planted.sent()
    assert not other.tables["tick"].equals(busy.tables["tick"])


def test_bars_are_those_of_the_ticks_they_cover(busy: BuiltWorkload) -> None:
    """Open, high, low, close and volume, of every bar with a tick; a ticker that could have had one is flat without."""
    ticks, bars = busy.tables["tick"], busy.tables["ohlcv"]
    traded = set(busy.workload.tickers[:20])
    with_ticks = 0
    for bar in bars.filter(pl.col("ticker").is_in(traded)).iter_rows(named=True):
        end = bar["timestamp"] + bar["interval"] * NS_PER_SECOND
        of = ticks.filter(
            pl.col("ticker") == bar["ticker"], pl.col("timestamp").is_between(bar["timestamp"], end, "left")
        )
        values = (bar["open"], bar["high"], bar["low"], bar["close"], bar["volume"])
        if len(of):
            price = of["price"]
            assert values == (price[0], price.max(), price.min(), price[-1], of["size"].sum())
            with_ticks += 1
        else:
            assert bar["high"] == bar["low"]
            assert bar["volume"] == 0

    assert with_ticks > 50


def test_every_ticker_has_a_bar_a_round_and_bars_follow_one_another(busy: BuiltWorkload) -> None:
    """The next bar begins where the last one ended, and none is sent before its end."""
    bars = busy.tables["ohlcv"]
    ends = bars["timestamp"] + bars["interval"] * NS_PER_SECOND

    assert (ends < bars["received_at"]).all()
    assert bars["ticker"][:60].n_unique() == 60
    assert bars["ticker"][60:120].to_list() == bars["ticker"][:60].to_list()
    for _, of in bars.with_columns(end=ends).group_by("ticker"):
        assert of["timestamp"][1:].to_list() == of["end"][:-1].to_list()


def test_types_without_overlap_share_no_ticker() -> None:
    """What isolation is tested with."""
    made = make(scenario(symbols={**BUSY["symbols"], "overlap": False}))
    tickers = [set(made.tables[record]["ticker"]) for record in RECORDS]

    assert len(set.union(*tickers)) == sum(map(len, tickers))


def test_a_scenario_scaled_by_two_has_twice_the_rows() -> None:
    """What the search for the highest rate turns; a ticker's bars stop at one a second."""
    workload = Workload(scenario())
    twice, most = (Workload(scenario().scaled(factor)) for factor in (2, 100))

    assert twice.rows == pytest.approx({record: 2 * rows for record, rows in workload.rows.items()}, abs=3)
    assert most.rows["ohlcv"] == 60 * workload.seconds


def test_the_rate_half_way_up_a_linear_ramp_is_the_mean() -> None:
    """A ramp that were not linear would put its rows elsewhere than the report says."""
    ramp = scenario().stages[1]

    assert [ramp.tick.at(passed, ramp.seconds) for passed in (0, 37.5, 75)] == [40, 100, 160]


def test_a_halted_ticker_has_no_rows_and_reopens_at_another_price() -> None:
    """At least two percent away, with a burst of trades."""
    made = make(scenario(moves={"halts": 6, "halt_seconds": 30}))
    halts = made.workload._plan.market.injections
    ticks = made.tables["tick"]

    assert halts
    for halt in halts:
        ticker = made.workload.tickers[halt.symbol]
        begin, end = (made.workload.start + second * NS_PER_SECOND for second in (halt.start, halt.end))
        of = ticks.filter(pl.col("ticker") == ticker)
        before, after = of.filter(pl.col("timestamp") < begin), of.filter(pl.col("timestamp") >= end)
        assert len(before) + len(after) == len(of)
        assert len(after) >= 20
        if len(before):
            assert abs(after["price"][0] / before["price"][-1] - 1) > 0.01


def test_the_core_rejects_no_row_and_finds_the_injections(busy: BuiltWorkload, tmp_path: Path) -> None:
    """From ticks, bars and fair values alike; for a trend three minutes are too short."""
    replayed = run_core(busy, tmp_path)

    assert replayed.rejected() == {}
    assert replayed.kinds() == {"high", "low", "surge", "fmv"}
    assert replayed.kinds("ohlcv") >= {"surge"}
    assert (
        {record: replayed.ledger[f"{record}.read"] for record in RECORDS} == busy.planted.sent() == busy.workload.rows
    )

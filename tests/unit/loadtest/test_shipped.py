"""The shipped scenarios: what their titles say, and events of every kind they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.loadtest.workloads import make, run_core
from tickstock_cli.loadtest.catalogue import catalogue, load_scenario
from tickstock_cli.loadtest.scenario import RECORDS, Scenario

ISSUE = {
    "market_open_surge",
    "steady_state",
    "full_market_open",
    "fmv_revaluation",
    "halts_and_reopenings",
    "slow_consumers",
    "feed_faults",
    "endurance",
    "stress",
}

SHORTER = {
    "market_open_surge": ["stages.open.tick=400"],
    "steady_state": ["stages.warm_up.seconds=60", "stages.steady.seconds=300"],
    "full_market_open": [
        "stages.warm_up.tick=2000",
        "stages.burst.tick.from=4000",
        "stages.burst.tick.to=2000",
        "stages.open.seconds=30",
        "stages.open.tick=1000",
        "symbols.tick=120",
    ],
    "fmv_revaluation": ["symbols.tick=100"],
    "halts_and_reopenings": ["stages.falling.tick.to=1000", "stages.warm_up.tick=500"],
    "endurance": ["stages.open.seconds=240", "stages.noon.seconds=240", "stages.close.seconds=60"],
    "stress": ["stages.ramp.tick.to=3000", "symbols.tick=200"],
}
"""What makes a replay of each quick, without taking away what it is about."""

WITHOUT = {"full_market_open": {"trend"}, "stress": {"trend"}}
"""They are over before a trend can be told from noise."""


def test_all_scenarios_of_the_plan_are_there() -> None:
    """Nine of them."""
    assert set(catalogue()) == ISSUE


@pytest.mark.parametrize("name", sorted(ISSUE))
def test_a_shipped_scenario_gives_its_events_and_the_planned_rejections(name: str, tmp_path: Path) -> None:
    """Replayed through the real core, made shorter: every kind of event, and no row rejected that was not planned."""
    made = make(load_scenario(name, [*SHORTER.get(name, []), "slot_ms=250"]))
    replayed = run_core(made, tmp_path)

    assert replayed.rejected() == made.planted.rejected()
    assert bool(made.planted.rejected()) == (name == "feed_faults")
    assert replayed.kinds() == {"high", "low", "surge", "trend", "fmv"} - WITHOUT.get(name, set())
    if name == "halts_and_reopenings":
        assert replayed.ledger["tick.suspect"] > 0


def rows_a_minute(scenario: Scenario, stage: str) -> float:
    """Return the rows a minute of a stage, of all types."""
    (one,) = (one for one in scenario.stages if one.name == stage)
    return sum(one.rows(record) for record in RECORDS) / one.seconds * 60


def test_the_papers_scenarios_have_the_papers_figures() -> None:
    """Tickers, rows a minute, minutes."""
    surge, steady = load_scenario("market_open_surge"), load_scenario("steady_state")

    assert (surge.symbols.ohlcv, surge.symbols.tick) == (8_000, 100)
    assert (steady.symbols.ohlcv, steady.symbols.tick) == (8_000, 500)
    assert rows_a_minute(surge, "open") == 50_000
    assert rows_a_minute(steady, "steady") == 10_000
    assert surge.stages[1].seconds == 5 * 60
    assert steady.seconds == 30 * 60
    assert [round(stage.ohlcv.begin * 60, 6) for stage in (*surge.stages, *steady.stages)] == [8_000] * 5


def test_the_other_scenarios_have_the_figures_they_promise() -> None:
    """Full market, stalled clients, every fault, hours."""
    full, slow, faults = (load_scenario(name) for name in ("full_market_open", "slow_consumers", "feed_faults"))

    assert full.symbols.tick == 12_000
    assert (full.stages[1].tick.end, full.stages[2].tick.begin) == (100_000, 100_000)
    assert (slow.clients.count, slow.clients.stalled_count) == (500, 25)
    assert {fault.kind for fault in faults.faults} == {"drop", "duplicate", "reorder", "skew", "stall", "disconnect"}
    assert load_scenario("endurance").seconds == 6 * 3_600


@pytest.mark.parametrize("name", sorted(ISSUE))
def test_a_document_with_all_defaults_is_the_same_scenario(name: str) -> None:
    """It travels to other processes, and into results, as JSON."""
    scenario = load_scenario(name)

    assert Scenario.model_validate(scenario.document()) == scenario

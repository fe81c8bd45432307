"""The search for the highest rate: what a trial holds, and what speaks against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.loadtest.observed import observed
from tickstock_cli.loadtest.capacity_search import (
    MOST_TRIALS,
    CapacitySearch,
    judge_trial,
    rows_per_second,
    trial_scenario,
)
from tickstock_cli.loadtest.observation import Observation, SearchTrial
from tickstock_cli.loadtest.orchestrator import LoadTestOptions
from tickstock_cli.loadtest.scenario import Scenario

SURGE = Scenario.model_validate(
    {
        "title": "a ramp between two calms",
        "symbols": {"tick": 50, "ohlcv": 100},
        "stages": [
            {"name": "loud", "seconds": 9, "tick": 9_000, "warm_up": True},
            {"name": "ramp", "seconds": 60, "tick": {"from": 100, "to": 800}, "ohlcv": 20},
            {"name": "calm", "seconds": 60, "tick": 100, "ohlcv": 20},
        ],
        "faults": [{"kind": "stall", "ms": 500, "every_seconds": 10}],
    }
)


def held(backlogs: tuple[int, ...], **changes: Any) -> Observation:
    """Return a trial whose backlog, second after second, was this."""
    seen = observed(**changes)
    seconds = tuple(
        replace(second, stage="hold", backlog=backlog)
        for second, backlog in zip(seen.seconds[5 : 5 + len(backlogs)], backlogs, strict=True)
    )
    return replace(seen, seconds=seconds)


def test_a_trial_holds_the_greatest_rate_of_the_busiest_stage_that_is_judged() -> None:
    """Warm-up is no measure, a ramp counts with its top, and faults would decide instead of the rate."""
    trial = trial_scenario(SURGE, 2.0, 1.0)

    assert [(stage.name, stage.tick.begin, stage.tick.end, stage.ohlcv.end) for stage in trial.stages] == [
        ("settle", 1600, 1600, 40),
        ("hold", 1600, 1600, 40),
    ]
    assert trial.stages[0].warm_up
    assert trial.faults == ()
    assert rows_per_second(trial, 1.0) == 1640


def test_a_trial_takes_as_long_at_any_speed() -> None:
    """Ten times the speed: ten times the market seconds, and ten times the rows a wall second."""
    trial = trial_scenario(SURGE, 1.0, 10.0)

    assert [stage.seconds for stage in trial.stages] == [30, 80]
    assert rows_per_second(trial, 10.0) == 8200


def test_a_constant_backlog_is_sustained_and_a_growing_one_is_not() -> None:
    """A slot is always under way; what counts is whether there are ever more."""
    steady = judge_trial(held((900, 950, 870, 910, 890, 930)), 1.0, 3_000)
    growing = judge_trial(held((0, 400, 800, 1200, 1600, 2000)), 2.0, 3_000)

    assert steady.sustained
    assert not growing.sustained
    assert growing.why == "the backlog grew from 200 to 1,800 rows"


def test_a_missed_threshold_is_named() -> None:
    """A rate at which rows take 200 ms longer is kept by no means."""
    trial = judge_trial(held((0, 0, 0), waits=dict.fromkeys(range(31), 200.0)), 1.0, 3_000)

    assert not trial.sustained
    assert "Tick latency p99 was" in trial.why


@pytest.mark.parametrize("change", [{"aborted": "it was stopped"}, {"slow_side": "generator"}])
def test_a_trial_with_a_late_generator_is_not_sustained(change: dict[str, str]) -> None:
    """A late generator does not show that the system sustains the rate."""
    assert not judge_trial(held((0, 0), slow_why="late", **change), 1.0, 3_000).sustained


class Scripted(CapacitySearch):
    """A search whose trials are kept once each up to three times the scenario's rates, if at all, and never again."""

    def _try(self, factor: float, check: bool) -> tuple[SearchTrial, Observation]:
        again = any(trial.factor == factor for trial in self.trials)
        why = "" if factor <= 3 and not again and not check else "Tick latency p99 was 90 ms"
        self.trials.append(SearchTrial(factor, 0, 0, None, None, not why, why))
        self._latest = observed(slow_side=None)
        return self.trials[-1], self._latest


def test_the_search_ends_without_a_confirmed_rate() -> None:
    """On a machine that others use more and more, the search must not go down step by step for an hour."""
    search = Scripted(LoadTestOptions(SURGE, "surge"))

    found = search.run().capacity

    assert found is not None
    assert (found.factor, found.bounded) == (None, True)
    assert len(found.probes) == MOST_TRIALS

"""Verdicts on a load test: each target met, missed, or honestly not measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.loadtest.observed import SCENARIO, STAGES, observed
from tickstock_cli.loadtest.observation import ClientFigures, ExpectedResults, Observation, RouterFigures
from tickstock_cli.loadtest.result import judged
from tickstock_cli.loadtest.scenario import Scenario
from tickstock_cli.loadtest.thresholds import LoadThresholds
from tickstock_cli.loadtest.verdicts import TARGETS
from tickstock_cli.measurement.verdict import TargetVerdict

TWICE = {"ohlcv_symbols_per_minute": 16_000}


def verdict(seen: Observation, name: str) -> TargetVerdict:
    """Return the verdict on one figure."""
    return next(verdict for verdict in judged(seen).verdicts if verdict.name == name)


def with_scenario(**parts: Any) -> Mapping[str, Any]:
    """Return the scenario of these tests with other parts."""
    return Scenario.model_validate({**SCENARIO, **parts}).model_dump(mode="json")


def test_every_threshold_of_a_scenario_is_a_figure_and_every_figure_has_a_threshold() -> None:
    """A limit that nothing is held against would be met by everything."""
    assert list(TARGETS) == list(LoadThresholds.model_fields)


def test_a_run_that_keeps_up_meets_every_target() -> None:
    """The papers' table, line by line."""
    result = judged(observed())

    assert [verdict.word for verdict in result.verdicts] == ["ok"] * (len(TARGETS) + 2)
    assert result.headline == "All 14 targets were met."


def test_a_stall_of_one_second_in_the_surge_is_seen() -> None:
    """Percentiles over all rows, counted from when they were due: 190 ms for a 25th of them is no good p99."""
    seen = observed({9: 190})

    assert verdict(seen, "tick_p99_ms").ok is False
    assert verdict(seen, "end_to_end_p99_ms").ok is False
    assert verdict(seen, "tick_mean_ms").ok is False
    assert judged(seen).passed is False


def test_a_stall_while_warming_up_is_not_judged() -> None:
    """It is shown, and counts for nothing."""
    assert judged(observed({2: 900})).passed


@pytest.mark.parametrize(
    ("change", "name", "reason"),
    [
        ({"router": None}, "router_mean_ms", "the router made no decision"),
        ({"router": RouterFigures(0, 0.0)}, "router_mean_ms", "the router made no decision"),
        ({"whole": {}}, "tick_p99_ms", "no latency of tick was measured"),
        ({"ledger": {}}, "lost_rows", "the system reported no ledger"),
        ({"ledger": {}}, "success_percent", "the system reported no ledger"),
        ({"ledger": {}}, "wrong_channel_rows", "the system reported no ledger"),
        ({"digest": None}, "dedup_percent", "there are no expected events to compare with"),
        ({"by_stage": {}}, "surge_p95_ms", "no tick was measured in the surge"),
        ({"seconds": ()}, "memory_mib", "no second was recorded"),
    ],
)
def test_an_unmeasured_target_has_a_reason_and_fails(change: dict[str, Any], name: str, reason: str) -> None:
    """A missing figure is never taken for a good one."""
    result = judged(observed(**change))
    found = next(verdict for verdict in result.verdicts if verdict.name == name)

    assert (found.ok, found.measured, found.note) == (None, None, reason)
    assert found in result.failures
    assert result.passed is False


def test_the_reason_of_a_missing_figure_names_what_ended_the_run() -> None:
    """A system that crashed told nothing more; the run did not come to its end either."""
    seen = observed(aborted="the system crashed: MemoryError", ledger={}, seconds=observed().seconds[:10])

    assert verdict(seen, "lost_rows").note == "the system reported no ledger (the system crashed: MemoryError)"
    completed = verdict(seen, "completed_percent")
    assert (completed.ok, completed.note) == (False, "the system crashed: MemoryError")
    assert completed.measured == pytest.approx(33.3, abs=0.1)


def test_one_lost_row_fails_the_run() -> None:
    """Sent, and not read by its channel; an event that a client missed is a loss as well."""
    seen = observed()
    ledger = {**seen.ledger, "tick.read": seen.ledger["tick.read"] - 1}
    missed = ClientFigures(count=4, stalled=1, delivered=8_099, repeats=0, gaps=2)

    assert verdict(replace(seen, ledger=ledger, clients=missed), "lost_rows").measured == 3
    assert verdict(replace(seen, ledger=ledger), "lost_rows").ok is False


def test_rows_on_their_way_when_a_run_was_ended_are_not_lost() -> None:
    """Nor is it shown that none was: a run that is to tell must come to its end."""
    seen = observed(aborted="tick_p99_ms was above 50 for 5 s")
    ledger = {**seen.ledger, "tick.read": seen.ledger["tick.read"] - 615}

    found = verdict(replace(seen, ledger=ledger), "lost_rows")

    assert (found.ok, found.asked, found.measured) == (None, True, None)
    assert found.note.startswith("615 rows were on their way when the run ended (tick_p99_ms was above 50")
    assert verdict(seen, "lost_rows").ok


def test_a_row_in_the_wrong_channel_fails_the_run() -> None:
    """One row more in a channel than was sent for it, and an event of a kind that the channel does not tell."""
    seen = observed()
    ledger = {**seen.ledger, "tick.read": seen.ledger["tick.read"] - 1, "fmv.read": seen.ledger["fmv.read"] + 1}

    found = verdict(replace(seen, ledger=ledger, foreign_events=2), "wrong_channel_rows")

    assert (found.measured, found.ok, found.note) == (3, False, "1 row and 2 events")


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({"digest": "cd" * 32}, "1 event that differs from the expected ones"),
        ({"events": 2_697}, "3 events that differ from the expected ones"),
        ({"clients": ClientFigures(4, 1, 8_101, repeats=1, gaps=0)}, "1 event that a client received twice"),
    ],
)
def test_events_must_equal_the_reference_run(change: dict[str, Any], note: str) -> None:
    """Even one of thousands is not rounded to 100 %."""
    found = verdict(observed(**change), "dedup_percent")

    assert (found.ok, found.note) == (False, note)
    assert found.measured is not None
    assert found.measured < 100


def test_planted_duplicates_must_be_rejected() -> None:
    """Twelve bars were sent twice; eleven re-sends were told."""
    seen = observed()
    ledger = {**seen.ledger, "ohlcv.rejected.duplicate": 11}

    found = verdict(replace(seen, ledger=ledger), "dedup_percent")

    assert (found.ok, found.note) == (False, "1 row rejected too many or too few")


def test_a_missing_reference_run_is_reported() -> None:
    """A run that was cut short has no flat-out counterpart."""
    seen = observed()
    truth = ExpectedResults(seen.truth.rows, seen.truth.duplicates, {}, reason="the run was interrupted")

    assert verdict(replace(seen, truth=truth), "dedup_percent").note == "the run was interrupted"


def test_a_generator_that_is_late_makes_the_run_fail() -> None:
    """Figures of a load that was not made as asked say little, good or bad."""
    found = verdict(observed(slow_side="generator", slow_why="it was up to 3 s late"), "offered_percent")

    assert (found.ok, found.note) == (False, "it was up to 3 s late")


def test_rows_that_were_never_sent_make_the_run_fail() -> None:
    """Success counts them too: of what was due, not of what arrived."""
    seen = observed()
    half = {kind: count // 2 for kind, count in seen.sent.items()}
    ledger = {**seen.ledger, **{f"{kind}.read": count for kind, count in half.items()}}
    seen = replace(seen, sent=half, ledger=ledger)

    assert verdict(seen, "offered_percent").ok is False
    assert verdict(seen, "success_percent").measured == pytest.approx(50, abs=0.1)
    assert verdict(seen, "success_percent").ok is False
    assert verdict(seen, "lost_rows").ok is True


def test_bars_are_counted_a_market_minute_whatever_the_speed() -> None:
    """At 10x, 33,500 bars in 25 s are those of 4.17 minutes: 8,000 symbols, and no more than there are."""
    found = verdict(observed(), "ohlcv_symbols_per_minute")

    assert (found.measured, found.ok) == (8_000, True)


def test_the_target_of_symbols_is_limited_by_the_workload() -> None:
    """The target says so."""
    symbols = {"tick": 100, "ohlcv": 500, "fmv": 200}
    seen = observed(scenario=with_scenario(symbols=symbols))

    found = verdict(seen, "ohlcv_symbols_per_minute")

    assert (found.target, found.measured, found.ok) == ("≥ 500", 500, True)
    assert found.note.endswith("the scenario has only 500 a minute")


def test_unprocessed_bars_do_not_count_as_symbols() -> None:
    """33,500 of 67,000 done with is half the symbols."""
    seen = observed()
    rows = {**seen.truth.rows, "ohlcv": seen.truth.rows["ohlcv"] + 33_500}
    scenario = with_scenario(symbols={"tick": 100, "ohlcv": 16_000, "fmv": 200}, thresholds=TWICE)

    found = verdict(replace(seen, scenario=scenario, truth=replace(seen.truth, rows=rows)), "ohlcv_symbols_per_minute")

    assert (found.measured, found.target, found.ok) == (8_040, "≥ 16,000", False)


def test_bars_that_took_longer_than_their_minutes_are_fewer_a_minute() -> None:
    """25 seconds of bars that took 50 seconds."""
    seen = observed()
    late = tuple(replace(seen.seconds[-1], at=at, processed={"ohlcv": 100}) for at in range(31, 56))

    found = verdict(replace(seen, seconds=(*seen.seconds, *late)), "ohlcv_symbols_per_minute")

    assert (found.measured, found.ok) == (4_020, False)


def test_a_scenario_without_a_surge_is_not_asked_to_recover_from_one() -> None:
    """That is no failure."""
    result = judged(observed(stages=tuple(replace(span, surge=False) for span in STAGES)))

    assert [verdict.word for verdict in result.verdicts[-2:]] == ["not asked", "not asked"]
    assert result.passed
    assert result.headline == "All 12 targets were met."


def test_a_scenario_without_clients_has_no_end_to_end_latency() -> None:
    """What is known, to the event log, is told in its place."""
    found = verdict(observed(clients=None), "end_to_end_p99_ms")

    assert found.word == "not asked"
    assert found.note.startswith("the scenario has no clients that read; to the event log p99 was ")


def test_clients_without_events_are_a_failure() -> None:
    """Nothing measured is not a latency of nothing."""
    seen = observed()
    whole = {name: encoded for name, encoded in seen.whole.items() if name != "client"}

    assert verdict(replace(seen, whole=whole), "end_to_end_p99_ms").word == "not measured"


def test_recovery_is_the_time_until_a_second_is_calm() -> None:
    """The surge ends at 20 s; rows still waited in the seconds that begin at 20, 21 and 22."""
    found = verdict(observed({20: 400, 21: 300, 22: 120}), "recovery_seconds")

    assert (found.measured, found.ok) == (3, True)


def test_a_constant_backlog_is_no_recovery() -> None:
    """Rows that were processed may be quick while others wait."""
    seen = observed()
    behind = tuple(replace(second, backlog=50_000 if second.at >= 15 else 0) for second in seen.seconds)

    found = verdict(replace(seen, seconds=behind), "recovery_seconds")

    assert (found.measured, found.ok) == (11, False)
    assert found.note == "not recovered when the run ended, 11 s after the surge"


def test_a_limit_that_is_off_is_shown_and_not_judged() -> None:
    """A scenario that is meant to break the system sets none."""
    scenario = with_scenario(thresholds={"tick_p99_ms": "off", "memory_mib": 512})
    seen = observed({9: 190}, scenario=scenario)

    assert verdict(seen, "tick_p99_ms").word == "not judged"
    assert verdict(seen, "tick_p99_ms").measured == pytest.approx(190, rel=0.1)
    assert verdict(seen, "memory_mib").ok is False

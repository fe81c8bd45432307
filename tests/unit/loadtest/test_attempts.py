"""Another attempt: for what a neighbour may have spoiled, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.loadtest.observed import observed
from tickstock_cli.loadtest.attempts import TIMES, attempt
from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import judged

SLOW = observed(waits=dict.fromkeys(range(31), 400.0))
GOOD = observed()


def runs(*seen: Observation) -> tuple[Observation, list[str], int]:
    """Attempt load tests that go as given; gives what counts, what was told, and how many were run."""
    left = list(seen)
    told: list[str] = []
    result = attempt(lambda: left.pop(0), len(seen), told.append)
    return result, told, len(seen) - len(left)


def test_a_run_that_is_only_slow_gets_another_attempt_and_the_report_says_so() -> None:
    """What the first one missed stands in the result of the second."""
    result, told, count = runs(SLOW, GOOD, GOOD)

    assert count == 2
    assert judged(result).passed
    assert result.notes[0].startswith("Attempt 1 of 3 missed Tick latency p99, ")
    assert result.notes[0].count("(< ") > 1
    assert told == [f"{result.notes[0]} Trying again."]


def test_the_last_attempt_counts() -> None:
    """Slow twice is slow."""
    result, told, count = runs(SLOW, SLOW)

    assert count == 2
    assert not judged(result).passed
    assert len(told) == 1


def test_a_lost_row_or_an_early_end_is_no_neighbours_fault() -> None:
    """However slow it was besides: nobody is asked to wait for the same again."""
    lost = replace(SLOW, ledger={**SLOW.ledger, "tick.read": SLOW.ledger["tick.read"] - 1})
    ended = replace(SLOW, aborted="the system of the load test is gone")

    assert [runs(seen, GOOD)[2] for seen in (lost, ended, GOOD)] == [1, 1, 1]


def test_every_time_is_a_figure_that_is_judged() -> None:
    """A name that is no figure's would excuse nothing, and nobody would notice."""
    assert {verdict.name for verdict in judged(GOOD).verdicts} >= TIMES

"""Another attempt: for what a neighbour may have spoiled, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.loadtest.observed import observed
from tickstock_cli.errors import InterruptedRunError
from tickstock_cli.loadtest.attempts import attempt
from tickstock_cli.loadtest.observation import Observation
from tickstock_cli.loadtest.result import judged

SLOW = observed(waits=dict.fromkeys(range(31), 400.0))
GOOD = observed()


def runs(*seen: Observation) -> tuple[Observation, list[str], int]:
    """Attempt load tests that go as given, and return what counts, what was told, and how many were run."""
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


def test_a_lost_row_or_an_early_end_is_not_repeated() -> None:
    """However slow it was besides: nobody is asked to wait for the same again."""
    lost = replace(SLOW, ledger={**SLOW.ledger, "tick.read": SLOW.ledger["tick.read"] - 1})
    ended = replace(SLOW, aborted="the system of the load test ended unexpectedly")

    assert [runs(seen, GOOD)[2] for seen in (lost, ended, GOOD)] == [1, 1, 1]


def test_a_run_whose_generator_made_too_few_rows_is_not_repeated() -> None:
    """A late generator has made all its rows; missing rows are a fault that no other process caused."""
    late = observed(slow_side="generator", slow_why="p99 80 ms")
    short = observed(sent={**GOOD.sent, "tick": GOOD.sent["tick"] - 1})

    assert [runs(seen, GOOD)[2] for seen in (late, short)] == [2, 1]


def test_an_interrupted_attempt_keeps_the_result_of_the_one_before() -> None:
    """The interrupted attempt measured nothing, so the figures of the one before count."""
    left: list[Observation] = [SLOW]

    def run() -> Observation:
        if not left:
            raise InterruptedRunError("nothing was measured")
        return left.pop()

    seen = attempt(run, 2, lambda _: None)

    assert seen.notes == (*SLOW.notes, "Attempt 2 was interrupted before it began.")
    with pytest.raises(InterruptedRunError):
        attempt(run, 2, lambda _: None)

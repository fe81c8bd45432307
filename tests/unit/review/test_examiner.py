"""What is explained is what is computed: row by row, on hostile recordings, for every detector."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from tests.differential.against import on_disk
from tests.oracle.random_cases import random_case
from tests.oracle.records import Record as RecordType
from tickstock_cli.build import coordination_rules, detector_classes
from tickstock_cli.channels.judged import JudgedRows
from tickstock_cli.core.rule_verdict import Ending
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.taps import Tap, TapStep
from tickstock_cli.errors import TickstockError
from tickstock_cli.kernels.reasons import REASONS
from tickstock_cli.review.examiner import Examination, Examiner
from tickstock_cli.review.explain_tap import ExplainTap
from tickstock_cli.review.outcome import read_event_outcomes
from tickstock_cli.runtime.opening import PipelineName
from tickstock_cli.testing import SECOND, Record, Tick, new_york, run_records, settings_of

MIXTURES: tuple[tuple[RecordType, ...], ...] = (("tick", "ohlcv", "fmv"), ("tick",), ("ohlcv",), ("tick", "fmv"))
ROWS = 300
START = new_york("2024-06-12", "10:00:00")
CLIMB: list[Record] = [Tick("ABC", START + second * SECOND, 100.0 + second) for second in range(5)]


@cache
def examined(
    seed: int, batch_rows: int = 100, every: int = 1, pipeline: PipelineName = PipelineName.DIRECT
) -> list[Examination]:
    """Examine rows of a random recording, and hold what the tap made of all rows against the run."""
    with on_disk(*random_case(seed, ROWS, MIXTURES[seed % len(MIXTURES)])) as recording:
        tap = ExplainTap(recording.settings, range(0, 2 * ROWS, every), frozenset())
        result = recording.replay(taps={"explain": tap}, batch_rows=batch_rows, pipeline=pipeline)
        tap.check(result.ledger.as_dict())
        return tap.examinations


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_are_what_the_run_does(seed: int) -> None:
    """An event is explained where there is one and nowhere else; rejects, filters, suppressions agree as well."""
    assert examined(seed)


@pytest.mark.parametrize(
    ("seed", "batch_rows", "pipeline"),
    [(0, 1, PipelineName.LINEAR), (2, 1, PipelineName.LINEAR), (0, 7, PipelineName.MULTI), (3, 7, PipelineName.MULTI)],
)
def test_a_row_is_explained_alike_however_rows_get_to_the_core(
    seed: int, batch_rows: int, pipeline: PipelineName
) -> None:
    """The rows between those examined are processed in pieces of any length."""
    whole, pieces = examined(seed)[::7], examined(seed, batch_rows, 7, pipeline)

    assert [str(row.verdicts) for row in pieces] == [str(row.verdicts) for row in whole]
    assert [row.admission for row in pieces] == [row.admission for row in whole]


def test_the_random_rows_reach_every_outcome() -> None:
    """Otherwise the test above would say little: every detector fires, cools down, waits and stays below."""
    endings: Counter[tuple[str, Ending]] = Counter()
    for seed in (4, 8, 12):  # of all types; most others have no bars that make an event
        for examination in examined(seed):
            endings.update((name, verdict.ending) for name, told in examination.verdicts.items() for verdict in told)

    fired = {name for name, ending in endings if ending is Ending.FIRED}
    assert fired == set(detector_classes())
    assert {ending for _, ending in endings} == set(Ending)


def test_every_verdict_shows_what_decided_it() -> None:
    """A rule that did not fire names the check that ended it, and no rule fires against a check."""
    for examination in examined(4):
        for verdict in (verdict for told in examination.verdicts.values() for verdict in told):
            failed = [check for check in verdict.checks if check.otherwise is not None and not check.passes]
            if verdict.ending in (Ending.FIRED, Ending.COOLDOWN):
                assert not failed
            else:
                assert verdict.decisive == failed[0]


def judged_climb() -> tuple[JudgedRows, SymbolTable]:
    """Return rising prices as a run judged them, and its symbols."""
    steps: list[TapStep] = []

    class Keep(Tap):
        def observe(self, step: TapStep) -> None:
            steps.append(step)

    run_records(CLIMB, taps={"keep": Keep()})
    return steps[0].rows, SymbolTable(["ABC"])


def test_a_judgement_that_differs_from_the_run_is_a_bug() -> None:
    """The command ends with an error rather than with a wrong explanation."""
    rows, symbols = judged_climb()
    Examiner(settings_of({}), symbols).process(rows)
    other = replace(rows.ticks, reason=np.full(len(rows), REASONS.index("price"), np.int8))
    with pytest.raises(TickstockError, match="a bug: tick reason 0 is not"):
        Examiner(settings_of({}), symbols).process(replace(rows, ticks=other))


def test_counts_and_verdicts_that_differ_from_the_run_are_bugs() -> None:
    """An event that the run did not tell of, and one without a rule that fired."""
    rows, symbols = judged_climb()
    examiner = Examiner(settings_of({}), symbols)
    examiner.process(rows.between(0, 1))
    examination = examiner.examine(rows.between(1, 2))

    assert len(examination.events) == 1
    with pytest.raises(TickstockError, match="a bug"):
        examiner.check({"tick.processed": 2})
    with pytest.raises(TickstockError, match="a bug"):
        replace(examination, verdicts={}).check()


def test_an_event_that_the_run_did_not_release_is_a_bug() -> None:
    """What the channels of the tap tell of must be found among the run's events, with the same values."""
    rules = coordination_rules(settings_of({}))
    tap = ExplainTap(settings_of({}), [1], frozenset([(START + SECOND) // rules.window]))
    run_records(CLIMB, taps={"explain": tap})
    (examination,) = tap.examinations
    dearer = tap.emitted.copy()
    dearer["price"] += 1

    assert len(read_event_outcomes(examination.events, tap.emitted, rules, examination.kinds)) == 1
    for emitted in (tap.emitted[:0], dearer):
        with pytest.raises(TickstockError, match="a bug"):
            read_event_outcomes(examination.events, emitted, rules, examination.kinds)

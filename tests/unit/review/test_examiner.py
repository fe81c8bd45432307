"""What is explained is what is computed: row by row, on hostile recordings, for every detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.differential.against import on_disk
from tests.oracle.random_cases import random_case
from tests.oracle.records import Record as RecordType
from tickstock_cli.build import build_core, detector_classes
from tickstock_cli.core.rule_verdict import Ending
from tickstock_cli.errors import TickstockError
from tickstock_cli.replaying import Request, read_options
from tickstock_cli.review.examiner import Examination, Examiner
from tickstock_cli.sources.recordings import Recordings
from tickstock_cli.testing import Bar, FairValue, ListSource, Record, Tick, new_york, settings_of

MIXTURES: tuple[tuple[RecordType, ...], ...] = (("tick", "ohlcv", "fmv"), ("tick",), ("ohlcv",), ("tick", "fmv"))


def examined(
    seed: int, records: tuple[RecordType, ...]
) -> Iterator[tuple[Examination, dict[str, int], dict[str, int]]]:
    """Examine every row of a random recording, and return also what a core's ledger said before and after it."""
    with on_disk(*random_case(seed, 300, records)) as recording:
        options = read_options(Request(recording.paths), recording.settings)
        with Recordings.open(recording.paths, options) as source:
            core = build_core(recording.settings, source.symbols)
            examiner = Examiner(recording.settings, source.symbols)
            for row in source.batches(1):
                core.grow(len(source.symbols))
                examination = examiner.examine(row, core.state()) if len(source.symbols) else None
                before = core.ledger.as_dict()
                core.step(row)
                if examination is not None:
                    yield examination, before, core.ledger.as_dict()


@pytest.mark.parametrize("seed", range(12))
def test_verdicts_are_what_the_run_does(seed: int) -> None:
    """An event is explained where there is one and nowhere else; rejects, filters, suppressions agree as well."""
    for examination, before, after in examined(seed, MIXTURES[seed % len(MIXTURES)]):
        examination.check(before, after)


def test_the_random_rows_end_in_every_way() -> None:
    """Otherwise the test above would say little: every detector fires, cools down, waits and stays below."""
    endings: Counter[tuple[str, Ending]] = Counter()
    for seed in range(8, 24):
        for examination, *_ in examined(seed, MIXTURES[seed % len(MIXTURES)]):
            endings.update((name, verdict.ending) for name, told in examination.verdicts.items() for verdict in told)

    fired = {name for name, ending in endings if ending is Ending.FIRED}
    assert fired == set(detector_classes())
    assert {ending for _, ending in endings} == set(Ending)


def test_a_verdict_that_differs_from_the_run_is_a_bug() -> None:
    """The command ends with an error rather than with a wrong explanation."""
    examination, before, after = next(iter(examined(0, ("tick",))))
    with pytest.raises(TickstockError, match="a bug"):
        examination.check(before, {**after, "tick.detected.high": after.get("tick.detected.high", 0) + 1})


def test_every_verdict_shows_what_decided_it() -> None:
    """A rule that did not fire names the check that ended it, and no rule fires against a check."""
    for examination, *_ in examined(3, MIXTURES[0]):
        for verdict in (verdict for told in examination.verdicts.values() for verdict in told):
            failed = [check for check in verdict.checks if check.otherwise is not None and not check.passes]
            if verdict.ending in (Ending.FIRED, Ending.COOLDOWN):
                assert not failed
            else:
                assert verdict.decisive == failed[0]


def test_looking_changes_nothing() -> None:
    """State is only copied: a core that was looked at tells the same as one that was not."""
    start = new_york("2024-06-12", "10:00:00")
    rows: list[Record] = [
        Tick("ABC", start, 100.0),
        Bar("ABC", start, 1.0, 2.0, 1.0, 2.0, 5.0),
        FairValue("ABC", start, 99.0),
    ]
    source = ListSource(rows)
    core, examiner = build_core(settings_of({}), source.symbols), Examiner(settings_of({}), source.symbols)
    for row in source.batches(1):
        core.grow(len(source.symbols))
        before = {name: str(array.tolist()) for name, array in core.state().items()}
        examiner.examine(row, core.state())
        assert {name: str(array.tolist()) for name, array in core.state().items()} == before
        core.step(row)

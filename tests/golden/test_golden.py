"""Every golden case, from Parquet files to event files; see `cases` for what a folder holds.

``pytest tests/golden --update-golden`` writes what comes out now, where the oracle agrees. Read the diff: the stories
in case.toml were worked out by hand, and no machine keeps them true.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.differential.against import Recording
from tests.golden.cases import EXPECTATIONS, FOLDER, LEDGER, ROWS, Case, all_cases, counted_names
from tests.oracle.random_cases import LEDGER_NAMES

CASES = all_cases()
every_case = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@every_case
def test_the_rows_give_these_events(case: Case, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """And nothing else: every count and every rejected row is there, too. The oracle, asked first, says the same."""
    recording = Recording(case.rows(), case.settings, tmp_path)
    replayed = recording.replayed()
    assert recording.differences(replayed) == []

    told = case.told(replayed)
    if pytestconfig.getoption("--update-golden"):
        case.rewrite(told)

    assert told == case.expected()


@every_case
def test_a_case_has_a_description(case: Case) -> None:
    """Somebody who meets it red for the first time finds out what it protects, and why these numbers are right."""
    known = {"case.toml", *ROWS, *EXPECTATIONS}

    assert set(case.about) <= {"title", "why", "settings"}
    assert case.about["title"].endswith(".")
    assert len(case.about["why"].split()) >= 20
    assert {path.name for path in case.folder.iterdir()} <= known
    assert sum(map(len, case.rows())) <= 60


def test_every_folder_is_a_case() -> None:
    """A folder whose case.toml is missing or misnamed would not be run."""
    folders = {path.name for path in FOLDER.iterdir() if path.is_dir() and not path.name.startswith("_")}

    assert folders == {case.name for case in CASES}


def test_the_cases_reach_every_name_of_the_ledger() -> None:
    """No way for a row or an event to end is left without a story."""
    assert set().union(*(counted_names(case.expected()[LEDGER]) for case in CASES)) == LEDGER_NAMES

"""Every registered check: named like its file, silent about clean recordings, the same at any batch size."""

from __future__ import annotations

from importlib import import_module

import pytest

from tickstock_cli.core.ledger import RECORD_TYPES
from tickstock_cli.sources.checks import CHECKS, RecordingCheck
from tickstock_cli.sources.recordings import Recordings

NAMES = [check.name for check in CHECKS]


@pytest.mark.parametrize("check", CHECKS, ids=NAMES)
def test_a_check_is_named_like_its_file(check: RecordingCheck) -> None:
    """So that a reader of the registry finds it."""
    assert import_module(f"tickstock_cli.sources.checks.{check.name}").CHECK is check
    assert NAMES.count(check.name) == 1
    assert check.records
    assert set(check.records) <= set(RECORD_TYPES)


def test_checks_are_silent_about_a_clean_recording() -> None:
    """The sample of the package causes no oddity, before and after it is read."""
    with Recordings.open(["sample_data"]) as recordings:
        assert [recordings.oddities(file.index) for file in recordings.files] == [[], [], []]
        rows = sum(len(step) for step in recordings.batches(100_000))
        assert rows == recordings.rows
        assert [recordings.oddities(file.index) for file in recordings.files] == [[], [], []]

"""Python's lock changes hands more often while a system runs, and only then."""

from __future__ import annotations

import sys

import pytest

from tickstock_cli.runtime.switching import SWITCH_SECONDS, quick_switches


def test_the_switch_interval_is_short_while_a_system_runs() -> None:
    """The interval is the process's: who calls a replay as a function finds it as it was."""
    before = sys.getswitchinterval()
    with quick_switches():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == before

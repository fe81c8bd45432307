"""Huge pages are off within a context alone."""

from __future__ import annotations

from importlib import import_module

import pytest

from tickstock_cli.core.huge_pages import no_huge_pages


def test_the_setting_before_is_there_again_even_after_an_error() -> None:
    """A program's replays after a backtest must be as quick as before; that numpy has the setting is part of it."""
    set_wanted = import_module("numpy._core.multiarray")._set_madvise_hugepage
    before = set_wanted(True)
    within = []

    def fail() -> None:
        within.append(set_wanted(False))
        raise ValueError("broken")

    try:
        with pytest.raises(ValueError, match="broken"), no_huge_pages():
            fail()
        assert within == [False]
        assert set_wanted(True) is True
    finally:
        set_wanted(before)

"""The gaps of a live run."""

from __future__ import annotations

from dataclasses import replace

from tickstock_cli.core.feed import Gap
from tickstock_cli.live.gap_log import GapLog


def test_a_gap_is_listed_once_with_its_end() -> None:
    """It is told when it begins and when it ends; the summary has one line."""
    log = GapLog()
    first, second = Gap(1_000, None, ("T", "AM"), "closed with 1000"), Gap(500, None, ("FMV",), "reset")
    log.gap(first)
    log.gap(second)
    log.gap(replace(first, end=3_000))
    assert log.gaps == [second, replace(first, end=3_000)]

"""The summary: figures one can read, of the run they belong to."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from rich.console import Console

from tests.unit.engine.events import busy_morning
from tests.unit.engine.running import run_strictly
from tickstock_cli.cli.render import speed_words, summary
from tickstock_cli.engine.result import RunResult, SpeedFigures


def shown(result: RunResult, width: int = 100) -> str:
    """Draw a summary as text."""
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(summary(result))
    return capture.get()


@pytest.mark.parametrize(
    ("speed", "digits", "words"),
    [
        (None, 10, "max"),
        (60.0, 10, "60x"),
        (0.25, 10, "0.25x"),
        (1e6, 10, "1,000,000x"),
        (1234567.0, 10, "1,234,567x"),
        (3424123.4, 4, "3,424,000x"),
        (59.9734, 4, "59.97x"),
        (0.0, 4, "0x"),
    ],
)
def test_speeds_are_rounded_for_display(speed: float | None, digits: int, words: str) -> None:
    """Nobody wants to read 3.424e+06x."""
    assert speed_words(speed, digits) == words


def test_a_changed_speed_is_shown_with_both_values(result: RunResult) -> None:
    """The average reached is neither: both stand above it."""
    changed = replace(result, speed=SpeedFigures(60.0, 90.0, None, 120.0))
    kept = replace(result, speed=SpeedFigures(60.0, 60.0, None, 60.0))

    assert "60x then 120x" in shown(changed)
    assert " then " not in shown(kept)


def test_a_resumed_run_shows_its_rows_and_the_earlier_ones(result: RunResult) -> None:
    """The ledger below counts both."""
    assert "rows before resuming" not in shown(result)
    assert re.search(r"rows before resuming +12,345\b", shown(replace(result, rows_before=12_345)))


def test_without_events_there_are_no_empty_tables() -> None:
    """Two headings with nothing below them look like a fault."""
    text = shown(run_strictly([]))

    assert text.startswith("no events")
    assert "kind" not in text
    assert "ticker" not in text


@pytest.fixture(scope="module")
def result() -> RunResult:
    """Return the figures of a run with events."""
    return run_strictly(busy_morning())

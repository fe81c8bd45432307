"""Rows that a recording marks itself."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write


@pytest.mark.parametrize(
    ("column", "values", "kept"),
    [
        ("suspicious", [False, True], "false"),
        ("is_outlier", [0, 1], "0"),
        ("BadPrint", ["N", "Y"], "N"),
        ("out_of_sequence", [None, True], ""),
        ("is_valid", [True, False], "true"),
        ("regular", [1, 0], "1"),
        ("late", ["true", "false"], "false"),
    ],
)
def test_ticks_are_told_with_the_filter(write: Write, column: str, values: list[Any], kept: str) -> None:
    """The filter that is offered leaves the marked row out."""
    path = write(**{column: values})
    assert f"--where {column}={kept} leaves those out" in noted(path)
    assert "leaves out 1 of 2 rows" in noted(path, where={column: (kept,)})


def test_unfinished_bars_are_told(write_bars: Write) -> None:
    """Their volume is that of a part of the bar."""
    assert "--where is_final=true leaves those out" in noted(write_bars(is_final=[False, True]))


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("suspicious", [False, False]),
        ("valid", [1, 1]),
        ("error", ["E1", "E2"]),
        ("late", [3, 5]),
        ("is_buyer", [True, False]),
        ("error", [None, None]),
    ],
)
def test_columns_that_mark_nothing_are_not_mentioned(write: Write, column: str, values: list[Any]) -> None:
    """All rows are alike, or the values say something else."""
    assert noted(write(**{column: values})) == ""

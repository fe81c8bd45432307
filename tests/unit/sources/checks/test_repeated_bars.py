"""Bars that begin together in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, SECOND, Write


def write_pairs(write_bars: Write, count: int = 5, **columns: Any) -> Path:
    """Write two bars of IBM for each minute, with columns for the first and the second of all."""
    prices = {price: [180.0, 90.0] * count for price in ("open", "high", "low", "close")}
    times = [NOON + place // 2 * 60 * SECOND for place in range(2 * count)]
    others = {name: values * count for name, values in columns.items()}
    return write_bars(ticker=["IBM"] * 2 * count, timestamp=times, **prices, volume=[1] * 2 * count, **others)


def test_they_are_told(write_bars: Write) -> None:
    """One of each is rejected, and which one is left depends on the order."""
    assert "5 of the first 10 bars begin with another of their ticker" in noted(write_pairs(write_bars))


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("adjusted", [False, True], "(false, true)"),
        ("exchange", ["N", "Q"], "(N, Q)"),
        ("resolution", [1, 60], "(1, 60)"),
    ],
)
def test_the_column_that_tells_them_apart_is_named(write_bars: Write, column: str, values: Any, told: str) -> None:
    """Reading one of its values is the remedy."""
    path = write_pairs(write_bars, note=["x", "x"], **{column: values})
    assert f"column {column} tells them apart {told}" in noted(path)
    chosen = str(values[0]).lower() if isinstance(values[0], bool) else str(values[0])
    assert "begin with another" not in noted(path, where={column: (chosen,)})


def test_a_few_are_left_to_the_rule(write_bars: Write) -> None:
    """A correction is a bar of its own."""
    assert noted(write_pairs(write_bars, 2)) == ""

"""Trades that are twice in one file."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, Write

ROWS: dict[str, list[Any]] = {"ticker": ["IBM"] * 8, "timestamp": [NOON] * 8, "price": [180.0] * 8, "size": [1] * 8}


@pytest.mark.parametrize("name", ["trade_id", "id", "TradeID", "sequence", "seq_num"])
def test_the_same_numbers_again_are_told(write: Write, name: str) -> None:
    """A day that was appended twice to its file and sorted; equal trades with other numbers are none."""
    told = noted(write(**ROWS, **{name: [1, 1, 2, 2, 3, 3, 4, 4]}))
    assert f"trades are there twice, by {name}, 4 of the first 8" in told
    assert noted(write(**ROWS, **{name: [1, 1, 2, 2, 3, 3, 4, 4]}), copies="all") == ""
    assert noted(write(**ROWS, **{name: ["1", "2", "3", "4", "5", "6", "7", "8"]})) == ""


@pytest.mark.parametrize("ids", [[7] * 8, [None] * 8, [1, 2, 3, 4, 5, 6, 7, 7]])
def test_a_number_that_is_always_the_same_is_none(write: Write, ids: list[int | None]) -> None:
    """Nor are missing ones, or one trade that came twice."""
    assert noted(write(**ROWS, trade_id=ids)) == ""


def test_numbers_of_several_tickers_are_not_compared(write: Write) -> None:
    """Each exchange counts by itself."""
    rows = {**ROWS, "ticker": ["IBM", "MSFT"] * 4}
    assert noted(write(**rows, id=[1, 1, 2, 2, 3, 3, 4, 4])) == ""

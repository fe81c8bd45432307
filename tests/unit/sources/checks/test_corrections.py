"""Trades that were corrected or cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, Write


@pytest.mark.parametrize(
    ("column", "values", "fine"),
    [
        ("correction", [0, 8], "0"),
        ("TR_CORR", ["00", "07"], "00"),
        ("is_canceled", [False, True], "false"),
        ("corr", ["00", "12"], "00"),
        ("cancel_flag", ["N", "Y"], "N"),
        ("trade_status", ["NEW", "CANCELLED"], "NEW"),
        ("status", ["ok", "canceled"], "ok"),
        ("u", ["", "corrected"], ""),
    ],
)
def test_they_are_told_and_left_out(write: Write, column: str, values: list[Any], fine: str) -> None:
    """The footer shows that not all rows have the same value."""
    path = write(**{column: values})
    assert f"--where {column}={fine} leaves them out" in noted(path)
    assert "leaves out 1 of 2 rows" in noted(path, where={column: (fine,)})
    assert noted(write(**{column: [values[0]] * 2})) == ""


@pytest.mark.parametrize("value", ["canceled", "corrected"])
def test_a_word_among_nulls_is_told(write: Write, value: str) -> None:
    """The extremes of a column leave nulls out: there they are all the same."""
    path = write(update=[None, value])
    assert "--where update= leaves them out" in noted(path)
    assert "leaves out 1 of 2 rows" in noted(path, where={"update": ("",)})


def test_the_usual_value_is_kept_wherever_it_stands_in_the_alphabet(write: Write) -> None:
    """BUSTED comes before VALID."""
    row = {"ticker": ["IBM"] * 3, "timestamp": [NOON] * 3, "price": [180.0] * 3, "size": [1] * 3}
    assert "--where status=VALID" in noted(write(**row, status=["VALID", "BUSTED", "VALID"]))


@pytest.mark.parametrize(("column", "values"), [("status", ["ok", "fine"]), ("venue", ["A", "V"]), ("u", ["x", "y"])])
def test_other_words_are_none(write: Write, column: str, values: list[str]) -> None:
    """A column of any name counts by its words alone."""
    assert noted(write(**{column: values})) == ""

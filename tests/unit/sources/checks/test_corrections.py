"""Trades that were corrected or cancelled."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write


@pytest.mark.parametrize(
    ("column", "values", "fine"),
    [
        ("correction", [0, 8], "0"),
        ("TR_CORR", ["00", "07"], "00"),
        ("is_canceled", [False, True], "false"),
    ],
)
def test_they_are_told_and_left_out(write: Write, column: str, values: list[Any], fine: str) -> None:
    """The footer shows that not all rows have the same value."""
    path = write(**{column: values})
    assert f"--where {column}={fine} leaves them out" in noted(path)
    assert "leaves out 1 of 2 rows" in noted(path, where={column: (fine,)})
    assert noted(write(**{column: [values[0]] * 2})) == ""

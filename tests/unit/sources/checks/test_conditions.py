"""Conditions of trades without flags."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.inspection.inspect import inspect
from tickstock_cli.sources.options import ReadOptions


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("conditions", [0, 12]),
        ("cond", ["@", "@ TI"]),
        ("sale_condition", pa.array(["@", "Z"]).dictionary_encode()),
        ("TR_SCOND", [None, "T"]),
        ("trade_conditions", [["@"], ["@", "I"]]),
        ("c", [[14], []]),
    ],
)
def test_they_are_told(write: Write, column: str, values: Any) -> None:
    """A replay says it, and the verdict of `inspect` counts it once, as no warning."""
    path = write(**{column: values})
    assert f"conditions of trades in column {column} are not judged" in noted(path)
    (report,) = inspect([path], ReadOptions(), Calendar("XNYS")).files
    assert report.warnings == ()


def test_the_filter_reads_rows_of_some_conditions(write: Write) -> None:
    """A value may have blanks in it."""
    told = noted(write(cond=["@", "@ TI"]), where={"cond": ("@ TI", "@F")})
    assert "leaves out 1 of 2 rows" in told
    assert "not judged" not in told


@pytest.mark.parametrize(
    "columns",
    [
        {"conditions": [0, 0]},
        {"conditions": [0, 12], "flags": [0, 0]},
        {"cond": ["@", "@"]},
        {"conditions": [None, None]},
        {"conditions": [[], None]},
        {"c": [1.0, 2.0]},
    ],
)
def test_nothing_is_told_where_there_is_nothing_to_judge(write: Write, columns: dict[str, Any]) -> None:
    """One condition alone says nothing of a trade, and flags have been made of others."""
    assert "not judged" not in noted(write(**columns))

"""Changes of a table instead of its rows."""

from __future__ import annotations

import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write
from tickstock_cli.errors import SchemaError


def test_removed_rows_stop_the_run_until_they_are_left_out(write: Write) -> None:
    """A change data feed has what was removed, and what was there before an update."""
    for other in ("delete", "update_preimage"):
        path = write(_change_type=["insert", other])
        with pytest.raises(SchemaError, match=r"--where _change_type=insert,update_postimage"):
            noted(path)
        assert "leaves out 1 of 2 rows" in noted(path, where={"_change_type": ("insert", "update_postimage")})
    assert noted(write(_change_type=["insert", "update_postimage"])) == ""


@pytest.mark.parametrize(
    ("column", "values", "kept"), [("__op", ["c", "d"], "c"), ("_operation", ["INSERT", "DELETE"], "INSERT")]
)
def test_words_of_other_programs_stop_with_the_filter(write: Write, column: str, values: list[str], kept: str) -> None:
    """Debezium and others have letters and words of their own."""
    path = write(**{column: values})
    with pytest.raises(SchemaError, match=rf"column {column} says .*--where {column}={kept}$"):
        noted(path)
    assert "leaves out 1 of 2 rows" in noted(path, where={column: (kept,)})


@pytest.mark.parametrize("values", [["c", "u"], ["D", "X"], ["buy", "sell"]])
def test_other_operations_are_read(write: Write, values: list[str]) -> None:
    """None was removed, or the letters mean something else."""
    assert noted(write(op=values)) == ""

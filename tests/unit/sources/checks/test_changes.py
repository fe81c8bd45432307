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

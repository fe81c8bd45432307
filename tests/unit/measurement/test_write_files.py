"""Several files of one result: what can be written is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickstock_cli.errors import OutputError
from tickstock_cli.measurement.documents import write_files


def test_a_file_that_cannot_be_written_costs_no_other(tmp_path: Path) -> None:
    """An hour of load must not be lost because a folder has the name of one of its reports."""
    (tmp_path / "junit.xml").mkdir()
    names = ("result.json", "junit.xml", "report.html")

    with pytest.raises(OutputError, match=r"^cannot write .*junit.xml: [^;]*; [^;]*$"):
        write_files((tmp_path / name, name.encode) for name in names)

    assert (tmp_path / "result.json").read_text() == "result.json"
    assert (tmp_path / "report.html").read_text() == "report.html"

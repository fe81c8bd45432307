"""`tickstock report` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import error_line, run_tickstock
from tests.unit.loadtest.observed import observed
from tickstock_cli.loadtest.result import judged, to_json
from tickstock_cli.loadtest.result_folder import REPORT, RESULT


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of two results, without what is drawn from them."""
    for name, seen in (("before", observed()), ("after", observed({9: 190}))):
        (tmp_path / name).mkdir()
        (tmp_path / name / RESULT).write_bytes(to_json(judged(seen)))
    return tmp_path


def test_one_result_is_drawn_again(folder: Path) -> None:
    """In the terminal, and what its folder had lost. That its targets were missed is not this command's failure."""
    result = run_tickstock("report", "after", folder=folder)

    assert (result.returncode, result.stderr) == (0, f"wrote after/{REPORT}\n")
    assert "4 of 14 targets were not met: 4 missed." in result.stdout
    assert sorted(path.name for path in (folder / "after").iterdir()) == [
        "junit.xml", "latency", "report.html", "result.json",
    ]  # fmt: skip


def test_several_results_are_compared(folder: Path) -> None:
    """Terminal and page; their folders stay as they are."""
    result = run_tickstock("report", "before", "after", folder=folder)

    assert (result.returncode, result.stderr) == (0, "wrote comparison.html\n")
    assert "run 2  after" in result.stdout
    assert "2 runs side by side" in (folder / "comparison.html").read_text(encoding="utf-8")
    assert [path.name for path in (folder / "after").iterdir()] == [RESULT]


def test_the_page_is_written_to_the_given_path(folder: Path) -> None:
    """The file of a result may be named in the place of its folder."""
    result = run_tickstock("report", f"before/{RESULT}", "--out", "pages/x.html", folder=folder)

    assert (result.returncode, result.stderr) == (0, "wrote pages/x.html\n")
    assert (folder / "pages" / "x.html").exists()
    assert not (folder / "before" / REPORT).exists()


def test_json_is_an_object_a_result(folder: Path) -> None:
    """One result is an object, several are a list of them."""
    one = json.loads(run_tickstock("report", "before", "--json", folder=folder).stdout)
    two = json.loads(run_tickstock("report", "before", "after", "--json", folder=folder).stdout)

    assert (one["passed"], one["scenario"], one["speed"]) == (True, "small_open", 10)
    assert [result["passed"] for result in two] == [True, False]
    assert two[0]["verdicts"][2]["name"] == "ohlcv_symbols_per_minute"


def test_a_folder_without_a_result_is_bad_data(folder: Path) -> None:
    """One line: what, where, and what to name."""
    result = run_tickstock("report", "befroe", folder=folder)

    assert result.returncode == 3
    assert error_line(result) == (
        "cannot read befroe: no such file or directory; name a folder that tickstock loadtest --out wrote"
    )

"""`tickstock perf` as CI runs it: exit codes, and the files that it shows. What benchmarks measure: tests/unit/perf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from tests.cli.running import error_line, run_tickstock
from tests.unit.perf.made import figures
from tickstock_cli.perf.baselines import __file__ as baselines
from tickstock_cli.perf.figures import write_figures
from tickstock_cli.perf.history import append, entry_of


def compare(folder: Path, *more: str, **head: Any) -> Any:
    """Compare a base of a second with a head."""
    write_figures(folder / "base.json", figures())
    write_figures(folder / "head.json", figures(**head))
    return run_tickstock("perf", "compare", "base.json", "head.json", *more, folder=folder)


def cases(folder: Path) -> dict[str, str]:
    """Return what became of each test of a JUnit file, by the name before its target."""
    found = ET.parse(folder / "junit.xml").getroot().iter("testcase")
    return {case.attrib["name"].split(" equal")[0].split(" at most")[0]: case[0].tag for case in found}


def test_equal_speed_passes(tmp_path: Path) -> None:
    """Exit code 0, and the three files say so."""
    result = compare(tmp_path, "--out", "out")

    assert (result.returncode, result.stderr) == (0, "wrote out\n")
    assert result.stdout.endswith("passed\n")
    assert "## head.json against base.json: passed" in (tmp_path / "out" / "summary.md").read_text()
    assert "rows, events and digest are equal" in (tmp_path / "out" / "summary.md").read_text()
    assert json.loads((tmp_path / "out" / "result.json").read_bytes())["failed"] is False
    told = cases(tmp_path / "out")
    assert (told["replay, CPU time"], told["calls of kernels"]) == ("system-out", "system-out")
    assert "failure" not in told.values()


def test_slower_is_exit_code_4_with_the_figure_named_everywhere(tmp_path: Path) -> None:
    """One line for the log, a failure for the CI's tests, a bold word for the job's page."""
    result = compare(tmp_path, "--out", "out", seconds=1.5)

    assert result.returncode == 4
    assert result.stderr.endswith("error: head.json against base.json: replay, CPU time\n")
    assert "- replay, CPU time: 1.50× (" in (tmp_path / "out" / "summary.md").read_text()
    assert "**worse**" in (tmp_path / "out" / "summary.md").read_text()
    assert [name for name, tag in cases(tmp_path / "out").items() if tag == "failure"] == ["replay, CPU time"]


def test_different_results_are_exit_code_4_at_any_speed(tmp_path: Path) -> None:
    """JSON for a program: what differs stands in the first verdict."""
    result = compare(tmp_path, "--json", seconds=0.5, digest="bb")

    assert result.returncode == 4
    first = json.loads(result.stdout)["verdicts"][0]
    assert (first["name"], first["ok"], first["note"]) == ("results", False, "replay: digest is bb and was aa")


def test_unmeasured_results_are_not_reported_as_equal(tmp_path: Path) -> None:
    """`--only startup` on both sides says nothing of events."""
    samples = {"startup": [{"cpu_seconds": 0.3}] * 3}
    write_figures(tmp_path / "base.json", figures(samples=samples))

    result = run_tickstock("perf", "compare", "base.json", "base.json", "--json", folder=tmp_path)

    assert result.returncode == 0
    first = json.loads(result.stdout)["verdicts"][0]
    assert (first["ok"], first["asked"]) == (None, False)


def test_figures_of_different_machines_are_not_compared(tmp_path: Path) -> None:
    """Exit code 2: no verdict, and no file that could pass for one."""
    result = compare(tmp_path, "--out", "out", cpus=64)

    assert result.returncode == 2
    assert "cannot be compared, these differ: CPUs 2 and 64; measure both in one sitting" in error_line(result)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["compare", "base.json", "nowhere.json"], 3, "cannot read nowhere.json: no such file or directory"),
        (["compare", "base.json", "other.json"], 3, "other.json holds something else than figures"),
        (["compare", "base.json", "base.json", "--out", "base.json"], 1, "it is a file, not a folder"),
        (["gate", "--base", "no-such-revision"], 2, "no file and no baseline"),
        (["gate", "--base", "other.json"], 3, "other.json holds something else than figures"),
        (["gate", "--base", "base.json", "--quick", "--only", "decode"], 2, "cannot be compared, these differ: "),
        (["gate", "--base", "sprint_108", "--quick"], 2, "leave out --quick"),
        (["run", "--only", "reply"], 2, "there is no such benchmark"),
        (["run", "--only", "decode", "--history", "base.json/history"], 1, "cannot write into base.json"),
        (["history", "other.json"], 3, "line 1, is no run"),
    ],
)
def test_invalid_options_are_errors_before_the_measurement(
    tmp_path: Path, arguments: list[str], code: int, told: str
) -> None:
    """Exit code and reason; a quarter of an hour of measuring must not come first."""
    write_figures(tmp_path / "base.json", figures())
    (tmp_path / "other.json").write_text("{}")

    cache = {"TICKSTOCK_PERF_CACHE": str(tmp_path.parent / "perf-cache")}
    result = run_tickstock("perf", *arguments, folder=tmp_path, environment=cache)

    assert result.returncode == code
    assert told in error_line(result)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.json", "other.json"]


def test_a_history_becomes_a_page(tmp_path: Path) -> None:
    """One file that needs no network."""
    for seconds in (1.0, 1.1):
        append(tmp_path / "history.jsonl", entry_of(figures(seconds=seconds)))

    result = run_tickstock("perf", "history", "history.jsonl", folder=tmp_path)

    assert (result.returncode, result.stderr) == (0, "wrote perf-history.html\n")
    assert "2 runs" in (tmp_path / "perf-history.html").read_text()


def test_the_help_names_every_baseline() -> None:
    """Those that come with tickstock, one file each."""
    told = " ".join(run_tickstock("perf", "gate", "--help").stdout.split())
    shipped = [path.stem for path in Path(baselines).with_suffix("").glob("*.json")]
    assert "speed" in shipped
    assert [name for name in shipped if f" {name}," not in told] == []

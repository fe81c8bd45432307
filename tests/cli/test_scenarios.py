"""`tickstock scenarios` lists load tests, shows one, and checks a user's own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.running import error_line, run_tickstock


def test_the_list_has_every_scenario_with_its_rows(tmp_path: Path) -> None:
    """From any folder: they are found beside the package."""
    result = run_tickstock("scenarios", folder=tmp_path)

    assert result.returncode == 0
    (line,) = (line for line in result.stdout.splitlines() if line.startswith(" steady_state"))
    assert line.endswith("30 min 0 s      300,000")


def test_a_scenario_is_shown_at_the_speed_asked_for(tmp_path: Path) -> None:
    """Ten times as fast: ten times the rates, a tenth of the time, the same rows."""
    result = run_tickstock("scenarios", "market_open_surge", "--speed", "10", folder=tmp_path)

    (stage,) = (line.split() for line in result.stdout.splitlines() if line.startswith(" open"))
    assert stage == ["open", "30", "s", "6,900", "1,333.3", "100", "250,000", "surge"]
    assert "wall time  42 s at speed 10" in result.stdout


def test_json_has_the_whole_document(tmp_path: Path) -> None:
    """With what --set changed of it."""
    result = run_tickstock("scenarios", "steady_state", "--set", "symbols.tick=400", "--json", folder=tmp_path)

    told = json.loads(result.stdout)
    assert told["rows"] == {"tick": 54_000, "ohlcv": 240_000, "fmv": 6_000}
    assert told["scenario"]["symbols"]["tick"] == 400


def test_an_invalid_scenario_file_is_an_error_of_one_line(tmp_path: Path) -> None:
    """And exit code 2."""
    (tmp_path / "mine.toml").write_text('title = "mine"\nstages = []\n[symbols]\ntick = 5\n')
    result = run_tickstock("scenarios", "mine.toml", folder=tmp_path)

    assert result.returncode == 2
    assert error_line(result) == "mine.toml: stages = []: must have at least 1 item"


def test_an_assignment_needs_a_scenario(tmp_path: Path) -> None:
    """It would change none."""
    result = run_tickstock("scenarios", "--set", "symbols.tick=5", folder=tmp_path)

    assert result.returncode == 2
    assert "name it" in error_line(result)

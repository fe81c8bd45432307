"""`tickstock config` shows, begins and describes the configuration."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

from tests.cli.conftest import Here
from tests.cli.running import error_line, run_tickstock
from tickstock_cli.detectors import PARTS


def test_show_tells_where_each_value_came_from(tmp_path: Path) -> None:
    """Four layers in one table: what a replay started here would run with."""
    (tmp_path / "tickstock.toml").write_text("[guard]\noutlier_percent = 5\n")
    environment = {"TICKSTOCK_SURGE__TRIGGER": "any"}

    result = run_tickstock(
        "config", "show", "--set", "highlow.cooldown_seconds=0", "--map", "price=last",
        folder=tmp_path, environment=environment,
    )  # fmt: skip

    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines() if line.strip()}
    assert result.returncode == 0
    assert lines["guard.outlier_percent"] == ["5", "tickstock.toml"]
    assert lines["surge.trigger"] == ['"any"', "TICKSTOCK_SURGE__TRIGGER"]
    assert lines["highlow.cooldown_seconds"] == ["0", "--set"]
    assert lines["recordings.columns.price"] == ['"last"', "--map"]
    assert lines["coordinator.window_ms"] == ["500", "default"]


def test_show_prints_one_json_object(tmp_path: Path) -> None:
    """For scripts: value and origin of every key."""
    result = run_tickstock("config", "show", "--json", "--set", "session.calendar=24/7", folder=tmp_path)

    shown = json.loads(result.stdout)
    assert shown["session.calendar"] == {"value": "24/7", "origin": "--set"}
    assert shown["detectors.enabled"] == {"value": list(PARTS), "origin": "default"}


def test_init_writes_a_file_that_changes_nothing(tmp_path: Path) -> None:
    """Every section is there; after init everything still is what it was."""
    before = run_tickstock("config", "show", "--json", folder=tmp_path)
    written = run_tickstock("config", "init", folder=tmp_path)
    after = run_tickstock("config", "show", "--json", folder=tmp_path)

    assert (written.returncode, written.stdout, written.stderr) == (0, "", "wrote tickstock.toml\n")
    assert set(PARTS) < set(tomllib.loads((tmp_path / "tickstock.toml").read_text()))
    assert after.stdout == before.stdout


def test_init_keeps_a_file_that_exists(tmp_path: Path) -> None:
    """A configuration someone wrote is only replaced when they say so."""
    mine = tmp_path / "mine.toml"
    mine.write_text("[guard]\nconfirm_rows = 4\n")

    refused = run_tickstock("config", "init", "--out", mine)
    kept = mine.read_text()
    forced = run_tickstock("config", "init", "--out", mine, "--force")

    assert (refused.returncode, forced.returncode) == (2, 0)
    assert error_line(refused) == f"{mine} exists; add --force to replace it, or name another file with --out"
    assert kept == "[guard]\nconfirm_rows = 4\n"
    assert "#confirm_rows = 3" in mine.read_text()


def test_init_into_a_missing_folder_is_a_failure(tmp_path: Path) -> None:
    """One line, exit code 1."""
    result = run_tickstock("config", "init", "--out", tmp_path / "none" / "x.toml")

    assert result.returncode == 1
    assert error_line(result) == f"cannot write {tmp_path}/none/x.toml: its folder does not exist; create it first"


def test_init_over_a_folder_is_a_failure(here: Here) -> None:
    """Even over the root of all folders, which has no name."""
    for folder in ("/", "."):
        result = here("config", "init", "--out", folder)
        assert result.returncode == 1
        assert error_line(result) == f"cannot write {folder}: it is a folder; name a file inside it"


def test_schema_describes_every_section() -> None:
    """Unknown keys are refused by the schema as they are by the command."""
    schema = json.loads(run_tickstock("config", "schema").stdout)

    assert set(PARTS) < set(schema["properties"])
    assert schema["additionalProperties"] is False


def test_a_wrong_setting_ends_with_exit_code_2(tmp_path: Path) -> None:
    """Key, place and what was meant, in one line."""
    result = run_tickstock("config", "show", environment={"TICKSTOCK_HIGHLOW__COOLDOWN": "1"}, folder=tmp_path)

    assert result.returncode == 2
    assert error_line(result) == (
        "unknown setting highlow.cooldown (in TICKSTOCK_HIGHLOW__COOLDOWN); did you mean highlow.cooldown_seconds?"
    )

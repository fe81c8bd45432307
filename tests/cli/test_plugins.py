"""`tickstock plugins` lists the parts of other packages; commands use them only when they are named."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.market import morning
from tests.cli.running import error_line, run_process
from tests.unit.installing import install

HIGHS = """
from tickstock_cli.detectors.highlow import HighLow

class Highs(HighLow):
    pass
"""
BROKEN = "raise RuntimeError('no licence')"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder with two installed packages: one whose detector works, one whose module cannot be imported."""
    site = tmp_path / "site"
    site.mkdir()
    install(site, "acme", {"tickstock.detectors": {"highs": "acme_highs:Highs"}}, acme_highs=HIGHS)
    install(site, "bolt", {"tickstock.sinks": {"bolt": "bolt_sink:Sink"}}, bolt_sink=BROKEN)
    return site


def test_it_lists_name_family_version_and_origin(site: Path) -> None:
    """And why a plugin cannot be used: one that is broken does not hide the others."""
    result = run_process(
        "plugins", "--json", "--set", 'detectors.enabled=["highs"]', environment={"PYTHONPATH": str(site)}
    )

    assert (result.returncode, result.stderr) == (0, "")
    told = json.loads(result.stdout)
    assert told["on"] is True
    highs, bolt = told["plugins"]
    assert (highs["family"], highs["name"], highs["distribution"], highs["version"], highs["state"]) == (
        "detector", "highs", "acme", "1.0", "enabled",
    )  # fmt: skip
    assert bolt["state"] == "unusable"
    assert bolt["problem"].endswith("RuntimeError: no licence")


def test_the_table_and_the_json_agree(site: Path) -> None:
    """Reasons stand on stderr, so that the table can be piped."""
    result = run_process("plugins", environment={"PYTHONPATH": str(site)})

    assert "highs   detector   1.0       acme   available" in result.stdout
    assert result.stderr.startswith("cannot load sink bolt of bolt 1.0 (entry point bolt = bolt_sink:Sink): ")


def test_a_broken_plugin_that_is_not_named_has_no_effect(site: Path) -> None:
    """Installing a package must not break the runs that do not use it."""
    result = run_process("config", "show", "--json", environment={"PYTHONPATH": str(site)})

    assert result.returncode == 0
    assert "highs.cooldown_seconds" not in json.loads(result.stdout)


def test_a_named_plugin_has_its_settings(site: Path) -> None:
    """One setting of it is enough to name it; it runs only if it is enabled."""
    result = run_process(
        "config", "show", "--json", "--set", "highs.cooldown_seconds=7", environment={"PYTHONPATH": str(site)}
    )

    shown = json.loads(result.stdout)
    assert shown["highs.cooldown_seconds"] == {"value": 7.0, "origin": "--set"}
    assert shown["highs.min_price_change"]["origin"] == "default"
    assert "highs" not in shown["detectors.enabled"]["value"]


def test_a_named_plugin_that_is_broken_is_one_line(site: Path, tmp_path: Path) -> None:
    """It says whose it is and what it raised."""
    result = run_process(
        "replay", "nothing", "--out", "events.bolt", folder=tmp_path, environment={"PYTHONPATH": str(site)}
    )

    assert result.returncode == 1
    assert error_line(result).startswith("cannot load sink bolt of bolt 1.0 ")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(("--no-plugins",), {}), ((), {"TICKSTOCK_PLUGINS": "off"})],
    ids=["flag", "variable"],
)
def test_plugins_can_be_turned_off(site: Path, arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    """By flag or variable: then a name that only a plugin has is unknown, and the message says why."""
    result = run_process(
        *arguments, "config", "show", "--set", 'detectors.enabled=["highs"]',
        environment={"PYTHONPATH": str(site), **environment},
    )  # fmt: skip

    assert result.returncode == 2
    assert error_line(result).endswith("; TICKSTOCK_PLUGINS is off")


def test_a_run_lists_the_plugins_that_it_used(site: Path, tmp_path: Path) -> None:
    """Beside the digest: who holds two digests against each other must know what code gave them."""
    morning(tmp_path / "day")

    result = run_process(
        "replay", "day", "--json", "--set", 'detectors.enabled=["highs"]',
        folder=tmp_path, environment={"PYTHONPATH": str(site)},
    )  # fmt: skip

    assert json.loads(result.stdout)["plugins"] == [
        {"family": "detector", "name": "highs", "distribution": "acme", "version": "1.0"}
    ]


HELP = """
import sys
sys.argv = ["tickstock", "--help"]
from tickstock_cli.cli.main import run
try:
    run()
finally:
    print("looked for plugins" if "importlib.metadata" in sys.modules else "did not look", file=sys.stderr)
"""


def test_help_loads_no_plugin() -> None:
    """Reading the metadata of every installed package takes longer than all the rest of it."""
    result = subprocess.run([sys.executable, "-c", HELP], capture_output=True, text=True)

    assert (result.returncode, result.stderr) == (0, "did not look\n")


def test_a_sample_configuration_has_the_settings_of_a_plugin_that_is_asked_for(site: Path, tmp_path: Path) -> None:
    """With meaning and bounds, like those of tickstock; the file still changes nothing."""
    environment = {"PYTHONPATH": str(site)}
    written = run_process("config", "init", "--with", "highs", folder=tmp_path, environment=environment)
    shown = run_process("config", "show", "--json", folder=tmp_path, environment=environment)
    plain = run_process("config", "init", "--out", "-", folder=tmp_path, environment=environment)

    assert written.returncode == 0, written.stderr
    text = (tmp_path / "tickstock.toml").read_text()
    assert "\n[highs]\n" in text
    assert {setting["origin"] for setting in json.loads(shown.stdout).values()} == {"default"}
    assert "[highs]" not in plain.stdout


def test_the_schema_has_the_settings_of_plugins_that_are_named(site: Path, tmp_path: Path) -> None:
    """By the configuration or by --with: an editor must not mark a section that a replay takes."""
    environment = {"PYTHONPATH": str(site)}
    (tmp_path / "mine.toml").write_text('[detectors]\nenabled = ["highs"]\n')

    def sections(*arguments: str) -> set[str]:
        result = run_process("config", "schema", *arguments, folder=tmp_path, environment=environment)
        assert result.returncode == 0, result.stderr
        return set(json.loads(result.stdout)["properties"])

    assert sections("--with", "highs") - sections() == {"highs"}
    assert sections("--config", "mine.toml") == sections("--set", "highs.cooldown_seconds=7")
    assert "highs" in sections("--config", "mine.toml")


def test_settings_of_a_part_that_is_not_there_are_one_line(site: Path) -> None:
    """A sink has none: only detectors and sources have a section."""
    result = run_process("config", "init", "--out", "-", "--with", "hihgs", environment={"PYTHONPATH": str(site)})

    assert result.returncode == 2
    assert error_line(result).startswith("no detector or source named 'hihgs'; did you mean highs? (there are: ")

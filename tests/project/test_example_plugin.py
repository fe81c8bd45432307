"""The example of a package of plugins, installed as a stranger would: no network, a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.market import morning
from tests.cli.prepared import run_prepared
from tests.cli.running import run_process
from tests.cli.serving import served_file

EXAMPLE = Path(__file__).parents[2] / "examples" / "tickstock-vwap"
ENABLED = 'detectors.enabled=["highlow", "surge", "trend", "ohlcv", "fmv", "vwap_cross"]'

PYTEST = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the environment in which the example is installed."""
    site = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "-qq", "--no-input", "--disable-pip-version-check", "install", "--no-deps"]
    offline = ["--no-build-isolation", "--no-index", "--target", str(site)]
    subprocess.run([*pip, *offline, str(EXAMPLE)], check=True)
    return {"PYTHONPATH": str(site)}


def figures(folder: Path, environment: dict[str, str], *arguments: str) -> dict[str, Any]:
    """Replay the morning, and return the figures of ``--json``."""
    result = run_process("replay", "day", "--json", *arguments, folder=folder, environment=environment)
    assert result.returncode == 0, result.stderr
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def test_its_own_tests_pass(installed: dict[str, str]) -> None:
    """They run the batteries of the test kit, with pytest and nothing else of this repository."""
    options = ("-q", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", EXAMPLE)
    result = run_prepared(*options, EXAMPLE, program=PYTEST, env={**os.environ, **installed})

    assert result.returncode == 0, result.stdout


def test_its_parts_are_listed(installed: dict[str, str]) -> None:
    """Name, family, package, version and state of each."""
    result = run_process("plugins", "--json", "--set", ENABLED, environment=installed)

    told = json.loads(result.stdout)["plugins"]
    assert {(row["family"], row["name"], row["state"]) for row in told} == {
        ("detector", "vwap_cross", "enabled"),
        ("sink", "tsv", "available"),
        ("tap", "phases", "available"),
    }
    assert {(row["distribution"], row["version"]) for row in told} == {("tickstock-vwap", "0.1.0")}


def test_a_replay_with_it_has_its_events_and_says_so(installed: dict[str, str], tmp_path: Path) -> None:
    """Kinds and column of its own reach an output of its own."""
    morning(tmp_path / "day")

    told = figures(tmp_path, installed, "--set", ENABLED, "--set", "vwap_cross.min_trades=3", "--out", "events.tsv")

    head, *lines = (tmp_path / "events.tsv").read_text().splitlines()
    events = [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]
    crosses = [event for event in events if event["kind"].startswith("vwap_cross_")]
    assert {event["kind"] for event in crosses} == {"vwap_cross_up", "vwap_cross_down"}
    assert all(float(event["vwap"]) > 0 for event in crosses)
    assert [(plugin["family"], plugin["name"]) for plugin in told["plugins"]] == [
        ("detector", "vwap_cross"),
        ("sink", "tsv"),
    ]


def test_its_detector_says_why_it_was_silent(installed: dict[str, str], tmp_path: Path) -> None:
    """As those of tickstock do: in a sentence."""
    morning(tmp_path / "day")
    moment = ("--ticker", "IBM", "--at", "2024-06-12T10:00:02-04:00")
    sets = ("--set", ENABLED, "--set", "vwap_cross.min_trades=1")

    result = run_process("explain", "day", *moment, *sets, folder=tmp_path, environment=installed)

    assert (result.returncode, result.stderr) == (0, "")
    told = " ".join(result.stdout.split())
    assert "vwap_cross_up nothing new: the price was not below VWAP before" in told
    assert "vwap_cross_down nothing new: the price was not above VWAP before" in told


def test_its_tap_sees_every_row_and_event(installed: dict[str, str], tmp_path: Path) -> None:
    """Its output appears with the run's; the digest is that of a run without it."""
    morning(tmp_path / "day")

    told = figures(tmp_path, installed, "--tap", "phases:counts.json")
    plain = figures(tmp_path, installed)

    counts = json.loads((tmp_path / "counts.json").read_text())
    accepted = sum(told["ledger"][f"{record}.processed"] for record in ("tick", "ohlcv", "fmv"))
    assert sum(counts["rows"].values()) == accepted
    assert sum(counts["events"].values()) == told["events"]
    assert [plugin["name"] for plugin in told["plugins"]] == ["phases"]
    assert told["digest"] == plain["digest"]


def test_a_replay_without_it_gives_the_digest_of_a_tickstock_that_has_no_plugins(
    installed: dict[str, str], tmp_path: Path
) -> None:
    """Installing a package changes no result: only naming a part of it does."""
    morning(tmp_path / "day")

    beside = figures(tmp_path, installed)
    alone = figures(tmp_path, {})
    used = figures(tmp_path, installed, "--set", ENABLED, "--set", "vwap_cross.min_trades=3")

    assert (beside["digest"], beside["plugins"]) == (alone["digest"], [])
    assert used["digest"] != alone["digest"]


def test_its_events_are_shown_where_it_is_not_installed(installed: dict[str, str], tmp_path: Path) -> None:
    """A file is sent to a colleague: kinds, words and limits travel with it."""
    morning(tmp_path / "day")
    few = ["--set", "vwap_cross.min_trades=3"]
    figures(tmp_path, installed, "--set", ENABLED, *few, "--out", "a.parquet")
    figures(
        tmp_path,
        installed,
        "--set",
        ENABLED,
        *few,
        "--set",
        "vwap_cross.min_distance_percent=0.5",
        "--out",
        "b.parquet",
    )

    compared = run_process("diff", "a.parquet", "b.parquet", "--limit", "1000", folder=tmp_path)
    with served_file(tmp_path / "a.parquet") as (_, url):
        watched = run_process("watch", url, "--kinds", "vwap_cross_up", folder=tmp_path)

    assert "vwap_cross.min_distance_percent: " in compared.stdout
    assert watched.returncode == 0, watched.stderr
    lines = watched.stdout.splitlines()
    assert lines
    assert all("▲ vwap_cross_up" in line and "VWAP " in line for line in lines)

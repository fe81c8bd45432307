"""`tickstock verify` as a user runs it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.prepared import run_prepared
from tests.cli.running import error_line, run_tickstock
from tickstock_cli.testing import new_york

TICKERS = 40
WITH_A_BUG = """
from tickstock_cli import detectors
detectors.PARTS["highlow"] = "tests.unit.review.planted:Forgetful"
from tickstock_cli.cli.main import run
run()
"""
"""The command of somebody whose detector loses its state between batches."""


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Write ticks of one instant, so that no speed makes anybody wait: each of many tickers makes a high."""
    rows = TICKERS * 3
    ticks = {
        "ticker": [f"T{row % TICKERS:02d}" for row in range(rows)],
        "timestamp": [new_york("2024-06-12", "10:00:00")] * rows,
        "price": [100.0 + row // TICKERS for row in range(rows)],
        "size": [100] * rows,
    }
    pq.write_table(pa.table(ticks), tmp_path / "ticks.parquet")
    return tmp_path


def test_equal_variants_are_exit_code_0(recording: Path) -> None:
    """One line a variant, with its digest, its seconds and the verdict, and one line for all."""
    result = run_tickstock("verify", recording)
    lines = [line.split() for line in result.stdout.splitlines() if line.rstrip().endswith("same")]

    assert result.returncode == 0
    assert "The whole recording: 120 rows" in result.stdout
    assert len(lines) >= 12
    assert {line[-4] for line in lines} == {str(TICKERS)}
    assert len({line[-3] for line in lines}) == 1
    assert f"All {len(lines)} variants agree: events, digest, ledger and file, byte for byte." in result.stdout


def test_json_describes_every_variant(recording: Path) -> None:
    """For scripts: ways, digests and differences; a selection is verified alone."""
    result = run_tickstock("verify", recording, "--symbols", "T01,T02", "--json")
    report = json.loads(result.stdout)

    assert result.returncode == 0
    assert (report["same"], report["slice"]) == (True, None)
    assert {(variant["rows"], variant["events"], variant["same"]) for variant in report["variants"]} == {(6, 2, True)}
    assert len({variant["digest"] for variant in report["variants"]}) == 1
    assert {variant["pipeline"] for variant in report["variants"]} == {"direct", "linear", "multi", "rollout"}
    assert report["variants"][0]["speed"] == "max"
    assert any(variant["stopped_at"] for variant in report["variants"])


def test_a_backtest_has_one_digest_in_every_variant(recording: Path) -> None:
    """Its records are resumed from the checkpoint, too, and its own settings are checked first."""
    result = run_tickstock("verify", recording, "--backtest", "--symbols", "T01,T02", "--json")
    variants = json.loads(result.stdout)["variants"]
    wrong = run_tickstock("verify", recording, "--backtest", "--set", 'prices.phases=["closed"]')

    assert result.returncode == 0
    assert len({variant["backtest"] for variant in variants}) == 1
    assert error_line(wrong).startswith("prices.phases has closed, but session.phases has only ")


def test_a_variant_that_differs_is_exit_code_4(recording: Path) -> None:
    """The table marks it, and the line on stderr names the first variant, what differs and the first event."""
    result = run_prepared("verify", recording, program=WITH_A_BUG, env={**os.environ, "COLUMNS": "80"})
    marked = [line for line in result.stdout.splitlines() if line.rstrip().endswith("DIFFERS")]

    assert result.returncode == 4
    assert len(marked) >= 3
    assert f"{len(marked)} of " in result.stdout
    assert result.stderr.startswith(f"error: {len(marked)} of ")
    assert "; first event: high of T00 at 2024-06-12T14:00:00Z (tick) " in result.stderr
    assert result.stderr.count("\n") == 1


def test_nothing_to_verify_is_bad_data(recording: Path) -> None:
    """A proof about no row would be none."""
    result = run_tickstock("verify", recording, "--symbols", "NONE")

    assert result.returncode == 3
    assert error_line(result) == "there is no row to verify; choose other paths, symbols or times"


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["none"], 3, "no such file or folder: none"),
        ([], 2, "missing argument 'PATH'; see tickstock verify --help"),
        (
            ["ticks.parquet", "--speed", "2"],
            2,
            "no such option: --speed (Possible options: --end, --set); see tickstock verify --help",
        ),
        (
            ["ticks.parquet", "--set", "highlow.cooldown_seconds=-1"],
            2,
            "highlow.cooldown_seconds = -1 (in --set): must be greater than or equal to 0",
        ),
    ],
)
def test_an_invalid_verification_is_an_error_of_one_line(
    recording: Path, arguments: list[str], code: int, line: str
) -> None:
    """What, and what to do."""
    result = run_tickstock("verify", *arguments, folder=recording)

    assert result.returncode == code
    assert error_line(result) == line


def test_what_only_rows_show_is_told_once(recording: Path) -> None:
    """Bits that hide ticks, and rejected rows, as after a replay: verify reads the recording several times."""
    ticks = pq.read_table(recording / "ticks.parquet")
    flags = pa.array([4] * len(ticks), pa.uint8())
    prices = pa.array([0.0 if row % 5 == 0 else 100.0 for row in range(len(ticks))])
    pq.write_table(ticks.set_column(2, "price", prices).append_column("flags", flags), recording / "ticks.parquet")
    notes = run_tickstock("verify", recording).stderr.splitlines()
    assert len([note for note in notes if "flags keep" in note]) == 1
    assert len([note for note in notes if "tick rows were rejected: price" in note]) == 1

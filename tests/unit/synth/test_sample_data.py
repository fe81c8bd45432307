"""sample_data is what its README says it is."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import polars as pl

from tests.cli.running import run_tickstock

SAMPLE = Path(__file__).parents[3] / "sample_data"


def test_the_command_in_the_readme_makes_it_again_row_for_row(tmp_path: Path) -> None:
    """Every value of every file, on whatever machine this runs."""
    command = re.search(r"^tickstock (synth .*)$", (SAMPLE / "README.md").read_text(encoding="utf-8"), re.M)
    assert command is not None

    result = run_tickstock(*shlex.split(command[1].replace("sample_data", "again")), folder=tmp_path)

    assert result.returncode == 0, result.stderr
    names = sorted(path.name for path in SAMPLE.glob("*.parquet"))
    assert names == ["_truth.parquet", "bars.parquet", "fmv.parquet", "ticks.parquet"]
    for name in names:
        assert pl.read_parquet(tmp_path / "again" / name).equals(pl.read_parquet(SAMPLE / name), null_equal=True), name


def test_it_is_small_and_opens_with_a_surge() -> None:
    """A few megabytes; the first injected move begins in the first seconds of regular trading."""
    rows = json.loads((SAMPLE / "_synth.json").read_text(encoding="utf-8"))["rows"]
    first = pl.read_parquet(SAMPLE / "_truth.parquet").row(0, named=True)

    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 4_000_000
    assert rows["ticks"] == 200_000
    assert first["kind"] == "surge"
    assert f"{first['start']:%H:%M}" == "14:30"

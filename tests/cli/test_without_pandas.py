"""pandas is no dependency: what stands in nanoseconds must be read and shown without it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.prepared import without_pandas
from tests.cli.running import error_line
from tickstock_cli.testing import new_york

START = new_york("2024-06-12", "10:31:00")
Results = dict[str, "subprocess.CompletedProcess[str]"]

CERTAIN = ("--set", "recordings.timezone=Etc/UTC")
"""Nothing is guessed, so nothing is noted."""

COMMANDS = {
    "explain": ("explain", "ticks.parquet", "--ticker", "ABC", "--at", "10:31:00.000000001", *CERTAIN),
    "strict": ("replay", "ticks.parquet", "--strict", *CERTAIN),
    "rejects": ("replay", "ticks.parquet", "other.parquet", "--rejects", "r.parquet", *CERTAIN),
    "inspect": ("inspect", "ticks.parquet"),
}
PROGRAM = """
import json, sys
from tests.cli.running import run_tickstock
results = {name: run_tickstock(*command) for name, command in json.loads(sys.argv[1]).items()}
print(json.dumps({name: (done.returncode, done.stdout, done.stderr) for name, done in results.items()}))
"""
"""Runs commands in one interpreter, because a new one for each would take most of the time."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write ticks with every sort of column in ns, the second without a price; in another file, one is text."""
    folder = tmp_path_factory.mktemp("without_pandas")
    times = pa.array([START + 1, START + 2], pa.int64())
    columns = {
        "ticker": pa.array(["ABC", "ABC"]),
        "timestamp": times.cast(pa.timestamp("ns", "America/New_York")),
        "price": [100.0, -1.0],
        "size": [1, 1],
        "received_at": times.cast(pa.timestamp("ns")),
        "elapsed": times.view(pa.duration("ns")),
        "history": pa.ListArray.from_arrays([0, 1, 2], times.cast(pa.timestamp("ns"))),
    }
    ticks = pa.table(columns)
    pq.write_table(ticks, folder / "ticks.parquet")
    pq.write_table(ticks.set_column(6, "history", pa.array(["none", "none"])), folder / "other.parquet")
    return folder


@pytest.fixture(scope="module")
def results(folder: Path) -> Results:
    """Run the commands where there is no pandas."""
    interpreter = [sys.executable, "-W", "error", "-c", PROGRAM, json.dumps(COMMANDS)]
    told = subprocess.run(
        interpreter, cwd=folder, env=without_pandas(folder), capture_output=True, text=True, check=True
    )
    return {name: subprocess.CompletedProcess((), *result) for name, result in json.loads(told.stdout).items()}


def test_explain_shows_the_row_to_the_last_nanosecond(results: Results) -> None:
    """With its zone told as UTC, and a time that has none as it stands."""
    result = results["explain"]

    assert (result.returncode, result.stderr) == (0, "")
    assert "timestamp=2024-06-12 14:31:00.000000001Z" in result.stdout
    assert "received_at=2024-06-12 14:31:00.000000001 " in result.stdout
    assert "history=['2024-06-12 14:31:00.000000001']" in result.stdout


def test_a_strict_replay_names_the_bad_row(results: Results) -> None:
    """The message looks the row up in its file."""
    result = results["strict"]

    assert result.returncode == 3
    assert "ticks.parquet: row 1 has a price that is no number above zero (price=-1.0)" in error_line(result)


def test_rejected_rows_of_files_whose_types_differ_are_written(results: Results, folder: Path) -> None:
    """Where one file holds a list of times and the other text, both become text."""
    result = results["rejects"]

    told = "note: 2 of 4 tick rows were rejected: price; they are in r.parquet\n"
    assert (result.returncode, result.stderr) == (0, told)
    kept = pq.read_table(folder / "r.parquet")["history"].to_pylist()
    assert kept == ["['2024-06-12 14:31:00.000000002']", "none"]


def test_inspect_reads_them_too(results: Results) -> None:
    """As the other commands that look at a recording."""
    result = results["inspect"]

    assert (result.returncode, result.stderr) == (0, "")

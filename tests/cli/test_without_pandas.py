"""pandas is no dependency: what stands in nanoseconds must be read and shown without it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.running import error_line, run_process
from tickstock_cli.testing import new_york

START = new_york("2024-06-12", "10:31:00")


CERTAIN = ("--set", "recordings.timezone=Etc/UTC")
"""Nothing is guessed, so nothing is noted."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return variables under which a command finds no pandas."""
    (tmp_path / "nothing" / "pandas").mkdir(parents=True)
    (tmp_path / "nothing" / "pandas" / "__init__.py").write_text('raise ImportError("pandas is not installed")\n')
    return {"PYTHONPATH": str(tmp_path / "nothing")}


@pytest.fixture
def ticks(tmp_path: Path) -> Path:
    """Write ticks with every sort of column in ns; the second tick has no price."""
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
    pq.write_table(pa.table(columns), tmp_path / "ticks.parquet")
    return tmp_path / "ticks.parquet"


def test_explain_shows_the_row_to_the_last_nanosecond(ticks: Path, environment: dict[str, str]) -> None:
    """With its zone told as UTC, and a time that has none as it stands."""
    at = ("--at", "10:31:00.000000001")
    result = run_process("explain", ticks, "--ticker", "ABC", *at, *CERTAIN, environment=environment)

    assert (result.returncode, result.stderr) == (0, "")
    assert "timestamp=2024-06-12 14:31:00.000000001Z" in result.stdout
    assert "received_at=2024-06-12 14:31:00.000000001 " in result.stdout
    assert "history=['2024-06-12 14:31:00.000000001']" in result.stdout


def test_a_strict_replay_names_the_bad_row(ticks: Path, environment: dict[str, str]) -> None:
    """The message looks the row up in its file."""
    result = run_process("replay", ticks, "--strict", *CERTAIN, environment=environment)

    assert result.returncode == 3
    assert "ticks.parquet: row 1 has a price that is no number above zero (price=-1.0)" in error_line(result)


def test_rejected_rows_of_files_whose_types_differ_are_written(ticks: Path, environment: dict[str, str]) -> None:
    """Where one file holds a list of times and the other text, both become text."""
    other = ticks.with_name("other.parquet")
    table = pq.read_table(ticks)
    pq.write_table(table.set_column(6, "history", pa.array(["none", "none"])), other)

    rejects = ("--rejects", ticks.with_name("r.parquet"))
    result = run_process("replay", ticks, other, *rejects, *CERTAIN, environment=environment)

    assert (result.returncode, result.stderr) == (0, "")
    kept = pq.read_table(ticks.with_name("r.parquet"))["history"].to_pylist()
    assert kept == ["['2024-06-12 14:31:00.000000002']", "none"]


def test_inspect_reads_them_too(ticks: Path, environment: dict[str, str]) -> None:
    """As the other commands that look at a recording."""
    result = run_process("inspect", ticks, environment=environment)

    assert (result.returncode, result.stderr) == (0, "")

"""`tickstock diff` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.running import error_line, run_tickstock
from tickstock_cli.replaying import Request, replay
from tickstock_cli.testing import SECOND, new_york, settings_of

START = new_york("2024-06-12", "10:00:00")
PRICES = [100.0, 101.0, 102.0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of two event files: two highs ten seconds apart, and what a cooldown of 15 s leaves of them."""
    times = [START + row * 10 * SECOND for row in range(len(PRICES))]
    ticks = {"ticker": ["ABC"] * len(PRICES), "timestamp": times, "price": PRICES, "size": [100] * len(PRICES)}
    pq.write_table(pa.table(ticks), tmp_path / "ticks.parquet")
    (tmp_path / "events.txt").touch()
    for name, cooldown in (("events", 1), ("slower", 15)):
        outs = [str(tmp_path / f"{name}{suffix}") for suffix in (".parquet", ".csv", ".jsonl")]
        settings = settings_of({"highlow.cooldown_seconds": cooldown})
        replay(Request([tmp_path / "ticks.parquet"], settings=settings, outs=outs))
    return tmp_path


def test_equal_files_end_with_0(folder: Path) -> None:
    """Whatever their formats are."""
    result = run_tickstock("diff", "events.csv", "events.jsonl", folder=folder)

    assert (result.returncode, result.stderr) == (0, "")
    assert "The files hold the same events in the same order." in result.stdout


def test_files_that_differ_end_with_4_and_say_why(folder: Path) -> None:
    """The table is data; the verdict on it is one line on stderr."""
    result = run_tickstock(
        "diff", "events.parquet", "slower.parquet", "--set", "highlow.cooldown_seconds=15", folder=folder
    )
    lines = [line.rstrip() for line in result.stdout.splitlines()]

    assert result.returncode == 4
    assert result.stderr == "error: events.parquet and slower.parquet differ: 1 only in A\n"
    assert "A events.parquet, 2 events" in lines
    assert "reasons: cooldown 1" in lines
    assert "only A   14:00:20.000  ABC  high 102  tick  cooldown" in lines
    assert "         B had told one 10 s before; highlow.cooldown_seconds is 15 s" in lines


def test_json_is_one_object(folder: Path) -> None:
    """For scripts: counts, reasons, and each difference with both events."""
    result = run_tickstock("diff", "events.jsonl", "slower.jsonl", "--json", folder=folder)
    report = json.loads(result.stdout)
    (difference,) = report["differences"]

    assert result.returncode == 4
    assert (report["equal"], report["same_order"], report["rows"]) == (False, True, {"a": 2, "b": 1})
    assert report["kinds"] == {"high": {"only_a": 1, "only_b": 0, "changed": 0, "equal": 1}}
    assert (report["reasons"], report["not_shown"]) == ({"unknown": 1}, 0)
    assert (difference["status"], difference["reason"], difference["time_utc"]) == (
        "only_a",
        "unknown",
        "2024-06-12T14:00:20Z",
    )
    assert difference["a"]["timestamp"] == START + 20 * SECOND
    assert (difference["b"], difference["columns"]) == (None, {})


def test_a_limit_of_zero_shows_only_counts(folder: Path) -> None:
    """Large differences are counted in full and shown in part."""
    result = run_tickstock("diff", "events.parquet", "slower.parquet", "--limit", "0", folder=folder)

    assert "… and 1 more; see --limit" in result.stdout
    assert "only A   14:00" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (["events.parquet", "none.csv"], 3, "none.csv does not exist; name a file that tickstock replay --out wrote"),
        (
            ["events.parquet", "events.txt"],
            2,
            "unknown format of events.txt: name a file that ends in .parquet, .jsonl, .csv",
        ),
        (
            ["ticks.parquet", "events.csv"],
            3,
            "ticks.parquet is not a file of events: it has no column event_id; it has ticker, timestamp, price, size",
        ),
        (["events.csv"], 2, "missing argument 'B'; see tickstock diff --help"),
        (
            ["events.csv", "slower.csv", "--set", "highlow.cooldown=3"],
            2,
            "unknown setting highlow.cooldown (in --set); did you mean highlow.cooldown_seconds?",
        ),
        (
            ["events.csv", "slower.csv", "--limit", "-1"],
            2,
            "invalid value for '--limit': must be greater than or equal to 0; see tickstock diff --help",
        ),
    ],
)
def test_an_invalid_comparison_is_an_error_of_one_line(
    folder: Path, arguments: list[str], code: int, line: str
) -> None:
    """What, and what to do."""
    result = run_tickstock("diff", *arguments, folder=folder)

    assert result.returncode == code
    assert error_line(result) == line


def test_a_truncated_file_is_not_compared(folder: Path) -> None:
    """Exit code 3, not 4: nothing is known about the events."""
    whole = (folder / "events.parquet").read_bytes()
    (folder / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    result = run_tickstock("diff", "events.parquet", "cut.parquet", folder=folder)

    assert result.returncode == 3
    assert error_line(result).startswith("cannot read cut.parquet as events: ")

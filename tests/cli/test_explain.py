"""`tickstock explain` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.running import error_line, run_tickstock
from tickstock_cli.testing import SECOND, new_york

START = new_york("2024-06-12", "10:31:00")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of ticks: a high, one more within its cooldown, and a bad one."""
    prices = [100.0, 101.0, 102.0, -1.0]
    times = [START, START + SECOND, START + SECOND * 3 // 2, START + 9 * SECOND]
    write_ticks(tmp_path / "ticks.parquet", timestamp=times, price=prices)
    return tmp_path


def write_ticks(path: Path, **columns: Any) -> None:
    """Write ticks of one ticker."""
    rows = len(columns["timestamp"])
    pq.write_table(pa.table({"ticker": ["ABC"] * rows, "size": [100] * rows, **columns}), path)


def told(folder: Path, at: str, *options: str) -> str:
    """Explain a moment of ABC and give what is shown, with single spaces."""
    result = run_tickstock("explain", "ticks.parquet", "--ticker", "ABC", "--at", at, *options, folder=folder)
    assert result.returncode == 0, result.stderr
    return "\n".join(" ".join(line.split()) for line in result.stdout.splitlines())


def test_a_moment_shows_the_row_and_each_verdict_on_it(folder: Path) -> None:
    """Time of day in New York; what was measured, what was needed, and what became of it."""
    shown = told(folder, "10:31:01")

    assert "ABC at 2024-06-12T14:31:01Z 2024-06-12 10:31:01.000 EDT" in shown
    assert "available 2024-06-12T14:31:01Z ticks.parquet row 1" in shown
    assert "admitted, phase regular" in shown
    assert "highlow high: fired" in shown
    assert "✓ distance from the reference $1 ≥ $0.1" in shown
    assert "✗ distance from the reference -$1 ≥ $0.1" in shown
    assert "⇒ high at 101: emitted at 2024-06-12T14:31:01Z" in shown
    assert "highlow low: nothing new: price $101, < $100 is needed" in shown
    assert "no bar of it until then; no fair value of it until then" in shown


def test_the_conclusion_comes_first(folder: Path) -> None:
    """What fired and what became of it, before all that was measured."""
    lines = told(folder, "10:31:01").splitlines()

    assert lines[2] == "last tick highlow high fired"
    assert lines[3].startswith("highlow low nothing new: price $101, < $100 is needed")
    assert [line for line in lines[:8] if line.startswith("⇒")] == ["⇒ high at 101: emitted at 2024-06-12T14:31:01Z"]
    assert told(folder, "12:00").splitlines()[2].startswith("last tick admission rejected: it ")


def test_a_cooldown_shows_its_remaining_time(folder: Path) -> None:
    """Why an event did not fire, though everything reached."""
    shown = told(folder, "2024-06-12T14:31:01.5Z")

    assert "highlow high: held back by its cooldown, 500 ms to go" in shown
    assert "✗ cooldown of 1 s 500 ms last event 500 ms before" in shown


def test_a_condition_that_does_not_hold_is_said_in_words(folder: Path) -> None:
    """Not as the name of a check and a "no"."""
    first, second = told(folder, "10:31:00"), told(folder, "10:31:01", "--set", "trend.bucket_seconds=20")
    write_ticks(folder / "ticks.parquet", timestamp=[START], price=[100.0], flags=[1 | 2 | 4])
    hidden = told(folder, "10:31:00")

    assert "trend not yet: a trend is judged when a bucket of 10 s ends; this tick begins the first" in first
    assert "trend not yet: a trend is judged when a bucket of 20 s ends; this tick is within one" in second
    assert "surge hidden from it: its flags keep the price from being a last price" in hidden
    assert "highlow high hidden from it: its flags keep the price from being a high or low" in hidden


def test_settings_decide_as_in_a_replay(folder: Path) -> None:
    """Without the cooldown the event is there, and loses its window."""
    shown = told(folder, "10:31:01.5", "--set", "highlow.cooldown_seconds=0", "--set", "coordinator.window_ms=1000")

    assert "highlow high: fired" in shown
    assert "⇒ high at 102: superseded in its window by the high of tick at 2024-06-12T14:31:01Z, 101" in shown


def test_a_rejected_row_shows_its_reason(folder: Path) -> None:
    """Also long after it."""
    shown = told(folder, "12:00")

    assert "last tick, 1 h 28 min before" in shown
    assert "rejected: it " in shown
    assert "highlow" not in shown


def test_json_is_one_object(folder: Path) -> None:
    """For scripts: rows, checks, cooldowns, verdicts and event_outcomes."""
    result = run_tickstock("explain", folder, "--ticker", "ABC", "--at", "10:31:01", "--json")
    moment = json.loads(result.stdout)
    (row,) = moment["rows"]
    high = row["verdicts"]["highlow"][0]

    assert (moment["ticker"], moment["at"], moment["absent"]) == ("ABC", START + SECOND, ["ohlcv", "fmv"])
    assert (row["record"], row["row"], row["place"], row["of"], row["age"]) == ("tick", 1, 1, 1, 0)
    assert (high["kind"], high["ending"], high["decisive"]) == ("high", "fired", None)
    assert high["cooldown"] == {"length": SECOND, "last": None, "left": 0}
    assert [event_outcome["outcome"] for event_outcome in row["event_outcomes"]] == ["emitted"]


@pytest.mark.parametrize(
    ("arguments", "code", "line"),
    [
        (
            ["ticks.parquet", "--ticker", "ABC", "--at", "10:30"],
            3,
            "ticker ABC has no row at or before 2024-06-12T14:30:00Z; its first is available at 2024-06-12T14:31:00Z",
        ),
        (
            ["ticks.parquet", "--ticker", "abc", "--at", "10:31"],
            3,
            "the recording has no ticker abc; did you mean ABC?",
        ),
        (["none.parquet", "--ticker", "ABC", "--at", "10:31"], 3, "no such file or folder: none.parquet"),
        (["ticks.parquet", "--ticker", "ABC"], 2, "missing option '--at'; see tickstock explain --help"),
        (
            ["ticks.parquet", "--ticker", "ABC", "--at", "10:31", "--start", "10:31:02"],
            2,
            "--start 2024-06-12T14:31:02Z is after --at 2024-06-12T14:31:00Z: no row can be known by then",
        ),
        (
            ["ticks.parquet", "--ticker", "ABC", "--at", "10:31", "--sort", "--late", "reject"],
            2,
            "--sort and --late reject exclude each other; choose one",
        ),
    ],
)
def test_a_time_without_rows_is_an_error_of_one_line(folder: Path, arguments: list[str], code: int, line: str) -> None:
    """What, and what there is instead."""
    result = run_tickstock("explain", *arguments, folder=folder)

    assert result.returncode == code
    assert error_line(result) == line


def test_a_time_of_day_in_a_recording_of_two_days_is_unclear(folder: Path) -> None:
    """The line shows how to write the date."""
    write_ticks(folder / "ticks.parquet", timestamp=[START, START + 86_400 * SECOND], price=[100.0, 101.0])
    result = run_tickstock("explain", folder, "--ticker", "ABC", "--at", "10:31")

    assert result.returncode == 2
    assert error_line(result).endswith("write it too, as in 2024-06-12T10:31-04:00")


def test_an_unsorted_recording_names_the_two_remedies(folder: Path) -> None:
    """As a replay would."""
    write_ticks(folder / "ticks.parquet", timestamp=[START + SECOND, START], price=[100.0, 101.0])
    failed = run_tickstock("explain", folder, "--ticker", "ABC", "--at", "10:32")

    assert failed.returncode == 3
    assert "--sort" in error_line(failed)
    assert "last tick, 59 s before" in told(folder, "10:32", "--sort")


def test_what_only_rows_show_is_told(folder: Path) -> None:
    """Bits that hide ticks, as after a replay."""
    write_ticks(folder / "ticks.parquet", timestamp=[START] * 4, price=[100.0, 101.0, 102.0, 103.0], flags=[4] * 4)
    result = run_tickstock("explain", "ticks.parquet", "--ticker", "ABC", "--at", "10:31:00", folder=folder)
    (note,) = result.stderr.splitlines()
    assert note.startswith("note: in ticks.parquet, flags keep 0 of 4 ticks from the last price, 0 from volumes and 4")

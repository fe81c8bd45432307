"""Words in the place of recordings that were meant for something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.running import error_line, run_tickstock

CUTS = "the word after --check-lookahead is read as a path unless it is a number of cuts, as in 25"
CHOOSE = "choose the detectors that run with --set 'detectors.enabled="
HIGHLOW = f'highlow is the name of a detector: {CHOOSE}["highlow"]\''


@pytest.mark.parametrize(
    ("words", "hints"),
    [
        ("backtest --check-lookahead foo", [CUTS, "all detectors and strategies that run"]),
        ("backtest sample_data --check-lookahead highlow", [CUTS, HIGHLOW]),
        ("replay sample_data highlow", [HIGHLOW]),
        (
            "replay sample_data low",
            [f'low is the name of a kind of events: {CHOOSE}["highlow", "ohlcv"]\''],
        ),
        ("inspect surge", ["surge is the name of a detector"]),
        ("backtest sample_data rules:Fade", ["for a strategy write --strategy rules:Fade"]),
        ("replay --serve none sample_data", ["the word after --serve is read as a path unless it is an address"]),
    ],
)
def test_a_word_that_is_no_path_says_what_it_may_be(words: str, hints: list[str], tmp_path: Path) -> None:
    """With the line alone that there is no such file, a user looks for a file."""
    result = run_tickstock(*words.split(), folder=tmp_path)

    assert result.returncode == 3
    line = result.stderr.splitlines()[-1]
    assert line.startswith("error: no such file or folder: ")
    assert all(hint in line for hint in hints)


def test_a_toml_file_is_no_recording(tmp_path: Path) -> None:
    """Whether it is there or not; to call it text such as CSV, and to name an import, would lead astray."""
    (tmp_path / "fade.toml").touch()

    for name in ("fade.toml", "none.toml"):
        judged = error_line(run_tickstock("backtest", name, folder=tmp_path))
        replayed = error_line(run_tickstock("replay", name, folder=tmp_path))

        assert judged.endswith(f"by its name: for a strategy write --strategy {name}, for settings --config {name}")
        assert replayed == f"{name} is no recording, by its name: for settings --config {name}"


@pytest.mark.parametrize("path", ["days/foo.parquet", "foo", "highlow-2024"])
def test_other_missing_paths_get_no_hint(path: str, tmp_path: Path) -> None:
    """A hint for every word would hide that a file is missing."""
    assert error_line(run_tickstock("replay", path, folder=tmp_path)) == f"no such file or folder: {path}"


def test_a_replay_trades_nothing(tmp_path: Path) -> None:
    """So no class of a strategy is meant."""
    assert "strategy" not in error_line(run_tickstock("replay", "rules:Fade", folder=tmp_path))


def test_a_recording_may_have_the_name_of_a_detector(tmp_path: Path) -> None:
    """What is there is read."""
    (tmp_path / "trend").mkdir()

    assert "trend" in error_line(run_tickstock("replay", "trend", folder=tmp_path))
    assert "detector" not in error_line(run_tickstock("replay", "--serve", "trend", folder=tmp_path))


def test_a_glob_after_an_option_that_can_stand_alone_is_a_path(tmp_path: Path) -> None:
    """It matches files, though no file has its name."""
    line = error_line(run_tickstock("backtest", "--check-lookahead", "no/*.parquet", folder=tmp_path))

    assert line == "no recording matches no/*.parquet"

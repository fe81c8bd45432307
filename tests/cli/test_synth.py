"""`tickstock synth` makes a market."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.conftest import Here
from tests.cli.running import error_line, run_tickstock
from tickstock_cli.synth.tickers import make_tickers

SMALL = ("--rows", "2000", "--symbols", "5")


def test_a_market_is_one_command(tmp_path: Path) -> None:
    """Three feeds, the truth, and what was made in one JSON object."""
    result = run_tickstock("synth", "market", *SMALL, "--json", folder=tmp_path)

    told = json.loads(result.stdout)
    assert result.returncode == 0
    assert told["rows"]["ticks"] == 2_000
    assert set(told["injected"]) == {"surge", "trend", "fmv", "halt"}
    assert pl.read_parquet(tmp_path / "market" / "ticks.parquet")["ticker"].n_unique() == 5


def test_without_json_stdout_stays_empty(tmp_path: Path) -> None:
    """The data went to the folder; the rest is talk."""
    result = run_tickstock("synth", "market", *SMALL, "--no-bars", "--no-fmv", folder=tmp_path)

    assert result.stdout == ""
    assert "market: 2,000 ticks\n" in result.stderr
    assert sorted(path.name for path in (tmp_path / "market").glob("[a-z]*")) == ["ticks.parquet"]


def test_a_synthetic_market_can_be_replayed_and_scored(tmp_path: Path) -> None:
    """The round trip that the truth is for: every fair value held away from the market is told."""
    run_tickstock("synth", "market", "--rows", "60000", "--symbols", "10", "--deviations", "4", folder=tmp_path)
    replayed = run_tickstock("replay", "market", "--out", "events.parquet", folder=tmp_path)
    assert replayed.returncode == 0, replayed.stderr

    scored = run_tickstock("score", "events.parquet", "market", "--json", folder=tmp_path)
    table = run_tickstock("score", "events.parquet", "market/_truth.parquet", folder=tmp_path)

    other = run_tickstock(
        "synth", "later", "--rows", "60000", "--symbols", "10", "--date", "2026-03-03", folder=tmp_path
    )
    assert other.returncode == 0, other.stderr
    mistaken = run_tickstock("score", "events.parquet", "later", folder=tmp_path)

    assert (mistaken.returncode, mistaken.stdout) == (3, "")
    assert error_line(mistaken) == (
        "events.parquet and later are of different markets: they have no day in common (2026-03-02; 2026-03-03); "
        "name the truth of the market that was replayed"
    )
    fmv = json.loads(scored.stdout)["kinds"]["fmv"]
    assert (fmv["injected"], fmv["recall"]) == (4, 1.0)
    assert "precision" in table.stdout
    assert max(map(len, table.stdout.splitlines())) <= 80


def test_tickers_and_days_without_an_injected_move_are_no_other_market(tmp_path: Path) -> None:
    """Two surges, both of one ticker, on two of three days: the rest of the market has no truth to be scored by."""
    injected = ("--surges", "2", "--opening-surges", "0", "--trends", "0", "--deviations", "0", "--halts", "0")
    size = ("--rows", "60000", "--symbols", "10", "--days", "3", "--no-bars")
    made = run_tickstock("synth", "market", *size, *injected, folder=tmp_path)
    assert made.returncode == 0, made.stderr
    truth = pl.read_parquet(tmp_path / "market" / "_truth.parquet")
    (moved,), days = truth["ticker"].unique(), truth["start"].dt.date().unique().sort().cast(str).to_list()
    other = next(ticker for ticker in make_tickers(1, 10) if ticker != moved)
    few = ("--set", "highlow.cooldown_seconds=0", "--set", "highlow.min_percent_change=0")
    chosen = {"ticker": ("--symbols", other), "day": ("--symbols", moved, "--start", "2026-03-04T00:00-05:00")}
    found = {"ticker": f"({other}; {moved})", "day": f"(2026-03-04; {', '.join(days)})"}
    for word, options in chosen.items():
        replayed = run_tickstock("replay", "market", *options, *few, "--out", "few.parquet", folder=tmp_path)
        assert replayed.returncode == 0, replayed.stderr
        assert error_line(run_tickstock("score", "few.parquet", "market", folder=tmp_path)) == (
            f"few.parquet and market have no {word} in common {found[word]}, though they are of one market: no move "
            f"was injected for these {word}s; name the events of a replay of every {word}"
        )

    judged = run_tickstock("backtest", "market", "--symbols", other, *few, "--truth", "market", folder=tmp_path)
    assert error_line(judged).startswith("the events and market have no ticker in common (")


def test_options_of_another_market_beside_a_truth_say_nothing(tmp_path: Path) -> None:
    """The truth's moves are not of that market, so what the options say of the events proves nothing."""
    run_tickstock("synth", "market", "--rows", "60000", "--symbols", "10", "--deviations", "4", folder=tmp_path)
    run_tickstock("replay", "market", "--out", "events.parquet", folder=tmp_path)
    later = ("--rows", "60000", "--symbols", "10", "--date", "2026-03-03")
    run_tickstock("synth", "later", *later, "--deviations", "4", folder=tmp_path)
    for options in ('{"options": {}}', (tmp_path / "market" / "_synth.json").read_text()):
        (tmp_path / "later" / "_synth.json").write_text(options)
        line = error_line(run_tickstock("score", "events.parquet", "later", folder=tmp_path))

        assert "no move was injected for these days, or they are of different markets; name the truth" in line


def test_invalid_options_are_errors_of_one_line(tmp_path: Path) -> None:
    """With exit code 2, and nothing made."""
    mistakes = {
        ("--date", "2026-07-04"): "2026-07-04 is no trading day in New York (Saturday); the next is 2026-07-06",
        ("--date", "tomorrow"): "--date is 'tomorrow', but a date such as 2026-03-02 is wanted",
        ("--rows", "0"): "--rows is 0, but 1 to 10000000000 is allowed",
        ("--surges", "2"): "--surges is 2, but only 0 found a symbol",
        ("--surges", "2", "--pure-noise"): "--pure-noise leaves no room for --surges; give one of the two",
        ("--drift-seconds", "0"): "--drift-seconds is 0, but 1 to 3600 is allowed",
        ("--no-ticks", "--no-bars", "--no-fmv"): "nothing to write",
    }
    for arguments, message in mistakes.items():
        result = run_tickstock("synth", "market", *SMALL, *arguments, folder=tmp_path)
        assert result.returncode == 2
        assert message in error_line(result)
    assert list(tmp_path.iterdir()) == []


def test_a_market_is_not_overwritten_by_accident(tmp_path: Path) -> None:
    """Only with --force."""
    for expected in (0, 2):
        result = run_tickstock("synth", "market", *SMALL, folder=tmp_path)
        assert result.returncode == expected

    assert "market is not empty; add --force to replace the market in it" in error_line(result)
    assert run_tickstock("synth", "market", *SMALL, "--force", folder=tmp_path).returncode == 0


def test_score_reports_invalid_options_and_files(tmp_path: Path) -> None:
    """Usage 2, data 3."""
    grace = run_tickstock("score", "events.parquet", ".", "--grace", "surge", folder=tmp_path)
    missing = run_tickstock("score", "events.parquet", ".", folder=tmp_path)

    assert grace.returncode == 2
    assert error_line(grace) == "--grace is 'surge', but KIND=SECONDS, 0 or more, is wanted, as in surge=60"
    assert missing.returncode == 3
    assert error_line(missing) == "events.parquet does not exist; name a file that tickstock replay --out wrote"


@pytest.mark.parametrize(
    ("graces", "line"),
    [
        (["surg=3"], "--grace surg=3: nothing of the kind surg is ever injected; did you mean surge=3?"),
        (
            ["high=0"],
            "--grace high=0: nothing of the kind high is ever injected; there are surge, trend, fmv, halt",
        ),
        (["fmv=1", "fmv=2"], "--grace fmv=2: the grace of fmv is given twice; give it once"),
        (["trend=inf"], "--grace is 'trend=inf', but KIND=SECONDS, 0 or more, is wanted, as in surge=60"),
    ],
)
def test_a_grace_without_effect_is_an_error(here: Here, graces: list[str], line: str) -> None:
    """A typo would otherwise leave the default standing in silence."""
    result = here("score", "events.parquet", ".", *(word for grace in graces for word in ("--grace", grace)))

    assert result.returncode == 2
    assert error_line(result) == line


def test_score_distinguishes_a_missing_file_from_an_unknown_format(here: Here, tmp_path: Path) -> None:
    """3 and 2, as diff does."""
    (tmp_path / "events.txt").touch()
    (tmp_path / "events.csv").touch()

    results = [here("score", *names.split()) for names in ("none .", "events.txt .", "events.csv none")]

    assert [result.returncode for result in results] == [3, 2, 3]
    assert error_line(results[0]) == "none does not exist; name a file that tickstock replay --out wrote"
    assert error_line(results[1]).startswith("unknown format of events.txt: name a file that ends in ")

"""`tickstock replay --shadow`: two configurations in one pass, told apart in files and counted side by side."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tests.cli.conftest import Here
from tests.cli.market import morning

CALM = "[highlow]\ncooldown_seconds = 600\n"


def test_a_second_configuration_runs_on_the_same_rows(here: Here) -> None:
    """Its events are in files beside those of the run, and its digest is that of a replay with this file."""
    morning(Path("recorded"))
    Path("calm.toml").write_text(CALM, encoding="utf-8")
    both = json.loads(
        here("replay", "recorded", "--shadow", "calm.toml", "--out", "ev.jsonl", "--out", "ev.parquet", "--json").stdout
    )
    alone = json.loads(here("replay", "recorded", "--config", "calm.toml", "--json").stdout)
    plain = json.loads(here("replay", "recorded", "--json").stdout)

    shadow = both["shadow"]
    assert both["digest"] == plain["digest"]
    assert (shadow["config"], shadow["digest"], shadow["ledger"]) == ("calm.toml", alone["digest"], alone["ledger"])
    assert pl.read_parquet("ev.shadow.parquet").height == shadow["events"] == alone["events"]
    assert len(Path("ev.shadow.jsonl").read_text(encoding="utf-8").splitlines()) == alone["events"]
    assert shadow["by_kind"]["high"]["main"] > 0 == shadow["by_kind"]["trend"]["main"]
    assert [output["state"] for output in shadow["outputs"]] == ["written", "written"]
    assert (shadow["missing"], shadow["problem"]) == (0, None)


def test_the_summary_shows_both_side_by_side(here: Here) -> None:
    """Standard output is that of the run alone: a shadow has no such output."""
    morning(Path("recorded"))
    Path("calm.toml").write_text(CALM, encoding="utf-8")
    result = here("replay", "recorded", "--shadow", "calm.toml", "--out", "-")

    assert result.returncode == 0
    assert "shadow calm.toml: " in result.stderr
    assert "only the shadow" in result.stderr
    lines = result.stderr.splitlines()
    digest = next(place for place, line in enumerate(lines) if line.startswith("digest "))
    assert not lines[digest + 1].strip()  # what follows stands apart
    assert len(result.stdout.splitlines()) == json.loads(here("replay", "recorded", "--json").stdout)["events"]
    assert not list(Path().glob("*shadow*"))


def test_mistakes_in_the_file_are_one_line_that_names_it(here: Here) -> None:
    """Whatever is wrong: there is none, it is no TOML, a key is unknown, or it asks for other rows."""
    morning(Path("recorded"))
    wrong = {
        "gone.toml": (None, "cannot read the configuration gone.toml"),
        "text.toml": ("hello", "text.toml is not TOML"),
        "key.toml": ("[highlow]\ncooldown = 1\n", "unknown setting highlow.cooldown (in key.toml)"),
        "rows.toml": (
            '[session]\ncalendar = "24/7"\n',
            '--shadow rows.toml: session.calendar = "24/7", but the run has',
        ),
    }
    for name, (text, words) in wrong.items():
        if text is not None:
            Path(name).write_text(text, encoding="utf-8")
        result = here("replay", "recorded", "--shadow", name)
        assert result.returncode == 2
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_a_shadow_reads_the_columns_that_the_run_maps(here: Here) -> None:
    """What says how rows are read need not be said twice."""
    morning(Path("recorded"))
    ticks = pl.read_parquet("recorded/ticks.parquet").rename({"price": "last"})
    ticks.write_parquet("recorded/ticks.parquet")
    Path("calm.toml").write_text(CALM, encoding="utf-8")
    result = here("replay", "recorded", "--map", "price=last", "--shadow", "calm.toml", "--json")

    assert json.loads(result.stdout)["shadow"]["events"] < json.loads(result.stdout)["events"]


def test_what_a_shadow_cannot_do_is_refused(here: Here) -> None:
    """A checkpoint lacks its state, a comparison has two runs, and its file must be no other output."""
    morning(Path("recorded"))
    Path("calm.toml").write_text(CALM, encoding="utf-8")
    replay = ("replay", "recorded", "--shadow", "calm.toml")
    refused = {
        ("--checkpoint", "kept"): "leave --shadow or --checkpoint out",
        ("--pipeline", "compare"): "--shadow needs one run",
        ("--out", "ev.csv", "--out", "ev.shadow.csv"): "ev.shadow.csv is named as an output twice",
    }
    for options, words in refused.items():
        result = here(*replay, *options)
        assert (result.returncode, words in result.stderr) == (2, True)

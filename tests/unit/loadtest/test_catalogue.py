"""Reading scenarios: every mistake is one line with its place, key and value."""

from __future__ import annotations

from pathlib import Path

import pytest

from tickstock_cli.errors import SettingsError
from tickstock_cli.loadtest.catalogue import load_scenario

SMALL = """
title = "small"

[symbols]
tick = 5

[[stages]]
name = "only"
seconds = 10
tick = 3
"""


def write(folder: Path, text: str) -> str:
    """Write a scenario of one's own, and return its path."""
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_file_of_the_user_is_a_scenario(tmp_path: Path) -> None:
    """Named by its path; what it leaves out has its default."""
    scenario = load_scenario(write(tmp_path, SMALL))

    assert (scenario.rows("tick"), scenario.clients.count, scenario.thresholds.tick_p99_ms.limit) == (30, 1, 50)


def test_assignments_reach_stages_by_name_and_make_ramps_of_numbers(tmp_path: Path) -> None:
    """And tables that are not there; the last one wins."""
    sets = ["stages.only.tick.to=9", "clients.count=3", "clients.count=4", "thresholds.tick_p99_ms.abort_after=5"]
    scenario = load_scenario(write(tmp_path, SMALL), sets)

    assert (scenario.stages[0].tick.begin, scenario.stages[0].tick.end) == (3, 9)
    assert scenario.clients.count == 4
    assert (scenario.thresholds.tick_p99_ms.limit, scenario.thresholds.tick_p99_ms.abort_after) == (50, 5)


def test_settings_may_be_tables_or_dotted_names(tmp_path: Path) -> None:
    """Both are what --set of a replay takes."""
    text = SMALL + "[settings.highlow]\ncooldown_seconds = 0\n"
    scenario = load_scenario(write(tmp_path, text), ["settings.surge.interval_seconds=10"])

    assert scenario.settings == {"highlow.cooldown_seconds": 0, "surge.interval_seconds": 10}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tick = 5", "tik = 5", "unknown key symbols.tik; did you mean tick?"),
        ("tick = 5", "tick = -5", "symbols.tick = -5: must be greater than or equal to 0"),
        ("tick = 5", "tick = true", "symbols.tick = true: must be a valid integer"),
        ("tick = 3", 'tick = "3/hour"', 'stages.only.tick = "3/hour": must be a number of rows a second, or a text'),
        ("tick = 3", "tick = {from = 3}", "stages.only.tick.to is missing; add it: rows a second at its end"),
        ("tick = 3", "tick = {from = 0, to = 9, shape = 'exponential'}", "write 1 instead of 0, or take linear"),
        ("tick = 3", "ohlcv = 3", "stage only has rows of ohlcv, but symbols.ohlcv is 0; raise it"),
        ("tick = 5", "", "there is no ticker; raise symbols.tick"),
        ("seconds = 10", "", "stages.only.seconds is missing; add it"),
        ("seconds = 10", "seconds = 1.5", "stages.only.seconds = 1.5: must be a valid integer"),
        ("[symbols]", "slot_ms = 3\n[symbols]", "slot_ms = 3: must divide 1000"),
        ("[symbols]", "start = 2026-03-02T09:30:00\n[symbols]", "needs a zone, as in"),
        ("[symbols]", "[thresholds]\ntick_p99 = 5\n[symbols]", "thresholds.tick_p99; did you mean tick_p99_ms?"),
        ("[symbols]", "[[faults]]\nkind = 'drop'\n[symbols]", "faults.0: a drop needs share, above 0"),
        ("[symbols]", "[[faults]]\nkind = 'lose'\n[symbols]", "faults.0.kind = \"lose\": must be 'drop', 'duplicate'"),
        ("[symbols]", "[[faults]]\nkind = 'stall'\nms = 9000\nevery_seconds = 5\n[symbols]", "must end before"),
        ("[symbols]", "[[faults]]\nkind = 'drop'\nshare = 0.1\nstages = ['on']\n[symbols]", "no stage on; there"),
        ("[symbols]", "[settings.highlow]\ncooldown_second = 0\n[symbols]", "did you mean highlow.cooldown_seconds?"),
        ("[symbols]", "[symbols", "mine.toml is not TOML: "),
    ],
)  # fmt: skip
def test_an_invalid_scenario_is_an_error_of_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    """With the file, the key, the value, and what to do."""
    name = write(tmp_path, SMALL.replace(old, new))

    with pytest.raises(SettingsError) as caught:
        load_scenario(name)
    assert message in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("stages.onl.tick=3", "--set stages.onl.tick=3: there is no stages.onl; did you mean only?"),
        ("stages.only=3", "stages.only is a table; set a key of it"),
        ("faults.0.share=1", "there is no faults.0; there are none"),
        ("symbols.tick", "--set symbols.tick: write key=value"),
        ("title.x=1", 'title is "small", which has no keys; set title itself'),
        ("symbols.tick=x", '--set symbols.tick: symbols.tick = "x": must be a valid integer'),
        ("settings.highlow.cooldown_seconds=-1", "highlow.cooldown_seconds = -1 (in --set)"),
        ("stages.only.ohlcv=3", "with --set: stage only has rows of ohlcv"),
    ],
)
def test_the_error_of_an_assignment_names_it(tmp_path: Path, assignment: str, message: str) -> None:
    """The file is not to blame."""
    with pytest.raises(SettingsError) as caught:
        load_scenario(write(tmp_path, SMALL), [assignment])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("title", "titel", "unknown key titel; did you mean title?"),
        ("[symbols]", "[symbol]", "unknown key symbol; did you mean symbols?"),
        ("[[stages]]", "[[stage]]", "unknown key stage; did you mean stages?"),
        ("seconds = 10", "secnds = 10", "unknown key stages.only.secnds; did you mean seconds?"),
        ("tick = 3", "tick = {frm = 3, to = 4}", "unknown key stages.only.tick.frm; did you mean from?"),
    ],
)
def test_a_misspelt_key_is_one_mistake(tmp_path: Path, old: str, new: str, told: str) -> None:
    """It is not missing as well: the word that is wrong is shown, and nothing else is counted."""
    name = write(tmp_path, SMALL.replace(old, new))
    with pytest.raises(SettingsError) as caught:
        load_scenario(name)
    assert str(caught.value) == f"{name}: {told}"


def test_a_missing_key_beside_an_unknown_one_is_counted(tmp_path: Path) -> None:
    """Two mistakes are two: an unknown key unlike the missing one does not explain it."""
    name = write(tmp_path, SMALL.replace("seconds = 10", "colour = 10"))
    with pytest.raises(SettingsError, match=r"unknown key stages.only.colour; .*; and 1 more$"):
        load_scenario(name)


def test_an_unknown_name_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    """A missing file with its path."""
    with pytest.raises(SettingsError, match="no scenario is named market_surge; did you mean market_open_surge"):
        load_scenario("market_surge")
    with pytest.raises(SettingsError, match="no such file or directory; name an existing file"):
        load_scenario(str(tmp_path / "none.toml"))

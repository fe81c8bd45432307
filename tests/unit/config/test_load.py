"""Settings come from four layers, each value with its origin, and nothing unknown passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.config.sections import MODEL
from tickstock_cli.config.load import Loaded, load
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.values import format_value, parse_value
from tickstock_cli.errors import SettingsError


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where no configuration lies about."""
    monkeypatch.chdir(tmp_path)


def loaded(*assignments: str, file: Path | None = None, environment: dict[str, str] | None = None) -> Loaded[Settings]:
    """Load the test model from the given layers."""
    return load(MODEL, file=file, environment=environment or {}, assignments=assignments)


def complaint(*assignments: str, **layers: Any) -> str:
    """Return the one line that loading these layers ends in."""
    with pytest.raises(SettingsError) as caught:
        loaded(*assignments, **layers)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_without_any_layer_everything_is_default() -> None:
    """Defaults are those of the models, checked like any other value."""
    result = loaded()

    assert result.settings.session.phases == ("pre", "regular", "post")
    assert result.settings.detectors.enabled == ("wave",)
    assert set(result.origins.values()) == {"default"}


def test_each_layer_beats_the_one_below() -> None:
    """File over default, environment over file, --set over all; each value remembers which."""
    Path("tickstock.toml").write_text("[wave]\ncooldown_seconds = 1\n[guard]\nconfirm_rows = 4\noutlier_percent = 7\n")
    environment = {"TICKSTOCK_WAVE__COOLDOWN_SECONDS": "2", "TICKSTOCK_GUARD__CONFIRM_ROWS": "5", "HOME": "/"}

    result = loaded("wave.cooldown_seconds=3", environment=environment)

    wave: Any = result.settings.model_dump()["wave"]
    assert (wave["cooldown_seconds"], result.origins["wave.cooldown_seconds"]) == (3, "--set")
    assert result.settings.guard.confirm_rows == 5
    assert result.origins["guard.confirm_rows"] == "TICKSTOCK_GUARD__CONFIRM_ROWS"
    assert (result.settings.guard.outlier_percent, result.origins["guard.outlier_percent"]) == (7, "tickstock.toml")
    assert result.origins["coordinator.window_ms"] == "default"


def test_a_named_file_replaces_the_one_in_the_folder(tmp_path: Path) -> None:
    """--config means this file and no other."""
    Path("tickstock.toml").write_text("[guard]\nconfirm_rows = 4\n")
    other = tmp_path / "mine.toml"
    other.write_text("[guard]\noutlier_percent = 7\n")

    result = loaded(file=other)

    assert result.settings.guard.confirm_rows == 3
    assert result.origins["guard.outlier_percent"] == str(other)


def test_entries_of_a_mapping_are_joined_from_all_layers() -> None:
    """Each column keeps its own origin."""
    Path("tickstock.toml").write_text('[recordings.columns]\nprice = "last"\nsize = "qty"\n')

    result = loaded(
        "recordings.columns.price=px",
        environment={"TICKSTOCK_RECORDINGS__COLUMNS": '{ticker = "sym"}', "TICKSTOCK_RECORDINGS__COLUMNS__FMV": "fair"},
    )

    assert result.settings.recordings.columns == {"price": "px", "size": "qty", "ticker": "sym", "fmv": "fair"}
    assert {key: place for key, place in result.origins.items() if key.startswith("recordings.columns")} == {
        "recordings.columns.price": "--set",
        "recordings.columns.size": "tickstock.toml",
        "recordings.columns.ticker": "TICKSTOCK_RECORDINGS__COLUMNS",
        "recordings.columns.fmv": "TICKSTOCK_RECORDINGS__COLUMNS__FMV",
    }


def test_the_environment_writes_values_as_set_does() -> None:
    """One syntax: lists as in TOML, bare words as text, quotes allowed."""
    environment = {
        "TICKSTOCK_SESSION__PHASES": '["regular"]',
        "TICKSTOCK_COORDINATOR__KEY": "ticker",
        "TICKSTOCK_SESSION__CALENDAR": '"24/7"',
        "TICKSTOCK_COORDINATOR__HOLD_TOP_SOURCE": "true",
        "TICKSTOCK_DEBUG": "1",
        "TICKSTOCK_PERF_CACHE": "kept",
        "TICKSTOCK_PERF_RIVALS": "kept",
        "TICKSTOCK_TOKEN": "secret",
    }

    settings = loaded(environment=environment).settings

    assert settings.session.phases == ("regular",)
    assert (settings.coordinator.key, settings.session.calendar) == ("ticker", "24/7")
    assert settings.coordinator.hold_top_source is True


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        (
            "wave.cooldwn_seconds=3",
            "unknown setting wave.cooldwn_seconds (in --set); did you mean wave.cooldown_seconds?",
        ),
        (
            "cooldown_seconds=3",
            (
                "unknown setting cooldown_seconds (in --set); did you mean monitoring.cooldown_seconds or "
                "wave.cooldown_seconds?"
            ),
        ),
        (
            "x.timeout=3",
            (
                "unknown setting x.timeout (in --set); did you mean tick_channel.timeout_ms, "
                "ohlcv_channel.timeout_ms or fmv_channel.timeout_ms?"
            ),
        ),
        (
            "gaurd.rows=3",
            "unknown setting gaurd.rows (in --set); the settings of guard are guard.outlier_percent, guard.",
        ),
        (
            "wave=3",
            "wave is a section, not a setting (in --set); its settings are wave.cooldown_seconds, ",
        ),
        ("xyz=3", "unknown setting xyz (in --set); the sections are session, guard, "),
        ("wave.cooldown_seconds", "--set wave.cooldown_seconds: write section.key=value"),
    ],
)
def test_an_unknown_key_is_an_error_that_names_the_nearest(assignment: str, expected: str) -> None:
    """A typo must not leave a default standing in silence."""
    assert complaint(assignment).startswith(expected)


def test_an_unknown_key_names_the_variable_or_file_it_stands_in() -> None:
    """The user should not have to search four places."""
    assert "(in TICKSTOCK_WAVE__COOLDOWN); did you mean wave.cooldown_seconds?" in complaint(
        environment={"TICKSTOCK_WAVE__COOLDOWN": "1"}
    )
    Path("tickstock.toml").write_text("[wave]\ncooldown = 1\n")
    assert complaint().startswith("unknown setting wave.cooldown (in tickstock.toml); did you mean")


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("wave.cooldown_seconds=-1", "wave.cooldown_seconds = -1 (in --set): must be greater than or equal to 0"),
        ("wave.cooldown_seconds=inf", "wave.cooldown_seconds = inf (in --set): must be a finite number"),
        ("wave.cooldown_seconds=soon", 'wave.cooldown_seconds = "soon" (in --set): must be a number'),
        ("wave.cooldown_seconds=true", "wave.cooldown_seconds = true (in --set): must be a number"),
        ("wave.windows_seconds=[180, true]", "wave.windows_seconds[1] = true (in --set): must be a number"),
        ("guard.confirm_rows=true", "guard.confirm_rows = true (in --set): must be a number"),
        ("wave.windows_seconds=[180, 'x']", 'wave.windows_seconds[1] = "x" (in --set): must be an integer'),
        ("wave.windows_seconds=[]", "wave.windows_seconds = [] (in --set): must have at least 1 item"),
        ("wave.weights=[1]", "wave (in --set): needs one weight a window, weights were (1.0,)"),
        ("session.phases=regular", 'session.phases = "regular" (in --set): must be a list, as in ["a", "b"]'),
        ("session.phases=['pre','pre']", 'session.phases = ["pre", "pre"] (in --set): must name each item once'),
        ("session.calendar=XLON", "session.calendar = \"XLON\" (in --set): must be 'XNYS', '24/7' or 'custom'"),
        (
            "detectors.enabled=['wvae']",
            'detectors.enabled = ["wvae"] (in --set): must name detectors, but there is no ',
        ),
        (
            "recordings.columns.prize=last",
            'recordings.columns.prize = "last" (in --set): there is no prize; did you mean price?',
        ),
        (
            "recordings.columns.xyz=last",
            'recordings.columns.xyz = "last" (in --set): there is no xyz; the choices are ticker, ',
        ),
        (
            "recordings.timezone=new york",
            (
                'recordings.timezone = "new york" (in --set): must be the name of a time zone; '
                "did you mean America/New_York?"
            ),
        ),
        (
            "recordings.timezone=localtime",
            'recordings.timezone = "localtime" (in --set): must be the name of a time zone',
        ),
        ("coordinator.window_ms=0.5", "coordinator.window_ms = 0.5 (in --set): must be an integer"),
    ],
)
def test_a_value_out_of_range_names_key_value_place_and_bound(assignment: str, expected: str) -> None:
    """What is wrong, where, which value, and what would be right."""
    assert complaint(assignment).startswith(expected)


def test_several_wrong_values_are_counted() -> None:
    """One line tells the first and how many more there are."""
    assert complaint("guard.confirm_rows=0", "wave.cooldown_seconds=-1").endswith("; and 1 more")
    assert complaint('session.phases=["regulr"]').endswith("must be 'pre', 'regular', 'post', 'closed' or 'overnight'")
    assert complaint('session.phases=["regulr", "p"]').endswith("; and 1 more")


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """A named file must exist and be TOML; the default one may be missing."""
    broken = tmp_path / "broken.toml"
    broken.write_text("[wave\n")

    assert complaint(file=tmp_path / "none.toml").startswith(
        f"cannot read the configuration {tmp_path}/none.toml: no such"
    )
    assert complaint(file=broken).startswith(f"{broken} is not TOML: Expected ']'")
    assert "is a directory" in complaint(file=tmp_path)


values = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=8,
)


@given(values)
def test_a_displayed_value_can_be_read_back(value: Any) -> None:
    """What `config show` and `config init` print can be pasted into a file or behind --set."""
    assert parse_value(format_value(value)) == value

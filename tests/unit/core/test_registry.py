"""The registry: the project's own parts and those of installed plugins, by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.unit.installing import install
from tickstock_cli.core.registry import SWITCH, Family, Part
from tickstock_cli.errors import PluginError, SettingsError, UnknownPartError

GROUP = "tickstock.gauges"
GAUGES = Family("gauge", {"own": "pathlib:Path"}, ("read",))


def test_a_plugin_is_known_without_its_code(site: Path) -> None:
    """A module that fails at import does no harm until somebody names the part."""
    install(site, "acme-gauges", {GROUP: {"acme": "acme_broken:Gauge"}}, acme_broken="raise RuntimeError")

    (plugin,) = GAUGES.plugins

    assert plugin.as_dict() == {"family": "gauge", "name": "acme", "distribution": "acme-gauges", "version": "1.0"}
    assert GAUGES.names == ["own", "acme"]
    assert "acme_broken" not in sys.modules


def test_a_plugin_is_loaded_by_its_name(site: Path) -> None:
    """Beside the parts of the project, which need no plugin."""
    install(site, "acme-gauges", {GROUP: {"acme": "acme_whole:Gauge"}}, acme_whole="class Gauge:\n    read = 1\n")

    assert GAUGES.load("acme").read == 1
    assert GAUGES.load("own") is Path


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("def (", "SyntaxError: "),
        ("", "AttributeError: "),
        ("class Gauge: pass", "it lacks read; see docs/add-a-gauge.md"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_is_one_line(site: Path, source: str, told: str) -> None:
    """It names distribution, version, entry point and what was raised: the reader did not write the plugin."""
    install(site, "acme-gauges", {GROUP: {"acme": "acme_gauge:Gauge"}}, acme_gauge=source)

    with pytest.raises(PluginError) as caught:
        GAUGES.load("acme")

    begin = "cannot load gauge acme of acme-gauges 1.0 (entry point acme = acme_gauge:Gauge): "
    assert str(caught.value).startswith(begin + told)
    assert "\n" not in str(caught.value)


def test_two_plugins_of_one_name_are_an_error_that_names_both(site: Path) -> None:
    """Which of them runs must not depend on the order in which they were installed."""
    for distribution in ("acme-gauges", "bolt-gauges"):
        install(site, distribution, {GROUP: {"level": f"{distribution[:4]}:Gauge"}})

    with pytest.raises(PluginError, match=r"two plugins have this name, acme-gauges 1.0 .* and bolt-gauges 1.0 "):
        GAUGES.load("level")


def test_a_plugin_cannot_take_the_name_of_a_part_of_the_project(site: Path) -> None:
    """Neither in silence nor at all."""
    install(site, "acme-gauges", {GROUP: {"own": "acme:Gauge"}})

    with pytest.raises(PluginError, match=r"acme-gauges 1.0 .* takes a name that tickstock itself uses"):
        GAUGES.load("own")
    assert GAUGES.load_own("own") is Path


def test_plugins_can_be_turned_off(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there are none, and the message for an unknown name says so."""
    install(site, "acme-gauges", {GROUP: {"acme": "acme:Gauge"}})
    monkeypatch.setenv(SWITCH, "off")

    assert GAUGES.plugins == []
    with pytest.raises(UnknownPartError, match=r"no gauge named 'acme' \(there are: own\); TICKSTOCK_PLUGINS is off"):
        GAUGES.load("acme")


def test_a_switch_that_is_neither_on_nor_off_is_an_error(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt off must not mean on."""
    monkeypatch.setenv(SWITCH, "offf")

    with pytest.raises(SettingsError, match="TICKSTOCK_PLUGINS must be on or off, was 'offf'"):
        GAUGES.has("acme")
    assert not list(site.iterdir())


def test_settings_are_read_without_loading_the_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A line names both; every command reads all settings, and few need the part."""
    (tmp_path / "quick_params.py").write_text("class Params: ...\n")
    (tmp_path / "slow_part.py").write_text("raise RuntimeError('loaded')\n")
    monkeypatch.syspath_prepend(tmp_path)
    family = Family("source", {"slow": Part("slow_part:Slow", "quick_params:Params"), "plain": "slow_part:Plain"})

    assert list(family.own_params()) == ["slow"]
    assert family.target("slow") == "slow_part:Slow"
    assert family.target("plain") == "slow_part:Plain"
    with pytest.raises(RuntimeError, match="loaded"):
        family.load_own("slow")

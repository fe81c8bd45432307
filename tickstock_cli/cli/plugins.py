"""`tickstock plugins`: the parts that other packages add, where they come from, and which can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from tickstock_cli.cli.options import ConfigFile, Json, Sets

if TYPE_CHECKING:
    from tickstock_cli.core.registry import Family


def plugins(config: ConfigFile = None, sets: Sets = None, as_json: Json = False) -> None:
    """List the parts that other packages add, and say which of them can be used.

    The code of every plugin is imported to find out. A detector is enabled if the configuration names it.
    """
    from tickstock_cli.core.registry import plugins_are_on

    found = [row for family in _families() for row in _rows(family, _enabled(config, sets))]
    if as_json:
        import json

        typer.echo(json.dumps({"on": plugins_are_on(), "plugins": found}, indent=2, ensure_ascii=False))
        return
    if not plugins_are_on():
        typer.echo("plugins are off (--no-plugins or TICKSTOCK_PLUGINS=off)", err=True)
    elif not found:
        typer.echo("no plugin is installed", err=True)
    else:
        _print_table(found)


def _families() -> tuple[Family, ...]:
    """Return the families of parts, one line each."""
    from tickstock_cli.detectors import DETECTORS
    from tickstock_cli.engine.taps import TAPS
    from tickstock_cli.loadtest.transport import TRANSPORTS
    from tickstock_cli.sinks import SINKS
    from tickstock_cli.sources import SOURCES

    return DETECTORS, SOURCES, SINKS, TAPS, TRANSPORTS


def _enabled(config: Any, sets: Any) -> frozenset[str]:
    """Return the detectors that the configuration names; nothing of it is checked, so that all plugins are listed."""
    import os

    from tickstock_cli.config.load import named_detectors

    return named_detectors(file=config, environment=os.environ, assignments=sets or ()).enabled


def _rows(family: Family, enabled: frozenset[str]) -> list[dict[str, Any]]:
    rows = []
    for plugin in family.plugins:
        problem = family.problem(plugin)
        used = family.noun == "detector" and plugin.name in enabled
        state = "unusable" if problem is not None else "enabled" if used else "available"
        rows.append({**plugin.as_dict(), "entry_point": plugin.target, "state": state, "problem": problem})
    return rows


def _print_table(found: list[dict[str, Any]]) -> None:
    from rich import box
    from rich.table import Table

    from tickstock_cli.cli.console import data_console

    console = data_console()
    table = Table("name", "family", "version", "from", "state", box=box.SIMPLE_HEAD, pad_edge=False)
    for row in found:
        style = "red" if row["problem"] else None
        table.add_row(row["name"], row["family"], row["version"], row["distribution"], row["state"], style=style)
    console.print(table)
    for problem in dict.fromkeys(row["problem"] for row in found if row["problem"]):
        typer.echo(problem, err=True)

"""`tickstock scenarios`: list the scenarios of load tests, or show one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tickstock_cli.cli.options import Json

if TYPE_CHECKING:
    from tickstock_cli.loadtest.scenario import Scenario

ScenarioSets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        show_default=False,
        help="Change one key of the scenario, as in symbols.tick=500, stages.open.tick=900 or "
        "settings.highlow.cooldown_seconds=0. Repeatable.",
    ),
]


def scenarios(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", show_default=False, help="A scenario to show: its name, or a .toml file."),
    ] = None,
    sets: ScenarioSets = None,
    speed: Annotated[
        float, typer.Option("--speed", min=0.001, max=100_000, help="Speed for wall time and rates.")
    ] = 1.0,
    as_json: Json = False,
) -> None:
    """List the scenarios of load tests, or show one: its stages, rates and rows.

    Without NAME all that are shipped are listed; NAME may also be the path of a .toml file of your own.
    """
    from tickstock_cli.errors import UsageError
    from tickstock_cli.loadtest.catalogue import catalogue, load_scenario

    if name is None:
        if sets:
            raise UsageError("--set changes one scenario; name it, as in: tickstock scenarios steady_state --set …")
        found = {one: load_scenario(one) for one in catalogue()}
        if as_json:
            typer.echo(json.dumps({one: _summary(scenario, speed) for one, scenario in found.items()}))
        else:
            from tickstock_cli.cli.render_scenarios import draw_list

            draw_list(found, speed)
        return
    scenario = load_scenario(name, sets or [])
    if as_json:
        typer.echo(json.dumps({**_summary(scenario, speed), "scenario": scenario.document()}))
    else:
        from tickstock_cli.cli.render_scenarios import draw_one

        draw_one(name, scenario, speed)


def _summary(scenario: Scenario, speed: float) -> dict[str, Any]:
    from tickstock_cli.loadtest.scenario import RECORDS

    return {
        "title": scenario.title,
        "seconds": scenario.seconds,
        "wall_seconds": scenario.seconds / speed,
        "rows": {record: scenario.rows(record) for record in RECORDS},
    }

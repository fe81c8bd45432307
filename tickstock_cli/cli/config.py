"""`tickstock config`: settings with their origins, a commented configuration file, the JSON schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from tickstock_cli.cli.options import ConfigFile, Json, MapColumns, Sets, TickerFromName, WhereValues, load_settings
from tickstock_cli.errors import UsageError

With = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="NAME",
        show_default=False,
        help="Add the settings of a plugin's detector or source. Repeatable.",
    ),
]

app = typer.Typer(help="Show, begin and describe the configuration.", rich_markup_mode=None, add_completion=False)


@app.command()
def show(
    config: ConfigFile = None,
    sets: Sets = None,
    maps: MapColumns = None,
    where: WhereValues = None,
    ticker_from: TickerFromName = None,
    as_json: Json = False,
) -> None:
    """Show every setting, its value and where it came from."""
    loaded = load_settings(config, sets, maps, where, ticker_from)
    values = loaded.settings.model_dump(mode="json")
    rows = [(key, _value_at(values, key), origin) for key, origin in loaded.origins.items()]
    if as_json:
        _print_json({key: {"value": value, "origin": origin} for key, value, origin in rows})
    else:
        _print_table(rows)


@app.command()
def init(
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="File to write; - for standard output.")
    ] = "tickstock.toml",
    force: Annotated[bool, typer.Option("--force", help="Replace the file if there is one.")] = False,
    parts: With = None,
) -> None:
    """Write a commented file of every key, its default, unit and bounds."""
    from tickstock_cli.build import named_settings_model
    from tickstock_cli.config.sample import render_sample
    from tickstock_cli.sinks.outputs import STDOUT, open_output, writing

    if out != STDOUT and not force and Path(out).is_file():
        raise UsageError(f"{out} exists; add --force to replace it, or name another file with --out")
    # The empty file keeps a tickstock.toml that is to be replaced out: the sample has what the command asks for.
    text = render_sample(named_settings_model(file=Path(os.devnull), environment={}, parts=parts or ()))
    output = open_output(out)
    try:
        with writing(out):
            output.stream.write(text.encode())
        output.commit()
    finally:
        output.abort()
    if out != STDOUT:
        typer.echo(f"wrote {out}", err=True)


@app.command()
def schema(config: ConfigFile = None, sets: Sets = None, parts: With = None) -> None:
    """Print the JSON schema of the configuration file, for editors and checks.

    It has the settings of plugins that the configuration names, or --with.
    """
    from tickstock_cli.build import named_settings_model

    model = named_settings_model(file=config, environment=os.environ, assignments=sets or (), parts=parts or ())
    _print_json(model.model_json_schema())


def _value_at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values


def _print_json(value: Any) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _print_table(rows: list[tuple[str, Any, str]]) -> None:
    from rich import box
    from rich.table import Table

    from tickstock_cli.cli.console import data_console
    from tickstock_cli.config.load import DEFAULT
    from tickstock_cli.config.values import show_value

    table = Table("setting", "value", "from", box=box.SIMPLE_HEAD, pad_edge=False)
    for key, value, origin in rows:
        table.add_row(key, show_value(value), origin, style="dim" if origin == DEFAULT else None)
    data_console().print(table)

"""The `tickstock` command. Importing this module is cheap: commands import heavy modules when they run."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from tickstock_cli import __version__
from tickstock_cli.cli.commands import CommandTable
from tickstock_cli.cli.exits import OK, USAGE, exit_code
from tickstock_cli.cli.fetch_bar import fetch_bar
from tickstock_cli.cli.standard_streams import prepare_streams
from tickstock_cli.core.garbage import collect_late
from tickstock_cli.core.registry import turn_plugins_off
from tickstock_cli.storage.progress import fetches_shown

PROGRAM = "tickstock"
DEFAULT_ADDRESS = "127.0.0.1:8765"
ADDRESS = re.compile(r"(\[[0-9a-fA-F:]+\]|[\w.-]*):\d+|\d+|localhost|\d+(\.\d+){3}|\[[0-9a-fA-F:]+\]")
"""Pattern of an address after ``--serve``, as opposed to a path of a recording."""

OPTIONAL_VALUES = {"--serve": (ADDRESS, DEFAULT_ADDRESS), "--check-lookahead": (re.compile(r"\d+"), "25")}
"""Options that can stand alone: the pattern of a value after them, and their value without one."""

app = typer.Typer(
    cls=CommandTable,
    help="Replay recorded markets into exact events, at any speed.",
    # Plain help: rich's panels alone cost as much time as everything else together.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"{PROGRAM} {__version__}")
        raise typer.Exit(OK)


@app.callback(invoke_without_command=True)
def _program(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback does the work
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    no_plugins: Annotated[
        bool, typer.Option("--no-plugins", help="Use no part of another package, as TICKSTOCK_PLUGINS=off does.")
    ] = False,
) -> None:
    if no_plugins:
        turn_plugins_off()
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(USAGE)


def with_optional_values(arguments: Sequence[str]) -> list[str]:
    """Return arguments with a value after each of ``OPTIONAL_VALUES``, because typer's options take one.

    >>> with_optional_values(["replay", "day", "--serve", "--speed", "20"])
    ['replay', 'day', '--serve', '127.0.0.1:8765', '--speed', '20']
    >>> with_optional_values(["replay", "day", "--serve", ":9000"])
    ['replay', 'day', '--serve', ':9000']
    >>> with_optional_values(["replay", "--serve", "0.0.0.0", "day"])
    ['replay', '--serve', '0.0.0.0', 'day']
    >>> with_optional_values(["backtest", "--check-lookahead", "day"])
    ['backtest', '--check-lookahead', '25', 'day']

    An empty text stays the value, which the command refuses.

    >>> with_optional_values(["replay", "day", "--serve", ""])
    ['replay', 'day', '--serve', '']
    """
    complete: list[str] = []
    for place, argument in enumerate(arguments):
        complete.append(argument)
        following = arguments[place + 1] if place + 1 < len(arguments) else None
        pattern, value = OPTIONAL_VALUES.get(argument, (None, ""))
        if pattern is not None and following != "" and not pattern.fullmatch(following or ""):
            complete.append(value)
    return complete


def run() -> None:
    """Run the command line of this process and exit."""
    collect_late()
    prepare_streams()
    command = typer.main.get_command(app)
    arguments = with_optional_values(sys.argv[1:])
    with fetches_shown(fetch_bar):
        code = exit_code(lambda: command.main(arguments, prog_name=PROGRAM, standalone_mode=False))
    # The interpreter's last collections would visit every object of all modules, a tenth of the time of a short run.
    gc.freeze()
    sys.exit(code)

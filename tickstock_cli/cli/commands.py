"""The commands: one file each, one line each below, loaded when one is run.

The table has the texts of `tickstock --help`, which therefore loads no command: loading all of them takes as long as
importing typer. A test compares each line with the first line of the command's own help.
"""

from __future__ import annotations

from importlib import import_module
from types import TracebackType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from tickstock_cli.errors import UsageError

COMMANDS = {
    "replay": ("replay:replay", "Replay recordings through the pipeline and tell what it would have told."),
    "live": ("live:live", "Run live on a vendor's feed: alerts out, and a recording that replays to the same events."),
    "inspect": ("inspect:inspect", "Show what recordings hold, what is wrong with them and how they will be read."),
    "import": ("importing:app", "Turn files of vendors and other tools into recordings that replay reads best."),
    "verify": ("verify:verify", "Replay at several speeds, batch sizes and worker counts and prove one digest."),
    "diff": ("diff:diff", "Compare two event files event by event and say why they differ."),
    "explain": ("explain:explain", "Show why an event fired, or did not, at one moment of one ticker."),
    "parity": (
        "parity:parity",
        "Prove that a replay of recorded live runs gives the events that they told.",
    ),
    "recover": ("recover:recover", "Finish the hours that a killed live run left in a recorded folder."),
    "synth": (
        "synth:synth",
        "Make a synthetic market: ticks, minute bars, fair market values, and the ground truth of its injected moves.",
    ),
    "score": (
        "score:score",
        "Hold the events of a replay against what was injected: precision, recall and delay of each kind.",
    ),
    "backtest": ("backtest:backtest", "Judge what prices did after events, with errors and a placebo, and trade them."),
    "serve": ("serve:serve", "Serve the events of a finished run: a web page, a WebSocket, and pages of JSON."),
    "watch": ("watch:watch", "Watch the events of a server; reconnects by itself and goes on where it was."),
    "debug": ("debug:debug", "Show what the channels of a running system did lately, what is slow and what helps."),
    "loadtest": (
        "loadtest:loadtest",
        "Run a scenario against the running system and compare the figures with thresholds.",
    ),
    "scenarios": ("scenarios:scenarios", "List the scenarios of load tests, or show one: its stages, rates and rows."),
    "report": ("report:report", "Draw the results of load tests again, or compare several side by side."),
    "perf": ("perf:app", "Measure what this version costs, and keep worse ones out."),
    "plugins": ("plugins:plugins", "List the parts that other packages add, and say which of them can be used."),
    "config": ("config:app", "Show, begin and describe the configuration."),
}
"""Name -> (module in this package : function, or Typer application of commands below it; first line of its help)."""


class CommandContext(typer.Context):
    """The context of a command, which every usage error gets: the parser raises some without one.

    `exits` names the help of the context's command at the end of the line.
    """

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if isinstance(error, typer.TyperException):
            said = vars(error)  # the class that declares `ctx` is private to typer
            if said.get("ctx", self) is None:
                said["ctx"] = self
        return super().__exit__(kind, error, trace)


class CheckedCommand(TyperCommand):
    """A command that refuses an empty text as the value of an option or an argument.

    Mostly such a text is a variable of a script that is not set. Some types would read it as the default, as no limit
    or as the folder here, so the command checks it before they do.
    """

    context_class = CommandContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse arguments as typer does.

        Raises
        ------
        UsageError
            A value is empty.
        """
        if not ctx.resilient_parsing:
            self._check_values(ctx, args)
        return super().parse_args(ctx, args)

    def _check_values(self, ctx: Any, args: list[str]) -> None:
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        if given.get("help"):
            return
        parameters: list[Any] = self.get_params(ctx)  # typer declares less of them than it gives them
        for parameter in parameters:
            value = given.get(parameter.name)
            if "" not in (value if isinstance(value, list | tuple) else [value]):
                continue
            name = f"{parameter.param_type_name} '{parameter.display_name_raw.strip('[]')}'"
            if parameter.param_type_name == "option":
                name = f"option '{parameter.opts[0]}'"
            way_out = "" if parameter.required else f", or leave the {parameter.param_type_name} out"
            raise UsageError(f"{name} has an empty value: give it one{way_out}; see {ctx.command_path} --help")


class CommandTable(TyperGroup):
    """The group of all commands of the table."""

    context_class = CommandContext

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        # Names suffice for lists and suggestions; a command is loaded when it is run.
        self.commands: dict[str, Any] = dict.fromkeys(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Load a command; None for an unknown name."""
        if cmd_name in self.commands and self.commands[cmd_name] is None:
            self.commands[cmd_name] = _load(cmd_name)
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - typer's signature
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _load(name: str) -> Any:
    module, _, attribute = COMMANDS[name][0].partition(":")
    part = getattr(import_module(f"tickstock_cli.cli.{module}"), attribute)
    if not isinstance(part, typer.Typer):
        single = typer.Typer(rich_markup_mode=None, add_completion=False)
        single.command(name)(part)
        part = single
    for each in part.registered_commands:
        each.cls = CheckedCommand
    command = typer.main.get_command(part)
    command.name = name
    command.context_class = CommandContext
    return command

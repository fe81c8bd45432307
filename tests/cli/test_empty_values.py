"""An option or argument whose value is empty, as one from a variable of a script that is not set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from tests.cli.running import error_line, run_tickstock
from tickstock_cli.cli.commands import COMMANDS
from tickstock_cli.cli.main import app


def leaves(name: str) -> list[tuple[list[str], Any]]:
    """Return the words and the parsed form of a command, or of each command below it."""
    command: Any = typer.main.get_command(app).get_command(None, name)  # type: ignore[attr-defined]
    below = getattr(command, "commands", None)
    return [([name], command)] if below is None else [([name, each], below[each]) for each in below]


@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_value_of_an_option_is_a_usage_error(name: str, tmp_path: Path) -> None:
    """Some of them would be read as the default, as every ticker, or as the folder here."""
    for words, command in leaves(name):
        for option in (each for each in command.params if each.param_type_name == "option" and not each.is_flag):
            for form in ([f"{option.opts[0]}="], [option.opts[0], ""]):
                result = run_tickstock(*words, *form, folder=tmp_path)

                assert result.returncode == 2
                assert error_line(result).startswith(f"option '{option.opts[0]}' has an empty value: give it one")
                assert error_line(result).endswith(f"; see tickstock {' '.join(words)} --help")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_an_empty_argument_is_a_usage_error(name: str, tmp_path: Path) -> None:
    """An empty path would be the folder here."""
    for words, command in leaves(name):
        arguments = [each for each in command.params if each.param_type_name == "argument"]
        for place, argument in enumerate(arguments):
            given = ["x" if other != place else "" for other in range(len(arguments))]
            result = run_tickstock(*words, *given, folder=tmp_path)

            assert result.returncode == 2
            assert error_line(result).startswith(f"argument '{argument.display_name_raw.strip('[]')}' has an empty")


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        (["replay", "sample_data", "--speed="], "give it one, or leave the option out; see tickstock replay --help"),
        (["import", "csv", "day.csv", "--out="], "give it one; see tickstock import csv --help"),
        (["replay", "sample_data", "--out", "a.csv", "--out="], "give it one, or leave the option out"),
        (["scenarios", ""], "give it one, or leave the argument out; see tickstock scenarios --help"),
    ],
)
def test_only_what_may_be_missing_can_be_left_out(arguments: list[str], way_out: str) -> None:
    """One empty value among several of an option is found, too."""
    assert way_out in error_line(run_tickstock(*arguments))


def test_help_is_shown_beside_an_empty_value() -> None:
    """Who asks for help is answered."""
    assert run_tickstock("replay", "--speed=", "--help").returncode == 0

"""What is documented is what there is: commands, options, settings, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tickstock_cli.build import settings_model
from tickstock_cli.cli.main import app
from tickstock_cli.config.settings import setting_keys
from tools.reference import CLI_REFERENCE, CONFIGURATION, DOCS, render_cli_reference, render_configuration

ROOT = DOCS.parent
PROGRAM: Any = typer.main.get_command(app)

TABLE_KEY = re.compile(r"^\| `([\w.]+)` \|", re.M)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def all_commands(command: Any = PROGRAM) -> Iterator[Any]:
    """Give the program and every command below it."""
    yield command
    for child in getattr(command, "commands", {}).values():
        yield from all_commands(child)


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_every_command_has_a_page(name: str) -> None:
    """docs/commands/<name>.md begins with the command's name."""
    page = DOCS / "commands" / f"{name}.md"

    assert page.read_text(encoding="utf-8").startswith(f"# tickstock {name}\n")


@pytest.mark.parametrize("command", list(all_commands()), ids=lambda command: command.name)
def test_every_command_and_option_has_help(command: Any) -> None:
    """`--help` explains itself without the pages."""
    assert command.help
    assert [parameter.name for parameter in command.params if not parameter.help] == []


def test_the_command_reference_is_what_help_says() -> None:
    """`make docs` writes it."""
    assert CLI_REFERENCE.read_text(encoding="utf-8") == render_cli_reference()


def test_the_table_of_settings_is_what_the_models_say() -> None:
    """`make docs` writes it."""
    page = CONFIGURATION.read_text(encoding="utf-8")

    assert render_configuration(page) == page
    assert TABLE_KEY.findall(page) == list(setting_keys(settings_model()))


@pytest.mark.parametrize("key", list(setting_keys(settings_model())))
def test_every_setting_says_what_it_means(key: str) -> None:
    """The description is the documentation: no setting without one."""
    assert setting_keys(settings_model())[key].description


def pages() -> list[Path]:
    """Give every page of ours."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("*/README.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """No link to a file that is not there."""
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []

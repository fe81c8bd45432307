"""What is documented is what there is: commands, options, settings, links."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from tickstock_cli.build import event_kinds, settings_model
from tickstock_cli.cli.commands import COMMANDS
from tickstock_cli.cli.main import app
from tickstock_cli.config.settings import setting_keys
from tickstock_cli.config.strategy_file import strategy_of
from tickstock_cli.loadtest.catalogue import catalogue
from tools.reference import (
    CLI_REFERENCE,
    CONFIGURATION,
    DOCS,
    KINDS,
    SCENARIOS,
    SCHEMAS,
    STRATEGIES,
    command_contexts,
    render_cli_reference,
    render_configuration,
    render_kinds,
    render_scenarios,
    render_schema,
    render_strategies,
)

ROOT = DOCS.parent
TABLE_KEY = re.compile(r"^\| `([\w.]+)` \|", re.M)
IMPORT = re.compile(r"^ *from (tickstock_cli[\w.]*) import ([\w, ]+)", re.M)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_page(name: str) -> None:
    """docs/commands/<name>.md begins with the command's name."""
    page = DOCS / "commands" / f"{name}.md"

    assert page.read_text(encoding="utf-8").startswith(f"# tickstock {name}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_has_their_own_descriptions(name: str) -> None:
    """The program's help is written without loading a command, but not without agreeing with it."""
    program: Any = typer.main.get_command(app)
    command = program.get_command(None, name)

    assert " ".join(command.help.partition("\n\n")[0].split()) == COMMANDS[name][1]


@pytest.mark.parametrize("page", sorted(page.name for page in DOCS.glob("*.md")))
def test_what_a_page_imports_is_there(page: str) -> None:
    """A stranger copies the lines: a name that has moved would be the first thing that does not work."""
    for module, names in IMPORT.findall((DOCS / page).read_text(encoding="utf-8")):
        there = import_module(module)
        assert [name for name in names.split(", ") if not hasattr(there, name.strip())] == [], module


def test_every_command_and_option_has_help() -> None:
    """`--help` explains itself without the pages."""
    for context in command_contexts():
        assert context.command.help, context.command_path
        assert [parameter.name for parameter in context.command.params if not parameter.help] == []


def test_the_command_reference_is_what_help_says() -> None:
    """`make docs` writes it."""
    assert CLI_REFERENCE.read_text(encoding="utf-8") == render_cli_reference()


def test_the_table_of_settings_is_what_the_models_say() -> None:
    """`make docs` writes it."""
    page = CONFIGURATION.read_text(encoding="utf-8")

    assert render_configuration(page) == page
    assert TABLE_KEY.findall(page) == list(setting_keys(settings_model()))


def test_the_table_of_kinds_is_what_the_detectors_declare() -> None:
    """`make docs` writes it; every kind says what an event means."""
    page = KINDS.read_text(encoding="utf-8")

    assert render_kinds(page) == page
    assert all(kind.description for kind in event_kinds())


def test_the_tables_of_a_scenarios_keys_are_what_the_models_say() -> None:
    """`make docs` writes them; every key says what it means."""
    page = SCENARIOS.read_text(encoding="utf-8")

    assert render_scenarios(page) == page
    assert "None |" not in page


def test_the_page_of_scenarios_names_every_one_that_is_shipped() -> None:
    """What is there is told."""
    page = SCENARIOS.read_text(encoding="utf-8")

    assert [name for name in catalogue() if f"| `{name}` |" not in page] == []


def test_the_tables_of_a_strategys_keys_are_what_the_models_say() -> None:
    """`make docs` writes them; the example above them is a strategy."""
    page = STRATEGIES.read_text(encoding="utf-8")

    assert render_strategies(page) == page
    assert len(strategy_of(tomllib.loads(page.split("```toml\n")[1].split("```")[0])).enter) == 2


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)
def test_the_schemas_of_messages_are_those_of_the_models(path: Path) -> None:
    """`make docs` writes them."""
    assert path.read_text(encoding="utf-8") == render_schema(SCHEMAS[path]())


@pytest.mark.parametrize("key", list(setting_keys(settings_model())))
def test_every_setting_says_what_it_means(key: str) -> None:
    """The description is the documentation: no setting without one."""
    assert setting_keys(settings_model())[key].description


def pages() -> list[Path]:
    """Return every page of ours."""
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("*/README.md")])


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """No link to a file that is not there."""
    links = LINK.findall(page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []

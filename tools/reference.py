"""Write the parts of the documentation that repeat the code: commands' help, the table of settings, JSON schemas.

`make docs` runs it; a test compares what it would write with what is there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.core import TyperGroup

from tickstock_cli.build import detector_classes, event_kinds, settings_model
from tickstock_cli.cli.main import PROGRAM, app
from tickstock_cli.config.sample import describe_bounds
from tickstock_cli.config.settings import setting_sections
from tickstock_cli.config.strategy_file import ENTER, strategy_sections
from tickstock_cli.config.values import format_value
from tickstock_cli.loadtest.rate_curve import RateCurve
from tickstock_cli.loadtest.result import schema as load_result_schema
from tickstock_cli.loadtest.scenario import Clients, Fault, Injections, Scenario, Stage, Symbols
from tickstock_cli.loadtest.thresholds import LoadThresholds, Threshold
from tickstock_cli.serving.control import control_schema
from tickstock_cli.serving.protocol import client_schema, server_schema

DOCS = Path(__file__).parent.parent / "docs"
CLI_REFERENCE = DOCS / "cli-reference.md"
CONFIGURATION = DOCS / "configuration.md"
SCENARIOS = DOCS / "scenarios.md"
STRATEGIES = DOCS / "strategies.md"
SCHEMAS = {
    DOCS / "schemas" / "websocket-client.json": client_schema,
    DOCS / "schemas" / "websocket-server.json": server_schema,
    DOCS / "schemas" / "control.json": control_schema,
    DOCS / "schemas" / "load-result.json": load_result_schema,
}

KINDS = DOCS / "kinds.md"
SETTINGS_MARKS = ("<!-- settings: written by `make docs` -->\n", "<!-- end of settings -->\n")
KINDS_MARKS = ("<!-- kinds: written by `make docs` -->\n", "<!-- end of kinds -->\n")

SCENARIO_TABLES: dict[str, type[BaseModel]] = {
    "Top of the document": Scenario,
    "`[symbols]`": Symbols,
    "`[moves]`": Injections,
    "`[[stages]]`": Stage,
    "A rate": RateCurve,
    "`[clients]`": Clients,
    "`[[faults]]`": Fault,
    "`[thresholds]`": LoadThresholds,
    "A limit": Threshold,
}
_TITLES = {model: title for title, model in SCENARIO_TABLES.items()}
_TABLES = {
    RateCurve: "rate",
    Threshold: "limit",
    datetime: "time with a zone",
    dict[str, Any]: "table",
    float | None: "number",
    tuple[Stage, ...]: "tables, see `[[stages]]`",
    tuple[Fault, ...]: "tables, see `[[faults]]`",
}
"""What a key of a scenario takes, where it is no plain value."""

HELP_COLUMNS = "100"


def main() -> None:
    """Write every file anew."""
    CLI_REFERENCE.write_text(render_cli_reference(), encoding="utf-8")
    CONFIGURATION.write_text(render_configuration(CONFIGURATION.read_text(encoding="utf-8")), encoding="utf-8")
    SCENARIOS.write_text(render_scenarios(SCENARIOS.read_text(encoding="utf-8")), encoding="utf-8")
    STRATEGIES.write_text(render_strategies(STRATEGIES.read_text(encoding="utf-8")), encoding="utf-8")
    KINDS.write_text(render_kinds(KINDS.read_text(encoding="utf-8")), encoding="utf-8")
    for path, schema in SCHEMAS.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(render_schema(schema()), encoding="utf-8")


def render_schema(schema: dict[str, Any]) -> str:
    """Return a JSON schema as its file has it."""
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def render_cli_reference() -> str:
    """Return the help of every command, one section each."""
    os.environ["COLUMNS"] = HELP_COLUMNS  # not the width of whatever terminal this runs in
    lines = ["# Command line reference", "", "Written by `make docs` from the commands themselves; edit those."]
    for context in command_contexts():
        lines += ["", f"## {context.command_path}", "", "```text", context.get_help().rstrip(), "```"]
    return "\n".join(lines) + "\n"


def command_contexts() -> Iterator[Any]:
    """Return a context of the program and of every command, each group before what is below it."""
    root: Any = typer.main.get_command(app)
    return _walk(root.make_context(PROGRAM, [], resilient_parsing=True))


def _walk(context: Any) -> Iterator[Any]:
    yield context
    if isinstance(context.command, TyperGroup):
        for name in context.command.list_commands(context):
            child: Any = context.command.get_command(context, name)
            yield from _walk(child.make_context(name, [], parent=context, resilient_parsing=True))


def render_configuration(page: str) -> str:
    """Return the page with its table of settings written anew."""
    return _between_markers(page, _settings_tables(), SETTINGS_MARKS, CONFIGURATION)


def render_scenarios(page: str) -> str:
    """Return the page with its tables of a scenario's keys written anew."""
    return _between_markers(page, _scenario_tables(), SETTINGS_MARKS, SCENARIOS)


def render_strategies(page: str) -> str:
    """Return the page with its tables of a strategy's keys written anew."""
    return _between_markers(page, _strategy_tables(), SETTINGS_MARKS, STRATEGIES)


def render_kinds(page: str) -> str:
    """Return the page with its table of kinds written anew."""
    return _between_markers(page, _kinds_table(), KINDS_MARKS, KINDS)


def _between_markers(page: str, text: str, marks: tuple[str, str], path: Path) -> str:
    head, begin, rest = page.partition(marks[0])
    _, end, tail = rest.partition(marks[1])
    if not (begin and end):
        raise SystemExit(f"error: {path} has lost its two markers, {marks[0].strip()} and {marks[1].strip()}")
    return head + begin + text + end + tail


def _kinds_table() -> str:
    detectors = {
        kind.name: [name for name, cls in detector_classes().items() if kind.name in [one.name for one in cls.kinds]]
        for kind in event_kinds()
    }
    lines = ["", "| kind | priority | an event means | detectors | words of `trigger` | columns of its own |"]
    lines.append("|---|---|---|---|---|---|")
    for kind in event_kinds():
        words, columns = (
            ", ".join(f"`{name}`" for name in names) for names in (kind.words, [column.name for column in kind.columns])
        )
        reported_by = ", ".join(f"`{name}`" for name in detectors[kind.name])
        lines.append(f"| `{kind.name}` | {kind.priority} | {kind.description} | {reported_by} | {words} | {columns} |")
    return "\n".join(lines) + "\n\n"


def _scenario_tables() -> str:
    lines = []
    for title, model in SCENARIO_TABLES.items():
        about = (model.__doc__ or "").partition("\n\n")[0]
        lines += ["", f"### {title}", "", " ".join(about.split()), ""]
        lines += ["| key | default | takes | meaning |", "|---|---|---|---|"]
        for name, field in model.model_fields.items():
            lines.append(f"| `{field.alias or name}` | {_default(field)} | {_takes(field)} | {field.description} |")
    return "\n".join(lines) + "\n\n"


def _strategy_tables() -> str:
    lines = []
    for section, model in strategy_sections().items():
        about = (model.__doc__ or "").partition("\n\n")[0]
        title = f"`[[{section}]]`" if section == ENTER else f"`[{section}]`"
        lines += ["", f"### {title}", "", " ".join(about.split()), ""]
        lines += ["| key | default | takes | meaning |", "|---|---|---|---|"]
        for name, field in model.model_fields.items():
            default = "" if field.default is None else f"`{format_value(field.default)}`"
            lines.append(f"| `{name}` | {default} | {describe_bounds(field)} | {field.description} |")
    return "\n".join(lines) + "\n\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if isinstance(default, Threshold):
        default = default.limit
    elif isinstance(default, RateCurve):
        default = default.begin
    elif isinstance(default, BaseModel) or default in (None, {}):
        return ""
    elif isinstance(default, datetime):
        return f"`{default.isoformat()}`"
    return f"`{format_value(default)}`"


def _takes(field: FieldInfo) -> str:
    annotation: Any = field.annotation
    if annotation in _TABLES:
        return _TABLES[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"see {_TITLES[annotation]}"
    return describe_bounds(field)


def _settings_tables() -> str:
    model = settings_model()
    defaults = model().model_dump()
    lines = []
    for section, sub_model in setting_sections(model).items():
        about = (sub_model.__doc__ or "").partition("\n\n")[0]
        lines += ["", f"### {section}", "", " ".join(about.split()), ""]
        lines += ["| key | default | takes | meaning |", "|---|---|---|---|"]
        for name, field in sub_model.model_fields.items():
            default = format_value(defaults[section][name])
            lines.append(f"| `{section}.{name}` | `{default}` | {describe_bounds(field)} | {field.description} |")
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    main()

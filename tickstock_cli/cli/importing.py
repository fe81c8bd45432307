"""`tickstock import`: files of vendors and other tools become recordings. One command a registered format."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from pydantic import ValidationError

from tickstock_cli.cli.import_running import ImportChoices, import_files
from tickstock_cli.config.validation_errors import reason
from tickstock_cli.errors import UsageError
from tickstock_cli.importing import FORMATS

app = typer.Typer(
    help="Turn files of vendors and other tools into recordings that replay reads best.",
    rich_markup_mode=None,
    add_completion=False,
)


@app.callback()
def _group() -> None:
    """Turn files of vendors and other tools into recordings that replay reads best."""


Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE", show_default=False, help="Files, folders or globs."),
]
Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", show_default=False, help="Folder for the recording, a folder a date.")
]
Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Import files anew that were replaced since their import, or imported with other options."
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be imported, with its columns and types, and write nothing.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before writing.")]
ListJson = Annotated[bool, typer.Option("--json", help="Print a JSON list, an object a file, instead of text.")]


def _command(name: str) -> Callable[..., int]:
    """Return the command of a format: options of all imports, and the fields of the format's ``Params``."""
    part: Any = FORMATS.load_own(name)

    def run(
        files: list[Path], out: Path, replace: bool, dry_run: bool, yes: bool, as_json: bool, **options: Any
    ) -> int:
        try:
            params = part.Params(**{key: value for key, value in options.items() if value is not None})
        except ValidationError as error:
            first = error.errors()[0]
            option = f"--{str(first['loc'][0]).replace('_', '-')}"
            raise UsageError(f"{option} {first['input']}: {reason(first)}") from error
        chosen = params.model_dump(mode="json", exclude_defaults=True)
        choices = ImportChoices(
            name, files, out, replace=replace, dry_run=dry_run, yes=yes, as_json=as_json, options=chosen
        )
        return import_files(part(params), choices)

    own = [_option(field, info) for field, info in part.Params.model_fields.items()]
    given = inspect.Parameter.KEYWORD_ONLY
    shared = [
        inspect.Parameter("files", given, annotation=Files),
        inspect.Parameter("out", given, annotation=Out),
        *own,
        inspect.Parameter("replace", given, annotation=Replace, default=False),
        inspect.Parameter("dry_run", given, annotation=DryRun, default=False),
        inspect.Parameter("yes", given, annotation=Yes, default=False),
        inspect.Parameter("as_json", given, annotation=ListJson, default=False),
    ]
    run.__signature__ = inspect.Signature(shared)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in shared}
    run.__doc__ = inspect.getdoc(part)
    return run


def _option(name: str, field: Any) -> inspect.Parameter:
    """Return the option of a field; a field of several values is a repeatable one."""
    kind = field.annotation
    default: Any = field.default
    if getattr(kind, "__origin__", None) is tuple:
        kind, default = list[get_args(kind)[0]] | None, None  # type: ignore[misc]
    extra = field.json_schema_extra or {}
    option = typer.Option(
        f"--{extra.get('option', name.replace('_', '-'))}",
        help=field.description,
        metavar=extra.get("metavar"),
        show_default=default not in (None, "", False),
    )
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[kind, option], default=default)


for _name in FORMATS.parts:
    app.command(_name)(_command(_name))

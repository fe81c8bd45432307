"""Documents of measurements: read strictly, described by their own docstrings, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

from pydantic import ConfigDict

from tickstock_cli.core.files import replace_file
from tickstock_cli.core.refusals import why_not
from tickstock_cli.errors import OutputError

DOCUMENT = ConfigDict(use_attribute_docstrings=True, extra="forbid")
"""As ``__pydantic_config__`` of a dataclass: its docstrings are the schema's descriptions, unknown keys are errors."""


def write_file(path: Path, content: bytes) -> None:
    """Write a file, all of it or nothing; its folder is made.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {why_not(error)}") from error

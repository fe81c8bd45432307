"""Documents of measurements: read strictly, described by their own docstrings, and written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import ConfigDict

from tickstock_cli.core.files import replace_file
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError

DOCUMENT = ConfigDict(use_attribute_docstrings=True, extra="forbid")
"""As ``__pydantic_config__`` of a dataclass: its docstrings are the schema's descriptions, unknown keys are errors."""


def make_folder(folder: Path) -> None:
    """Make the folder in which results will be written, before the work whose results they are.

    Raises
    ------
    OutputError
        Nothing can be written there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"cannot write into {folder}: it is a file, not a folder; choose another name") from error
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {os_error_hint(error)}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {folder}: permission denied; choose a folder you may write to")


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
        raise OutputError(f"cannot write {path}: {os_error_hint(error)}") from error

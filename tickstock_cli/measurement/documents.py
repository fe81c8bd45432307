"""Result documents: strict reading, schemas described by docstrings, and atomic writing."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import ConfigDict

from tickstock_cli.core.files import replace_file
from tickstock_cli.core.os_errors import os_error_hint
from tickstock_cli.errors import OutputError
from tickstock_cli.storage.names import check_local

DOCUMENT = ConfigDict(use_attribute_docstrings=True, extra="forbid")
"""``__pydantic_config__`` of a dataclass: docstrings become the schema's descriptions, unknown keys are errors."""


def make_folder(folder: Path) -> None:
    """Make the folder of results before the measurement begins.

    Raises
    ------
    UsageError
        The folder is in an object store.
    OutputError
        The folder cannot be made or written to.
    """
    check_local(folder, "a folder of results")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise OutputError(f"cannot write into {folder}: it is a file, not a folder; choose another name") from error
    except OSError as error:
        raise OutputError(f"cannot write into {folder}: {os_error_hint(error)}") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"cannot write into {folder}: permission denied; choose a folder you may write to")


def write_files(files: Iterable[tuple[Path, Callable[[], bytes]]]) -> None:
    """Write several files, each for itself; ``files`` are paths and what makes the content.

    Raises
    ------
    OutputError
        Some files could not be written; the others are.
    """
    errors: list[OutputError] = []
    for path, content in files:
        try:
            write_file(path, content())
        except OutputError as error:
            errors.append(error)
    if errors:
        raise OutputError("; ".join(map(str, errors))) from errors[0]


def write_file(path: Path, content: bytes) -> None:
    """Write a file atomically, and make its folder.

    Raises
    ------
    UsageError
        The file is in an object store.
    OutputError
        The file cannot be written.
    """
    check_local(path, "a result")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, content)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {os_error_hint(error)}") from error

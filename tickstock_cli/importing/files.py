"""The files that an import is given: named ones, and those of folders and globs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from glob import glob, has_magic
from pathlib import Path

from tickstock_cli.errors import DataError
from tickstock_cli.storage.names import check_local


class BadRows(StrEnum):
    """What to do about lines that cannot be read."""

    FAIL = "fail"
    DROP = "drop"


def files_of(paths: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """Return files: named ones as they are, also missing ones, and those of folders and globs, sorted by path.

    Parameters
    ----------
    suffixes
        Ends of names, in lower case: other files of folders are left out, and so are names that begin with ``.`` or
        ``_``.

    Raises
    ------
    DataError
        A folder or a glob has no such file.
    """
    found: dict[Path, None] = {}
    for path in paths:
        check_local(path, "what is imported")
        if path.is_dir():
            below = sorted(file for file in path.rglob("*") if _is_wanted(file.relative_to(path), file, suffixes))
            if not below:
                raise DataError(f"{path}: no file below it ends with {' or '.join(suffixes)}")
            found.update(dict.fromkeys(below))
        elif has_magic(str(path)) and not path.exists():
            matches = sorted(Path(match) for match in glob(str(path), recursive=True) if os.path.isfile(match))
            if not matches:
                raise DataError(f"no file matches {path}")
            found.update(dict.fromkeys(matches))
        else:
            found[path] = None
    return list(found)


def _is_wanted(relative: Path, file: Path, suffixes: Sequence[str]) -> bool:
    hidden = any(part.startswith((".", "_")) for part in relative.parts)
    return not hidden and file.name.lower().endswith(tuple(suffixes)) and file.is_file()

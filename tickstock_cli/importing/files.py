"""The files that an import is given: named ones, and those of folders and globs."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from glob import glob, has_magic
from pathlib import Path

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError
from tickstock_cli.importing.decompressing import ENDINGS
from tickstock_cli.storage.listing import objects_at
from tickstock_cli.storage.names import is_object, object_name, shown_as_path


class BadRows(StrEnum):
    """What to do about lines that cannot be read."""

    FAIL = "fail"
    DROP = "drop"


def with_endings(suffixes: Sequence[str]) -> tuple[str, ...]:
    """Return ends of names, plain and compressed."""
    return tuple(f"{suffix}{ending}" for suffix in suffixes for ending in ENDINGS)


def files_of(paths: Sequence[Path], suffixes: Sequence[str]) -> list[Path]:
    """Return files: named ones as they are, also missing ones, and those of folders and globs, sorted by path.

    Names of objects in a store are paths like those of files; prefixes are their folders.

    Parameters
    ----------
    suffixes
        Ends of names, in lower case: other files of folders are left out, and so are names that begin with ``.`` or
        ``_``.

    Raises
    ------
    DataError
        A folder or a glob has no such file, or a store cannot be asked.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if is_object(path):
            found.update(dict.fromkeys(_objects(path, suffixes)))
        elif os.path.isdir(path):  # false, too, for a name that is too long for the disk
            below = sorted(file for file in path.rglob("*") if _is_wanted(file.relative_to(path), file, suffixes))
            if not below:
                raise DataError(f"{path}: no file below it ends with {_shown(suffixes)}")
            found.update(dict.fromkeys(below))
        elif has_magic(str(path)) and not os.path.exists(path):
            matches = sorted(Path(match) for match in glob(str(path), recursive=True) if os.path.isfile(match))
            if not matches:
                raise DataError(f"no file matches {path}")
            found.update(dict.fromkeys(matches))
        else:
            found[path] = None
    return list(found)


def left_out_quotes(count: int) -> str:
    """Return the note for files of quotes that are not imported unless it is asked for."""
    return f"left out {counted(count, 'file')} of quotes; --quotes-as-fmv imports their mids as fair values"


def _objects(path: Path, suffixes: Sequence[str]) -> list[Path]:
    name = object_name(path)
    if not has_magic(name.key) and name.key.lower().endswith(tuple(suffixes)):
        return [shown_as_path(str(name))]  # whether it is there shows when it is read
    return [shown_as_path(str(stored.name)) for stored in objects_at(str(path), suffixes, shown=_shown(suffixes))]


def _shown(suffixes: Sequence[str]) -> str:
    """Return ends of names in words; those of compressed files are not listed one by one."""
    packed = {f"{suffix}{ending}" for suffix in suffixes for ending in ENDINGS if ending}
    plain = " or ".join(suffix for suffix in suffixes if suffix not in packed)
    return f"{plain}, compressed or not" if packed & {*suffixes} else plain


def _is_wanted(relative: Path, file: Path, suffixes: Sequence[str]) -> bool:
    hidden = any(part.startswith((".", "_")) for part in relative.parts)
    return not hidden and file.name.lower().endswith(tuple(suffixes)) and file.is_file()

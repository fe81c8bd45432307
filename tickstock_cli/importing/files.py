"""The files that an import is given: named ones, and those of folders and globs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from enum import StrEnum
from glob import glob, has_magic
from pathlib import Path

from tickstock_cli.core.counted import counted
from tickstock_cli.errors import DataError
from tickstock_cli.importing.decompressing import ENDINGS
from tickstock_cli.sources.folder_walk import files_below, is_special
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

    Names of objects in a store are paths like those of files; prefixes are their folders. A file that several
    paths lead to is returned once.

    Parameters
    ----------
    suffixes
        Ends of names, in lower case: other files of folders are left out, and so are names that begin with ``.`` or
        ``_``.

    Raises
    ------
    DataError
        A folder or a glob has no such file, a folder cannot be read, or a store cannot be asked.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if is_object(path):
            found.update(dict.fromkeys(_objects(path, suffixes)))
        elif os.path.isdir(path):  # false, too, for a name that is too long for the disk
            below = _below(path, suffixes)
            if not below:
                raise DataError(f"{path}: no file below it ends with {_shown(suffixes)}")
            found.update(dict.fromkeys(below))
        elif has_magic(str(path)) and not os.path.exists(path):
            found.update(dict.fromkeys(_matches(path, suffixes)))
        else:
            found[path] = None
    return _each_once(list(found), paths)


def left_out_quotes(count: int) -> str:
    """Return the note for files of quotes that are not imported unless it is asked for."""
    return f"left out {counted(count, 'file')} of quotes; --quotes-as-fmv imports their mids as fair values"


def left_out_markets(counts: Mapping[str, int], ours: str) -> str:
    """Return the note for files of other markets, of which there are ``counts``, than the one that is imported."""
    files = ", ".join(f"{counted(count, 'file')} of {market}" for market, count in sorted(counts.items()))
    return f"left out {files}: only those of {ours} are imported"


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


def _below(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    return sorted(Path(file) for file in files_below(str(folder)) if file.lower().endswith(tuple(suffixes)))


def _matches(path: Path, suffixes: Sequence[str]) -> list[Path]:
    matches = [Path(match) for match in sorted(glob(str(path), recursive=True)) if not is_special(match)]
    files = [file for match in matches for file in (_below(match, suffixes) if match.is_dir() else [match])]
    if not files:
        raise DataError(f"no file matches {path}")
    return files


def _each_once(files: Sequence[Path], named: Sequence[Path]) -> list[Path]:
    """Return files without other names of the same file: the one that was named stays, else the one that is no link."""
    names: dict[str, Path] = {}
    for file in files:
        real = str(file) if is_object(file) else os.path.realpath(file)
        other = names.setdefault(real, file)
        is_truer = os.path.abspath(file) == real != os.path.abspath(other)
        if other not in named and (file in named or is_truer):
            names[real] = file
    kept = {*names.values()}
    return [file for file in files if file in kept]

"""From targets a user named to the one source that reads them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from glob import has_magic
from pathlib import Path
from typing import Any

from tickstock_cli.core.stages import NamedSource
from tickstock_cli.errors import DataError, UsageError
from tickstock_cli.sources import SOURCES
from tickstock_cli.sources.options import ReadOptions

Target = str | Path
"""``scheme:rest``, or a path of recordings; a Path is always one."""

RECORDINGS = "recordings"

_SCHEME = re.compile(r"([a-z][a-z0-9_]+):(.*)", re.DOTALL)


def open_source(targets: Sequence[Target], options: ReadOptions) -> NamedSource:
    """Open the source that the targets' scheme names. No row is taken yet.

    Raises
    ------
    UsageError
        The targets are of several sources, or one makes no sense for its source.
    DataError
        There is nothing of this name.
    """
    scheme, names = _sorted_out(targets)
    part: Any = SOURCES.load(scheme)
    if hasattr(part, "Params"):
        options = replace(options, params=options.sections.get(scheme) or part.Params())
    source: NamedSource = part.open(names, options)
    return source


def open_repeatable(targets: Sequence[Target], options: ReadOptions, why: str) -> NamedSource:
    """Open a source for whoever reads it more than once.

    Parameters
    ----------
    why
        Completes "it can be read only once, and …".

    Raises
    ------
    UsageError
        It can be read only once; or see ``open_source``.
    """
    source = open_source(targets, options)
    if not source.repeatable:
        source.close()
        raise UsageError(f"{targets[0]} can be read only once, and {why}: write it to a file first")
    return source


def source_name(targets: Sequence[Target]) -> str:
    """Return the name of the source that the targets are of.

    Raises
    ------
    UsageError
        The targets are of several sources.
    DataError
        There is nothing of this name.
    """
    return _sorted_out(targets)[0]


def recording_paths(targets: Sequence[Target]) -> Sequence[Target]:
    """Return the paths of targets that are all recordings.

    Raises
    ------
    UsageError
        One is of another source.
    """
    scheme, names = _sorted_out(targets)
    if scheme != RECORDINGS:
        raise UsageError(f"{targets[0]} is no recording: name Parquet files, folders or globs")
    return names


def _sorted_out(targets: Sequence[Target]) -> tuple[str, list[Target]]:
    """Return the one scheme of all targets, and the targets without it."""
    parted = [_parted(target) for target in targets]
    first: dict[str, Target] = {}
    for target, (scheme, _) in zip(targets, parted, strict=True):
        first.setdefault(scheme, target)
    if len(first) > 1:
        named = " and ".join(map(str, first.values()))
        raise UsageError(f"{named} are read by different sources, but a run reads from one: name one")
    return next(iter(first), RECORDINGS), [name for _, name in parted]


def _parted(target: Target) -> tuple[str, Target]:
    match = _SCHEME.fullmatch(target) if isinstance(target, str) else None
    if match is None:
        return RECORDINGS, target
    scheme, name = match.groups()
    if SOURCES.has(scheme):
        return scheme, name
    if not os.path.lexists(target) and not has_magic(str(target)):
        named = ", ".join(SOURCES.names)
        raise DataError(f"no such file or folder: {target}; nor is a source named {scheme} ({named} are)")
    return RECORDINGS, target

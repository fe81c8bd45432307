"""Opens the source that reads the targets of a user."""

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
from tickstock_cli.sources.path_hints import missing_path, path_hint
from tickstock_cli.storage.names import is_object

Target = str | Path
"""``scheme:rest``, or a path of recordings; a Path is always a path of recordings."""

RECORDINGS = "recordings"

_SCHEME = re.compile(r"([a-z][a-z0-9_]+):(.*)", re.DOTALL)


def open_source(targets: Sequence[Target], options: ReadOptions) -> NamedSource:
    """Open the source of the targets' scheme. It reads no row yet.

    Raises
    ------
    UsageError
        The targets have several schemes, or one is invalid for its source.
    DataError
        A target does not exist.
    """
    scheme, names = _common_scheme(targets)
    part: Any = SOURCES.load(scheme)
    if hasattr(part, "Params"):
        options = replace(options, params=options.sections.get(scheme) or part.Params())
    source: NamedSource = part.open(names, options)
    return source


def open_repeatable(targets: Sequence[Target], options: ReadOptions, why: str) -> NamedSource:
    """Open a source that can be read more than once.

    Parameters
    ----------
    why
        Completes "it can be read only once, and …".

    Raises
    ------
    UsageError
        The source can be read only once; or as ``open_source`` raises it.
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
        A target does not exist.
    """
    return _common_scheme(targets)[0]


def recording_paths(targets: Sequence[Target]) -> Sequence[Target]:
    """Return the paths of targets that are all recordings.

    Raises
    ------
    UsageError
        A target has another scheme.
    """
    scheme, names = _common_scheme(targets)
    if scheme != RECORDINGS:
        raise UsageError(f"{targets[0]} is not a recording: name Parquet files, folders or globs")
    return names


def _common_scheme(targets: Sequence[Target]) -> tuple[str, list[Target]]:
    """Return the one scheme of all targets, and the targets without it."""
    schemes = [_split_scheme(target) for target in targets]
    first: dict[str, Target] = {}
    for target, (scheme, _) in zip(targets, schemes, strict=True):
        first.setdefault(scheme, target)
    if len(first) > 1:
        named = " and ".join(map(str, first.values()))
        raise UsageError(f"{named} are read by different sources, but a run reads from one: name one")
    return next(iter(first), RECORDINGS), [name for _, name in schemes]


def _split_scheme(target: Target) -> tuple[str, Target]:
    match = _SCHEME.fullmatch(target) if isinstance(target, str) else None
    if match is None or is_object(target):
        return RECORDINGS, target
    scheme, name = match.groups()
    if SOURCES.has(scheme):
        return scheme, name
    if not os.path.lexists(target) and not has_magic(str(target)):
        if path_hint(str(target)) is not None:
            raise missing_path(str(target))
        named = ", ".join(SOURCES.names)
        raise DataError(f"no such file or folder: {target}; and no source {scheme} (sources: {named})")
    return RECORDINGS, target

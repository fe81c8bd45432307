"""Words in the place of recordings that were meant for something else: an option, a detector, a strategy, settings."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from glob import has_magic
from itertools import pairwise

import typer

from tickstock_cli.errors import DataError

VALUE_HINTS = {
    "--serve": "is read as a path unless it is an address: for an address write HOST:PORT, as in 127.0.0.1:8765",
    "--check-lookahead": "is read as a path unless it is a number of cuts, as in 25: the check is of all detectors and "
    "strategies that run",
}
"""Options that can stand alone, and how the word after them is read."""

_CLASS = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_TOML = ".toml"


def check_paths(context: typer.Context, paths: Sequence[str], arguments: Sequence[str] | None = None) -> None:
    """Raise an error that tells what a word is that was given as a path and seems to be something else.

    Other paths that are not there are left to those who read them.

    Parameters
    ----------
    context
        That of the command, which has an option ``--strategy`` or not.
    paths
        Recordings, as the user named them.
    arguments
        The words of the command line; None: those of this process.

    Raises
    ------
    DataError
        A path is a TOML file, or is not there and follows an option that can stand alone, or has the name of a
        detector, of a kind of events, or of a class in Python.
    """
    words = sys.argv if arguments is None else arguments
    trades = any(parameter.name == "strategy" for parameter in context.command.params)
    for path in paths:
        if path.endswith(_TOML) and not os.path.isdir(path):
            strategy = f"for a strategy write --strategy {path}, " if trades else ""
            raise DataError(f"{path} is no recording, by its name: {strategy}for settings --config {path}")
        if os.path.lexists(path) or has_magic(path):
            continue
        hints = [*_following(path, words), *_named_part(path, trades)]
        if hints:
            from tickstock_cli.sources.path_hints import missing_path

            raise DataError("; ".join((str(missing_path(path)), *hints)))


def _following(path: str, words: Sequence[str]) -> Iterator[str]:
    if ":" in path:  # of a store, or of another source
        return
    for option, word in pairwise(words):
        if word == path and option in VALUE_HINTS:
            yield f"the word after {option} {VALUE_HINTS[option]}"


def _named_part(path: str, trades: bool) -> Iterator[str]:
    if _CLASS.fullmatch(path) and trades:
        from tickstock_cli.sources import SOURCES

        if not SOURCES.has(path.partition(":")[0]):
            yield f"for a strategy write --strategy {path}"
    if not path.isidentifier():
        return
    from tickstock_cli.build import detector_classes
    from tickstock_cli.detectors import DETECTORS

    finders = [
        name for name, detector in detector_classes().items() if path in (name, *(kind.name for kind in detector.kinds))
    ]
    if path in DETECTORS.names:
        finders = [path]
    if finders:
        what = "a detector" if path in finders else "a kind of events"
        chosen = f"--set 'detectors.enabled={json.dumps(finders)}'"
        yield f"{path} is the name of {what}: choose the detectors that run with {chosen}"

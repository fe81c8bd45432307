"""Registered parts: a literal table of names, loaded when a part is asked for.

Each family's package (`detectors`, `sources`, `sinks`) holds one table ``PARTS``: name -> "module:Class".
Strings keep `tickstock --help` fast; a contract test loads every line of every table.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from tickstock_cli.errors import UnknownPartError


def load_part(family: str, parts: Mapping[str, str], name: str) -> Any:
    """Import and give the class registered under ``name``.

    Raises
    ------
    UnknownPartError
        No such name in the table; the message lists the names there are.
    """
    if name not in parts:
        near = get_close_matches(name, parts, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UnknownPartError(f"no {family} named {name!r}{hint} (there are: {', '.join(parts)})")
    module, _, attribute = parts[name].partition(":")
    return getattr(import_module(module), attribute)

"""Remembers where the settings of this process are from, for the errors that they cause later."""

from __future__ import annotations

from collections.abc import Mapping

from tickstock_cli.errors import TickstockError, UsageError

_FLAGS = ("--", "default")

_origins: dict[str, str] = {}


def remember_origins(origins: Mapping[str, str]) -> None:
    """Remember the origin of every setting: the name of a file, a variable or a flag."""
    _origins.clear()
    _origins.update(origins)


def with_origin(error: TickstockError) -> str:
    """Return the message of an error, with the setting that caused it if that is in a file or a variable."""
    setting = error.setting if isinstance(error, UsageError) else None
    origin = _origins.get(setting or "")
    if origin is None or origin.startswith(_FLAGS):
        return str(error)
    return f"{error} ({setting} is set by {origin})"

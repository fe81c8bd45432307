"""The settings of the system under test: the defaults with the scenario's changes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tickstock_cli.build import event_kinds, load_settings
from tickstock_cli.config.load import Assigned
from tickstock_cli.config.settings import Settings
from tickstock_cli.errors import SettingsError
from tickstock_cli.loadtest.scenario import Scenario


def system_settings(scenario: Scenario) -> Settings:
    """Return the settings of a scenario.

    Raises
    ------
    SettingsError
        A key is unknown or a value out of range, or clients ask for a kind that no detector declares.
    """
    wanted = [Assigned(key, value, "the scenario's settings") for key, value in _leaves(scenario.settings)]
    # The empty file keeps a tickstock.toml of the current folder out: a scenario is the same test everywhere.
    settings = load_settings(file=Path(os.devnull), environment={}, assignments=wanted).settings
    _check_kinds(scenario.clients.kinds, settings)
    return settings


def _check_kinds(kinds: Sequence[str], settings: Settings) -> None:
    known = [kind.name for kind in event_kinds(settings)]
    for name in kinds:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            raise SettingsError(f"the scenario's clients.kinds: no detector declares the kind {name!r}; {hint}")


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys with their values; a key may be dotted or a table."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value

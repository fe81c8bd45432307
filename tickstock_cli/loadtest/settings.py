"""The settings of the system under test: the defaults with the scenario's changes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tickstock_cli.build import load_settings
from tickstock_cli.config.load import Assigned
from tickstock_cli.config.settings import Settings
from tickstock_cli.loadtest.scenario import Scenario


def system_settings(scenario: Scenario) -> Settings:
    """Return the settings of a scenario.

    Raises
    ------
    SettingsError
        A key is unknown or a value out of range.
    """
    wanted = [Assigned(key, value, "the scenario's settings") for key, value in _leaves(scenario.settings)]
    # The empty file keeps a tickstock.toml of the current folder out: a scenario is the same test everywhere.
    return load_settings(file=Path(os.devnull), environment={}, assignments=wanted).settings


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted keys with their values; a key may be dotted or a table."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value

"""Settings that decide which rows a run gets, which a shadow must have in common with its run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tickstock_cli.config.load import DEFAULT, Loaded
from tickstock_cli.config.session_hours import SessionHoursSettings
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.values import show_value
from tickstock_cli.errors import UsageError


def with_rows_of(main: Settings, shadow: Loaded[Settings]) -> Settings:
    """Return a shadow's settings, in which those of the rows that no layer of it sets are the run's."""
    settings = shadow.settings
    for section, field in _row_fields(settings):
        if _is_default(f"{section}.{field}", shadow.origins):
            part = getattr(settings, section).model_copy(update={field: _of_run(main, settings, section, field)})
            settings = settings.model_copy(update={section: part})
    return settings


def check_same_rows(name: str, shadow: Settings, main: Settings) -> None:
    """Raise UsageError if the settings of a shadow read other rows than those of its run.

    Parameters
    ----------
    name
        Name of the shadow's configuration.
    """
    for section, field in _row_fields(shadow):
        own, wanted = getattr(getattr(shadow, section), field), _of_run(main, shadow, section, field)
        if own != wanted:
            raise UsageError(
                f"--shadow {name}: {section}.{field} = {show_value(own)}, but the run has {show_value(wanted)}; "
                "a shadow gets the rows of its run: remove the setting"
            )


def _row_fields(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yield section and name of each setting that decides which rows a run gets."""
    for field in SessionHoursSettings.model_fields:
        yield "session", field
    for section in ("recordings", "live", *type(settings).source_names):
        for field in type(getattr(settings, section)).model_fields:
            yield section, field


def _of_run(main: Settings, shadow: Settings, section: str, field: str) -> Any:
    """Return a setting of the run; its default if only the shadow names the plugin of its section."""
    part = getattr(main, section, None) or type(getattr(shadow, section))()
    return getattr(part, field)


def _is_default(key: str, origins: Mapping[str, str]) -> bool:
    return all(place == DEFAULT for name, place in origins.items() if name == key or name.startswith(f"{key}."))

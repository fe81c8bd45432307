"""Reads settings from environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from tickstock_cli.config.settings import Settings
from tickstock_cli.config.values import parse_value


def values_of(model: type[Settings], environment: Mapping[str, str], prefix: str, delimiter: str) -> dict[str, Any]:
    """Return nested values, section by section, of variables such as ``TICKSTOCK_SECTION__KEY``.

    Parameters
    ----------
    environment
        Variables by name; they alone are read, and not those of the process.
    prefix, delimiter
        The prefix of each name, and what stands between section and key.
    """
    return _Variables(model, environment, prefix, delimiter)()


class _Variables(EnvSettingsSource):
    """A settings source of given variables instead of those of the process."""

    def __init__(self, model: type[Settings], environment: Mapping[str, str], prefix: str, delimiter: str) -> None:
        settings_model: Any = model  # it asks for a model of its own kind, and uses nothing of it
        super().__init__(settings_model, env_prefix=prefix, env_nested_delimiter=delimiter)
        self.env_vars = {name.lower(): text for name, text in environment.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:  # noqa: ARG002
        """Return lists and mappings parsed as TOML like other values, not as JSON."""
        return parse_value(value)

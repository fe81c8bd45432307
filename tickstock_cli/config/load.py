"""Loads settings: default < file < environment < assignments, each value with its origin.

1. Read every layer into ``Assigned(key, value, place)``, lowest layer first.
2. Raise an error for an unknown key, with the nearest known one.
3. Read lists of tickers from files; paths in a configuration file are relative to its folder.
4. Merge the layers; the last value of a key and its origin count.
5. Validate the merged settings with the model; errors name key, value and origin.

Values in the environment and in assignments are TOML. Text that is not TOML is a string, so that
``coordinator.key=ticker`` needs no quotes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from tickstock_cli.config.settings import Settings, setting_keys, setting_sections
from tickstock_cli.config.universes import TickerFile, files_of, with_files_read
from tickstock_cli.config.validation_errors import either, reason
from tickstock_cli.config.values import format_value, parse_value, show_value
from tickstock_cli.errors import SettingsError
from tickstock_cli.storage.names import check_local

DEFAULT_FILE = Path("tickstock.toml")
DEFAULT = "default"
ASSIGNMENT = "--set"

NOT_SETTINGS = frozenset(
    {"TICKSTOCK_DEBUG", "TICKSTOCK_PERF_CACHE", "TICKSTOCK_PERF_RIVALS", "TICKSTOCK_PLUGINS", "TICKSTOCK_TOKEN"}
)
"""Variables with the prefix of settings that are not settings."""
ENVIRONMENT_PREFIX = "TICKSTOCK_"
SECTION_DELIMITER = "__"
ENABLED = "detectors.enabled"

S = TypeVar("S", bound=Settings)


class Assigned(NamedTuple):
    """One setting of one layer. ``place`` is its origin for messages: the name of a file, a variable or a flag."""

    key: str
    value: Any
    place: str


class NamedDetectors(NamedTuple):
    """The effective ``detectors.enabled`` before validation, and the sections that any layer sets."""

    enabled: frozenset[str]
    sections: frozenset[str]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """Validated settings. ``origins`` maps every key, and every entry of a mapping, to its origin."""

    settings: S
    origins: Mapping[str, str]


def load(
    model: type[S], *, file: Path | None, environment: Mapping[str, str], assignments: Sequence[str | Assigned]
) -> Loaded[S]:
    """Load settings from all layers.

    Parameters
    ----------
    model
        The model that ``settings_model`` returned.
    file
        A TOML file that must exist; None is ``tickstock.toml`` in the current folder if there is one.
    environment
        Variables by name; ``TICKSTOCK_SECTION__KEY`` sets ``section.key``.
    assignments
        ``section.key=value`` each, or the value of another flag; later ones override earlier ones.

    Raises
    ------
    SettingsError
        A key is unknown, a value is out of range or a layer cannot be read.
    """
    keys = setting_keys(model)
    folder, here = (file or DEFAULT_FILE).parent, Path()
    layers = [
        *((given, here) for given in _from_values(model().model_dump(), keys, DEFAULT)),
        *((given, folder) for given in _from_file(file, keys)),
        *((given, here) for given in _from_environment(model, environment, keys)),
        *((given, here) for given in _from_assignments(assignments, keys)),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for given, base in layers:
        _check_key(given.key, given.place, model, keys)
        _check_not_bool(given.key, given.value, given.place, keys)
        key, value, place = _with_tickers_of_files(given, base, keys)
        _assign(merged, key.split("."), value)
        origins.pop(key.rpartition(".")[0], None)  # a mapping with entries has no origin of its own
        origins[key] = place
    try:
        return Loaded(model.model_validate(merged), origins)
    except ValidationError as error:
        raise SettingsError(_explain(error, origins, merged)) from error


def named_detectors(
    *, file: Path | None, environment: Mapping[str, str], assignments: Sequence[str | Assigned]
) -> NamedDetectors:
    """Return the names that the layers use as detectors, before any detector is loaded; ``load`` validates them.

    Raises
    ------
    SettingsError
        A layer cannot be read.
    """
    ours = {_variable_key(name): text for name, text in environment.items() if _is_setting(name)}
    layers = [
        *_from_file(file, {}),
        *(Assigned(key, parse_value(text), ENVIRONMENT_PREFIX) for key, text in ours.items()),
        *_from_assignments(assignments, {}),
    ]
    enabled: Any = ()
    for given in layers:
        if given.key == ENABLED:
            enabled = given.value
    listed = enabled if isinstance(enabled, list | tuple) else ()
    sections = {given.key.partition(".")[0] for given in layers}
    return NamedDetectors(
        frozenset(name for name in listed if isinstance(name, str)), frozenset(sections - Settings.model_fields.keys())
    )


def _is_setting(variable: str) -> bool:
    return variable.startswith(ENVIRONMENT_PREFIX) and variable not in NOT_SETTINGS


def _from_file(file: Path | None, keys: Mapping[str, FieldInfo]) -> Iterator[Assigned]:
    path = file or DEFAULT_FILE
    check_local(path, "the configuration")
    if file is None and not path.exists():
        return
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(f"cannot read the configuration {path}: {reason}; name an existing file") from error
    yield from _from_values(values, keys, str(path))


def _from_values(
    values: Mapping[str, Any], keys: Mapping[str, FieldInfo], place: str, prefix: str = ""
) -> Iterator[Assigned]:
    """Yield the leaves of nested tables. The entries of a mapping are leaves; an empty mapping is a leaf itself."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and (value or key not in keys):
            yield from _from_values(value, keys, place, f"{key}.")
        else:
            yield Assigned(key, value, place)


def _from_environment(
    model: type[Settings], environment: Mapping[str, str], keys: Mapping[str, FieldInfo]
) -> Iterator[Assigned]:
    ours = {name: text for name, text in environment.items() if _is_setting(name)}
    if not ours:
        return
    from tickstock_cli.config.environment import values_of  # pydantic-settings takes a while to import

    names = {_variable_key(name): name for name in ours}
    for key, name in names.items():
        _check_key(key, name, model, keys)
    for key, value, _ in _from_values(
        values_of(model, ours, ENVIRONMENT_PREFIX, SECTION_DELIMITER), keys, ENVIRONMENT_PREFIX
    ):
        place = names.get(key) or names[key.rpartition(".")[0]]
        yield Assigned(key, parse_value(value) if isinstance(value, str) else value, place)


def _variable_key(name: str) -> str:
    return name.removeprefix(ENVIRONMENT_PREFIX).lower().replace(SECTION_DELIMITER, ".")


def _from_assignments(assignments: Sequence[str | Assigned], keys: Mapping[str, FieldInfo]) -> Iterator[Assigned]:
    for text in assignments:
        given = _from_assignment(text) if isinstance(text, str) else text
        if isinstance(given.value, Mapping) and given.value and given.key in keys:
            yield from _from_values(given.value, keys, given.place, f"{given.key}.")
        else:
            yield given


def _from_assignment(text: str) -> Assigned:
    key, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"{ASSIGNMENT} {text}: write section.key=value")
    return Assigned(key.strip(), parse_value(value.strip()), ASSIGNMENT)


def _assign(merged: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        merged = merged.setdefault(name, {})
    merged[path[-1]] = value


def _check_key(key: str, place: str, model: type[Settings], keys: Mapping[str, FieldInfo]) -> None:
    parent = key.rpartition(".")[0]
    if key in keys or (parent in keys and get_origin(keys[parent].annotation) is dict):
        return
    sections = setting_sections(model)
    if key in sections:
        raise SettingsError(
            f"{key} is a section, not a setting (in {place}); its settings are {', '.join(_within(key, keys))}"
        )
    raise SettingsError(f"unknown setting {key} (in {place}){_suggestion(key, sections, keys)}")


def _check_not_bool(key: str, value: Any, place: str, keys: Mapping[str, FieldInfo]) -> None:
    """Raise SettingsError for true or false instead of a number: pydantic accepts them as 1 and 0."""
    types = _types_within(keys[key].annotation) if key in keys else set()
    if bool in types or not types & {int, float}:
        return
    entries = list(enumerate(value)) if isinstance(value, list | tuple) else [(None, value)]
    for number, entry in entries:
        if isinstance(entry, bool):
            item = "" if number is None else f"[{number}]"
            raise SettingsError(f"{key}{item} = {format_value(entry)} (in {place}): must be a number")


def _with_tickers_of_files(given: Assigned, folder: Path, keys: Mapping[str, FieldInfo]) -> Assigned:
    """Return the setting with the tickers of its files, and with the files in its origin."""
    field = keys.get(given.key) or keys[given.key.rpartition(".")[0]]
    is_table = given.key in keys and get_origin(field.annotation) is dict
    files = () if is_table else files_of(given.value)
    if not files or not any(isinstance(mark, TickerFile) for mark in field.metadata):
        return given
    try:
        tickers = with_files_read(given.value, folder)
    except ValueError as error:
        raise SettingsError(f"{given.key} (in {given.place}): {error}") from error
    return Assigned(given.key, tickers, ", ".join([given.place, *files]))


def _types_within(annotation: Any) -> set[Any]:
    """Return a type with all types in it."""
    return {annotation}.union(*(_types_within(part) for part in get_args(annotation) if not isinstance(part, str)))


def _within(section: str, keys: Mapping[str, FieldInfo]) -> list[str]:
    return [key for key in keys if key.startswith(f"{section}.")]


def _suggestion(key: str, sections: Mapping[str, Any], keys: Mapping[str, FieldInfo]) -> str:
    """Return a hint with the nearest keys, by their whole name or its last part, or else with all sections."""
    by_name: dict[str, list[str]] = {}
    for known in keys:
        by_name.setdefault(known.rpartition(".")[2], []).append(known)
    # A key without a section can belong to any section that has it.
    near = by_name.get(key, []) or get_close_matches(key, keys, n=1, cutoff=0.7)
    if not near:
        names = get_close_matches(key.rpartition(".")[2], by_name, n=1, cutoff=0.7)
        near = [known for name in names for known in by_name[name]]
    if near:
        return f"; did you mean {either(near)}?"
    section = next(iter(get_close_matches(key.partition(".")[0], sections, n=1)), None)
    if section:
        return f"; the settings of {section} are {', '.join(_within(section, keys))}"
    return f"; the sections are {', '.join(sections)}"


def _explain(error: ValidationError, origins: Mapping[str, str], merged: Mapping[str, Any]) -> str:
    """Return the first validation error as one line, with the number of others."""
    details = error.errors(include_url=False)
    items = {detail["loc"][:-1] for detail in details}
    # pydantic also reports a list as too short if its items are invalid.
    first, *others = [detail for detail in details if detail["loc"] not in items]
    location = [part for part in first["loc"] if part != "[key]"]
    key, item = _key_and_item(location)
    if key in origins:
        value = show_value(_value_at(merged, key) if first["loc"][-1] == "[key]" else first["input"])
        message = f"{key}{item} = {value} (in {origins[key]}): {reason(first)}"
    else:  # a section whose settings contradict each other
        places = {place: None for name, place in origins.items() if name.startswith(f"{key}.") and place != DEFAULT}
        message = f"{key} (in {', '.join(places)}): {reason(first)}"
    return f"{message}; and {len(others)} more" if others else message


def _key_and_item(location: Sequence[str | int]) -> tuple[str, str]:
    """Return the setting that a location lies in, and where in its value: ``session.hours`` and ``[0].start``."""
    places = next((place for place, part in enumerate(location) if isinstance(part, int)), len(location))
    names = [str(part) for part in location[:places]]
    item = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location[places:])
    return ".".join(names), item


def _value_at(values: Any, key: str) -> Any:
    for name in key.split("."):
        values = values[name]
    return values

"""Finds and reads scenarios: shipped ones by name, others by path.

Reading has these steps; the first error is reported in one line with its place, key and value:

1. parse the TOML document;
2. apply ``--set``;
3. validate the model;
4. validate the settings of the system under test.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from tickstock_cli.config.validation_errors import either, reason
from tickstock_cli.config.values import format_value, parse_value
from tickstock_cli.core.shipped import shipped_folder
from tickstock_cli.errors import SettingsError
from tickstock_cli.loadtest.rate_curve import RateCurve
from tickstock_cli.loadtest.scenario import Fault, Scenario, Stage
from tickstock_cli.storage.names import check_local

ASSIGNMENT = "--set"
_SUFFIX = ".toml"
_LISTS: dict[str, type[BaseModel]] = {"stages": Stage, "faults": Fault}


def catalogue() -> dict[str, Path]:
    """Return the shipped scenarios' files by name, sorted."""
    return {path.stem: path for path in sorted(shipped_folder("scenarios").glob(f"*{_SUFFIX}"))}


def load_scenario(name_or_path: str, sets: Sequence[str] = ()) -> Scenario:
    """Load a scenario.

    Parameters
    ----------
    name_or_path
        The name of a shipped scenario, or the path of a TOML file.
    sets
        ``key=value`` each, as in ``symbols.tick=500``, ``stages.surge.tick=900``, ``faults.0.share=0.01`` or
        ``settings.highlow.cooldown_seconds=0``: stages by name, faults by number. Later ones win.

    Raises
    ------
    SettingsError
        The scenario does not exist, cannot be read, or is invalid.
    """
    document = _read(find(name_or_path))
    changed = {_assign(document, text) for text in sets}
    _flatten_settings(document)
    try:
        # Pydantic's strict mode accepts lists for tuples from JSON only.
        scenario = Scenario.model_validate_json(json.dumps(document, default=_as_text), strict=True)
    except ValidationError as error:
        raise SettingsError(_explain(error, document, name_or_path, changed)) from error
    _check_settings(scenario.settings, name_or_path, changed)
    return scenario


def find(name_or_path: str) -> Path:
    """Return the file of a scenario.

    Raises
    ------
    SettingsError
        There is no scenario of this name.
    """
    shipped = catalogue()
    if name_or_path in shipped:
        return shipped[name_or_path]
    path = Path(name_or_path)
    if path.suffix == _SUFFIX or len(path.parts) > 1 or path.is_file():
        return path
    near = get_close_matches(name_or_path, shipped, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(shipped)}; or name a .toml file"
    raise SettingsError(f"no scenario is named {name_or_path}; {hint}")


def _read(path: Path) -> dict[str, Any]:
    check_local(path, "a scenario")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(f"cannot read the scenario {path}: {why}; name an existing file") from error


def _as_text(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"TOML holds no {type(value).__name__}")


def _assign(document: dict[str, Any], text: str) -> str:
    """Set one ``key=value`` in a document, and return the key."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise SettingsError(f"{ASSIGNMENT} {text}: write key=value, as in symbols.tick=500 or stages.surge.tick=900")
    first, _, rest = key.partition(".")
    if first == "settings":
        document.setdefault("settings", {})[rest] = parse_value(value)
        return key
    parent: Any = document
    *names, last = key.split(".")
    for number, name in enumerate(names):
        parent = _child(parent, name, names[:number], text)
    if isinstance(parent, list):
        _index_in(parent, last, names, text)
        raise SettingsError(f"{ASSIGNMENT} {text}: {key} is a table; set a key of it, as in {key}.seconds=60")
    parent[last] = parse_value(value)
    return key


def _child(parent: Any, name: str, above: Sequence[str], text: str) -> Any:
    """Return the table or list below ``parent``; create a missing table."""
    if isinstance(parent, list):
        return parent[_index_in(parent, name, above, text)]
    child = parent.setdefault(name, [] if not above and name in _LISTS else {})
    if isinstance(child, int | float) and not isinstance(child, bool):  # a constant rate, or a bare limit
        child = parent[name] = {"limit": child} if above == ["thresholds"] else {"from": child, "to": child}
    if not isinstance(child, dict | list):
        key = ".".join([*above, name])
        raise SettingsError(f"{ASSIGNMENT} {text}: {key} is {format_value(child)}, which has no keys; set {key} itself")
    return child


def _index_in(entries: list[Any], name: str, above: Sequence[str], text: str) -> int:
    """Return the index of an entry that is named, or numbered from 0."""
    names = [str(entry.get("name", place)) for place, entry in enumerate(entries)]
    if name in names:
        return names.index(name)
    key = ".".join([*above, name])
    near = get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
    raise SettingsError(f"{ASSIGNMENT} {text}: there is no {key}; {hint}")


def _flatten_settings(document: dict[str, Any]) -> None:
    settings = document.get("settings")
    if isinstance(settings, dict):
        document["settings"] = dict(_leaves(settings, ""))


def _leaves(table: Mapping[str, Any], prefix: str) -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name, value in table.items():
        key = f"{prefix}{name}"
        leaves += _leaves(value, f"{key}.") if isinstance(value, Mapping) else [(key, value)]
    return leaves


def _check_settings(settings: Mapping[str, Any], place: str, changed: set[str]) -> None:
    if not settings:
        return
    from tickstock_cli.build import load_settings  # loads every detector
    from tickstock_cli.config.load import Assigned

    assignments = [
        Assigned(key, value, ASSIGNMENT if f"settings.{key}" in changed else place) for key, value in settings.items()
    ]
    load_settings(file=None, environment={}, assignments=assignments)


def _explain(error: ValidationError, document: Mapping[str, Any], name: str, changed: set[str]) -> str:
    """Return the first validation error in one line, and the number of further ones."""
    problem, *others = _causes(error.errors(include_url=False))
    key, model = _locate(problem, document)
    set_here = [one for one in changed if f"{key}.".startswith(f"{one}.") or f"{one}.".startswith(f"{key}.")]
    place = f"{ASSIGNMENT} {set_here[0]}" if key and set_here else f"{name} with {ASSIGNMENT}" if changed else name
    message = f"{place}: {_describe(problem, key, model)}"
    return f"{message}; and {len(others)} more" if others else message


def _causes(problems: Sequence[ErrorDetails]) -> list[ErrorDetails]:
    """Return the problems without those that another one causes.

    A misspelt key is missing as well, and pydantic reports a list as too short if its entries are invalid.
    """
    unknown = [problem["loc"] for problem in problems if problem["type"] == "extra_forbidden"]

    def is_misspelt(problem: ErrorDetails) -> bool:
        if problem["type"] != "missing":
            return False
        *table, name = problem["loc"]
        beside = [str(other[-1]) for other in unknown if list(other[:-1]) == table]
        return bool(get_close_matches(str(name), beside, n=1))

    def has_invalid_entries(problem: ErrorDetails) -> bool:
        place = problem["loc"]
        return problem["type"] == "too_short" and any(
            len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in problems
        )

    causes = [problem for problem in problems if not is_misspelt(problem) and not has_invalid_entries(problem)]
    return sorted(causes, key=lambda problem: problem["type"] != "extra_forbidden")


def _describe(problem: ErrorDetails, key: str, model: type[BaseModel]) -> str:
    match problem["type"]:
        case "extra_forbidden":
            known = [field.alias or name for name, field in model.model_fields.items()]
            near = get_close_matches(str(problem["loc"][-1]), known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {either(known)}"
            return f"unknown key {key}; {hint}"
        case "missing":
            field = _field(model, str(problem["loc"][-1]))
            return f"{key} is missing; add it: {field}"
        case "model_type" | "model_attributes_type":
            what = "a number, or a table as in {from = 100, to = 900}" if model is RateCurve else "a table"
            return f"{key} = {format_value(problem['input'])}: must be {what}"
        case "value_error" if isinstance(problem["input"], dict):
            return f"{key}: {reason(problem)}" if key else reason(problem)
        case _:
            return f"{key} = {format_value(problem['input'])}: {reason(problem)}"


def _field(model: type[BaseModel], name: str) -> str:
    for own, field in model.model_fields.items():
        if name in (own, field.alias):
            return str(field.description)
    return ""


def _locate(problem: ErrorDetails, document: Mapping[str, Any]) -> tuple[str, type[BaseModel]]:
    """Return the key of a validation error, stages by name, and the model that holds it."""
    model: type[BaseModel] = Scenario
    holder: type[BaseModel] = Scenario
    names: list[str] = []
    entries: Any = None
    for part in problem["loc"]:
        if isinstance(part, int):
            entry = entries[part] if isinstance(entries, list) and part < len(entries) else None
            names.append(str(entry.get("name", part)) if isinstance(entry, dict) else str(part))
            continue
        names.append(part)
        entries = document.get(part) if len(names) == 1 else None
        holder = model
        model = _model_of(model, part)
    if problem["type"] in ("model_type", "model_attributes_type"):
        holder = model
    return ".".join(names), holder


def _model_of(model: type[BaseModel], name: str) -> type[BaseModel]:
    """Return the model of a field that is a table or a list of tables; otherwise the model itself."""
    if name in _LISTS:
        return _LISTS[name]
    for own, field in model.model_fields.items():
        if name in (own, field.alias) and isinstance(field.annotation, type):
            return field.annotation if issubclass(field.annotation, BaseModel) else model
    return model

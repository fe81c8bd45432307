"""Reads strategies from TOML files, with values of the command line above them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from tickstock_cli.config.load import ASSIGNMENT
from tickstock_cli.config.strategy import EnterRule, StrategySettings
from tickstock_cli.config.validation_errors import either, reason
from tickstock_cli.config.values import format_value, parse_value, show_value
from tickstock_cli.core.events import SOURCES
from tickstock_cli.core.registry import unknown_name
from tickstock_cli.errors import SettingsError
from tickstock_cli.storage.names import check_local

PREFIX = "strategy."
ENTER = "enter"


def load_strategy(file: Path, assignments: Sequence[str] = (), kinds: Sequence[str] | None = None) -> StrategySettings:
    """Read a strategy from a file.

    Parameters
    ----------
    file
        A TOML file with the sections of ``config.strategy.StrategySettings``.
    assignments
        ``exit.stop_percent=1``, ``strategy.exit.stop_percent=1``, ``strategy.latency_ms=0`` or, for the first rule of
        entry, ``enter.0.min_score=60``; they override the file, later ones earlier ones.
    kinds
        Kinds of events that rules of entry may name, with our sources; None is any kind and source.

    Raises
    ------
    SettingsError
        The file cannot be read, a key is unknown or a value is out of range.
    """
    values = _read(file)
    origins = {key: str(file) for key in _checked_keys(values, {}, str(file))}
    assign(values, origins, assignments)
    strategy = strategy_of(values, origins, str(file))
    if not strategy.enter:
        raise SettingsError(
            f'{file} has no rule of entry; write [[enter]] and below it, for example, kinds = ["surge"]'
        )
    if kinds is not None:
        _check_names(strategy, kinds, origins, str(file))
    if strategy.name:
        return strategy
    return strategy.model_copy(update={"strategy": strategy.strategy.model_copy(update={"name": file.stem})})


def assign(values: dict[str, Any], origins: dict[str, str], assignments: Sequence[str]) -> None:
    """Set values of the command line in the nested values of a strategy, and note their origin by key.

    Raises
    ------
    SettingsError
        An assignment is none, or names a rule of entry that is not there.
    """
    for text in assignments:
        key, value = _assigned(text)
        _assign(values, key, value, text)
        origins[key] = ASSIGNMENT


def strategy_of(
    values: Mapping[str, Any], origins: Mapping[str, str] | None = None, place: str = ""
) -> StrategySettings:
    """Return a validated strategy of nested values.

    Parameters
    ----------
    values
        Tables by section, as TOML has them.
    origins
        Where each key was set, for messages.
    place
        Origin of the other keys.

    Raises
    ------
    SettingsError
        A key is unknown or a value is out of range.
    """
    origins = {} if origins is None else origins
    for key in _checked_keys(values, origins, place):
        _check_not_bool(key, _value_at(values, key), origins.get(key, place))
    try:
        return StrategySettings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explain(error, origins, place)) from error


def _check_names(strategy: StrategySettings, kinds: Sequence[str], origins: Mapping[str, str], place: str) -> None:
    """Raise SettingsError if a rule names a kind or a source that no event of a run has."""
    for number, rule in enumerate(strategy.enter):
        for field, noun, known in (("kinds", "kind of event", kinds), ("sources", "source of events", SOURCES)):
            unknown = [name for name in getattr(rule, field) if name not in known]
            if unknown:
                key = f"{ENTER}.{number}.{field}"
                raise SettingsError(f"{key} (in {origins.get(key, place)}): {unknown_name(noun, unknown[0], known)}")


def _read(file: Path) -> dict[str, Any]:
    check_local(file, "a file of rules")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}") from error
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(
            f"cannot read the strategy {file}: {why}; name an existing file of rules, or a class as module:Class"
        ) from error


def strategy_sections() -> dict[str, type[BaseModel]]:
    """Return the model of every section of a strategy's file, by the section's name; that of a rule for ``enter``."""
    fields = {name: field.annotation for name, field in StrategySettings.model_fields.items()}
    return {
        name: model if isinstance(model, type) and issubclass(model, BaseModel) else EnterRule
        for name, model in fields.items()
    }


def _known_keys() -> dict[str, list[str]]:
    """Return the keys of each section."""
    return {name: list(model.model_fields) for name, model in strategy_sections().items()}


def _checked_keys(values: Mapping[str, Any], origins: Mapping[str, str], place: str) -> Iterator[str]:
    """Yield every key, dotted; the rules of entry are numbered from 0."""
    known = _known_keys()
    for section, table in values.items():
        if section not in known:
            raise SettingsError(f"unknown section {section} (in {place}){_suggestion(section, known)}")
        if section == ENTER:
            if not isinstance(table, list) or not all(isinstance(rule, Mapping) for rule in table):
                raise SettingsError(f"{ENTER} (in {place}): must be a list of tables; write [[enter]]")
            tables = [(f"{ENTER}.{number}", rule) for number, rule in enumerate(table)]
        else:
            if not isinstance(table, Mapping):
                raise SettingsError(f"{section} (in {place}): must be a section; write [{section}]")
            tables = [(section, table)]
        for prefix, entries in tables:
            for name in entries:
                key = f"{prefix}.{name}"
                if name not in known[section]:
                    where = origins.get(key, place)
                    raise SettingsError(f"unknown key {key} (in {where}){_suggestion(name, known, section)}")
                yield key


def _suggestion(name: str, known: Mapping[str, Sequence[str]], section: str = "") -> str:
    within = known.get(section, ())
    near = get_close_matches(name, within, n=1, cutoff=0.6) or [key for key in within if key.startswith(f"{name}_")]
    near = near or [f"{other}.{name}" for other, keys in known.items() if name in keys]
    near = near or ([] if section else get_close_matches(name, known, n=1))
    if near:
        return f"; did you mean {either(near)}?"
    return f"; there are {', '.join(within or known)}"


def _assigned(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise SettingsError(f"{ASSIGNMENT} {text}: write exit.stop_percent=1")
    key = key.strip()
    short = key.removeprefix(PREFIX)
    if short.partition(".")[0] in {*_known_keys()} - {"strategy"}:
        key = short
    return key, parse_value(value.strip())


def _assign(values: dict[str, Any], key: str, value: Any, text: str) -> None:
    section, _, name = key.partition(".")
    if section == ENTER:
        number, _, name = name.partition(".")
        rules = values.get(ENTER, [])
        if not number.isdecimal() or not name:
            raise SettingsError(f"{ASSIGNMENT} {text}: name one rule of entry, as in enter.0.min_score=60")
        if not isinstance(rules, list) or int(number) >= len(rules):
            raise SettingsError(f"{ASSIGNMENT} {text}: there is no rule of entry {number}; the first one is 0")
        rules[int(number)][name] = value
    elif not name:
        raise SettingsError(f"{ASSIGNMENT} {text}: write exit.stop_percent=1")
    else:
        values.setdefault(section, {})[name] = value


def _value_at(values: Mapping[str, Any], key: str) -> Any:
    found: Any = values
    for name in key.split("."):
        found = found[int(name)] if isinstance(found, list) else found[name]
    return found


def _check_not_bool(key: str, value: Any, place: str) -> None:
    """Raise SettingsError for true or false instead of a number: pydantic accepts them as 1 and 0."""
    if isinstance(value, bool) and not key.endswith(".on_opposite"):
        raise SettingsError(f"{key} = {format_value(value)} (in {place}): must be a number or a text")


def _explain(error: ValidationError, origins: Mapping[str, str], place: str) -> str:
    """Return the first validation error as one line, with the number of others."""
    first, *others = error.errors(include_url=False)
    parts = [str(part) for part in first["loc"]]
    key = next((name for name in (".".join(parts[:end]) for end in range(len(parts), 0, -1)) if name in origins), "")
    shown = key or ".".join(parts)
    if not shown:
        message = f"{place}: {reason(first)}"
    else:
        message = f"{shown} = {show_value(first['input'])} (in {origins.get(key, place)}): {reason(first)}"
    return f"{message}; and {len(others)} more" if others else message

"""Registered parts: the project's own and those of installed plugins, loaded when a part is asked for.

A family is detectors, sources, sinks or transports. Its package holds one table of its own parts, ``PARTS``: name ->
"module:Class", or a `Part`, which names the settings, too; and one ``Family`` over it. Names of modules keep
`tickstock --help` fast; a contract test loads every line.
Plugins are entry points of the group ``tickstock.<family>s`` in other distributions: their names are read from the
metadata of installed packages, and their code is imported only when somebody names the part.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

from tickstock_cli.errors import PluginError, SettingsError, UnknownPartError

SWITCH = "TICKSTOCK_PLUGINS"
"""Environment variable that turns plugins off. It holds for every process that inherits it, load tests' included."""

_SWITCH_WORDS = {"": True, "on": True, "1": True, "true": True, "yes": True}
_SWITCH_WORDS |= {"off": False, "0": False, "false": False, "no": False}


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the project whose settings are read without loading it. Both are "module:Class".

    Parameters
    ----------
    params
        The ``Params`` of the part, in a module that is quick to import.
    """

    target: str
    params: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """One part of another distribution, known by its metadata. ``target`` is "module:Class"."""

    family: str
    name: str
    target: str
    distribution: str
    version: str

    def __str__(self) -> str:
        """Return the words of messages: which distribution, and which entry point."""
        return f"{self.distribution} {self.version} (entry point {self.name} = {self.target})"

    def as_dict(self) -> dict[str, str]:
        """Return what results of runs tell of a plugin."""
        return {
            "family": self.family,
            "name": self.name,
            "distribution": self.distribution,
            "version": self.version,
        }


class Family:
    """The parts of one family, by name.

    Parameters
    ----------
    noun
        Name of one part in messages, such as ``detector``; ``tickstock.<noun>s`` is the plugins' group.
    parts
        The project's own parts: name -> "module:Class", or a `Part`.
    members
        Attributes that every part of the family has; a plugin that lacks one is refused when it is loaded.
    """

    def __init__(self, noun: str, parts: Mapping[str, str | Part], members: Sequence[str] = ()) -> None:
        self.noun = noun
        self.parts = parts
        self._members = members

    @property
    def group(self) -> str:
        """The group of the entry points of its plugins."""
        return f"tickstock.{self.noun}s"

    @property
    def plugins(self) -> list[Plugin]:
        """The installed plugins, by name and distribution, whether usable or not; none if they are turned off."""
        if not plugins_are_on():
            return []
        found = [Plugin(self.noun, *fields) for fields in _installed(self.group)]
        return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))

    @property
    def names(self) -> list[str]:
        """The names that can be loaded: the project's own, in the table's order, then those of plugins."""
        return list(dict.fromkeys([*self.parts, *(plugin.name for plugin in self.plugins)]))

    def has(self, name: str) -> bool:
        """Return whether there is a part of this name; plugins are looked up only if it is none of the project's."""
        return name in self.parts or any(plugin.name == name for plugin in self.plugins)

    def plugin(self, name: str) -> Plugin | None:
        """Return the plugin of this name; None is a part of the project, or no part.

        Raises
        ------
        PluginError
            A plugin has the name of a part of the project, or two plugins have this name.
        """
        named = [plugin for plugin in self.plugins if plugin.name == name]
        if not named:
            return None
        problem = self._name_conflict(named[0])
        if problem is not None:
            raise PluginError(f"{self.noun} {name}: {problem}")
        return named[0]

    def _name_conflict(self, plugin: Plugin) -> str | None:
        """Return why a plugin's name is not its own; None if it is."""
        way_out = f"uninstall one, or set {SWITCH}=off"
        if plugin.name in self.parts:
            return f"{plugin} takes a name that tickstock itself uses; {way_out.replace('one', 'it')}"
        others = [other for other in self.plugins if other.name == plugin.name and other != plugin]
        if others:
            named = " and ".join(map(str, sorted([plugin, *others], key=str)))
            return f"two plugins have this name, {named}; {way_out}"
        return None

    def plugins_among(self, names: Iterable[str]) -> tuple[Plugin, ...]:
        """Return the plugins that a run uses if it uses the parts of these names, which all load."""
        others = (name for name in names if name not in self.parts)
        return tuple(plugin for plugin in map(self.plugin, others) if plugin is not None)

    def load(self, name: str) -> Any:
        """Import and return the class that a user named.

        Raises
        ------
        UnknownPartError
            There is no part of this name; the message lists the names there are.
        PluginError
            The plugin of this name cannot be loaded, or its name is not its own.
        """
        plugin = self.plugin(name)
        if plugin is not None:
            return self._load_plugin(plugin)
        return self.load_own(name)

    def load_own(self, name: str) -> Any:
        """Import and return a part of the project, without a look at plugins.

        Raises
        ------
        UnknownPartError
            There is no part of this name; the message lists the names there are, plugins included.
        """
        if name not in self.parts:
            raise UnknownPartError(self.unknown(name))
        return resolve(self.target(name))

    def target(self, name: str) -> str:
        """Return the target of a part of the project, "module:Class"."""
        part = self.parts[name]
        return part.target if isinstance(part, Part) else part

    def own_params(self) -> dict[str, Any]:
        """Import and return the ``Params`` that lines of the table name, by the name of the part; no part is loaded."""
        return {name: resolve(part.params) for name, part in self.parts.items() if isinstance(part, Part)}

    def unknown(self, name: str) -> str:
        """Return the message for a name without a part."""
        return unknown_name(self.noun, name, self.names) + ("" if plugins_are_on() else f"; {SWITCH} is off")

    def problem(self, plugin: Plugin) -> str | None:
        """Return why a plugin cannot be used, and None if it can; its code is imported to find out."""
        try:
            self.load(plugin.name)
        except PluginError as error:
            return str(error)
        return None

    def missing_members(self, part: Any) -> list[str]:
        """Return the attributes that every part of the family has and this one lacks."""
        return [member for member in self._members if not hasattr(part, member)]

    def _load_plugin(self, plugin: Plugin) -> Any:
        try:
            part = resolve(plugin.target)
        except Exception as error:
            raised = " ".join(f"{type(error).__name__}: {error}".split())
            raise PluginError(f"cannot load {self.noun} {plugin.name} of {plugin}: {raised}") from error
        missing = self.missing_members(part)
        if missing:
            raise PluginError(
                f"cannot load {self.noun} {plugin.name} of {plugin}: it lacks {', '.join(missing)}; "
                f"see docs/add-a-{self.noun}.md"
            )
        return part


def unknown_name(noun: str, name: str, names: Sequence[str]) -> str:
    """Return the message for a name that is none of ``names``: the nearest one, and all there are."""
    near = get_close_matches(name, names, n=1)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"no {noun} named {name!r}{hint} (there are: {', '.join(names)})"


def plugins_are_on() -> bool:
    """Return whether plugins are looked up at all.

    Raises
    ------
    SettingsError
        The environment variable holds neither on nor off.
    """
    word = os.environ.get(SWITCH, "")
    if word.lower() not in _SWITCH_WORDS:
        raise SettingsError(f"{SWITCH} must be on or off, was {word!r}")
    return _SWITCH_WORDS[word.lower()]


def turn_plugins_off() -> None:
    """Look up no plugin from now on, in this process and in those that it starts."""
    os.environ[SWITCH] = "off"


@cache
def _installed(group: str) -> tuple[tuple[str, str, str, str], ...]:
    """Return name, target, distribution and version of every entry point of a group, read once a process."""
    from importlib.metadata import entry_points  # most commands name no plugin, and it takes as long as typer

    points = entry_points(group=group)
    return tuple((point.name, point.value, point.dist.name, point.dist.version) for point in points if point.dist)


def resolve(target: str) -> Any:
    """Import and return the object of a target, "module:Class"."""
    module, _, attribute = target.partition(":")
    part = import_module(module)
    for name in attribute.split("."):
        part = getattr(part, name)
    return part

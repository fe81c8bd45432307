"""Settings -> parts. The only place that knows both the registered parts and the engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.config.load import Assigned, Loaded, load, named_detectors
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.settings import settings_model as joined_settings
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.declarations import DetectorDeclaration, with_declarations
from tickstock_cli.core.events import PHASES, EventEncoder, Provenance, event_schema
from tickstock_cli.core.kinds import Column, Extreme, Kind, KindCodes, extreme_kinds, join_kinds, own_columns
from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.core.registry import unknown_name
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.detectors import DETECTORS
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.core import Core
from tickstock_cli.errors import PluginError, SettingsError, UnknownPartError, UsageError
from tickstock_cli.kernels.admission import Guard
from tickstock_cli.kernels.coordination import CoordinationRules
from tickstock_cli.kernels.rows import MOST_EXTREMES
from tickstock_cli.sources import SOURCES

AddedDetectors = Mapping[str, type[Any] | tuple[type[Any], Any]]
"""Detectors of an embedding program, by name: a class, or a class and its parameters."""


def detector_classes(settings: Settings | None = None) -> dict[str, Any]:
    """Return the class of every detector that has a section in ``settings``, by name, in the order of outputs.

    The project's own come first, in their table's order, then plugins by name, then those of an embedding program.
    None is the project's own alone.
    """
    names = DETECTORS.parts if settings is None else type(settings).detector_names
    added = {} if settings is None else type(settings).added_detectors
    return {name: added[name] if name in added else _registered_detector(name) for name in names}


def _registered_detector(name: str) -> Any:
    return DETECTORS.load_own(name) if name in DETECTORS.parts else DETECTORS.load(name)


@cache
def settings_model(plugins: tuple[str, ...] = (), sources: tuple[str, ...] = ()) -> type[Settings]:
    """Return the model of all settings: the fixed sections, and one of every detector and source that has settings.

    Parameters
    ----------
    plugins
        Names of plugins' detectors, ascending. They get a section, and do not run by default.
    sources
        Names of plugins' sources, ascending.

    Raises
    ------
    PluginError
        A plugin cannot be loaded, or its name is that of another section.
    """
    for name in plugins:
        if name in Settings.model_fields:
            raise PluginError(f"detector {name}: {DETECTORS.plugin(name)} takes the name of a section of the settings")
    classes = {**detector_classes(), **{name: DETECTORS.load(name) for name in plugins}}
    sections = {name: cls.Params for name, cls in classes.items()}
    on = tuple(name for name in DETECTORS.parts if classes[name].enabled_by_default)
    return joined_settings(sections, on, DETECTORS.unknown, _source_sections(sources))


def _source_sections(plugins: Sequence[str]) -> dict[str, type[Any]]:
    """Return the ``Params`` of the project's sources and of ``plugins`` that have any, by name."""
    for name in SOURCES.parts:
        SOURCES.plugin(name)  # raises PluginError if one takes the name
    classes = {name: SOURCES.load(name) for name in plugins}
    return {**SOURCES.own_params(), **{name: cls.Params for name, cls in classes.items() if hasattr(cls, "Params")}}


def load_settings(
    *, file: Path | None, environment: Mapping[str, str], assignments: Sequence[str | Assigned]
) -> Loaded[Settings]:
    """Load settings from all layers, as ``config.load.load`` says, and the plugins that they name.

    Raises
    ------
    SettingsError
        A key is unknown, a value is out of range or a layer cannot be read.
    PluginError
        A plugin that is named cannot be loaded.
    """
    model = named_settings_model(file=file, environment=environment, assignments=assignments)
    return load(model, file=file, environment=environment, assignments=assignments)


def named_settings_model(
    *,
    file: Path | None = None,
    environment: Mapping[str, str],
    assignments: Sequence[str | Assigned] = (),
    parts: Sequence[str] = (),
) -> type[Settings]:
    """Return the model of all settings, with those of plugins that a layer of the settings or ``parts`` name.

    Parameters
    ----------
    file, environment, assignments
        The layers, as ``config.load.load`` takes them; no value is checked.
    parts
        Detectors and sources, by name.

    Raises
    ------
    SettingsError
        A layer cannot be read.
    UnknownPartError
        There is no detector or source of a name in ``parts``.
    PluginError
        A plugin that is named cannot be loaded.
    """
    for name in parts:
        if not (DETECTORS.has(name) or SOURCES.has(name)):
            known = [*DETECTORS.names, *SOURCES.names]
            raise UnknownPartError(unknown_name("detector or source", name, known))
    named = named_detectors(file=file, environment=environment, assignments=assignments)
    sections = {*named.sections, *parts}
    return settings_model(_plugins_among(named.enabled | sections), _source_plugins_among(sections))


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Return checked settings from nested values, section by section, such as ``model_dump`` gives."""
    enabled = values.get("detectors", {}).get("enabled", ())
    sections = values.keys() - Settings.model_fields.keys()
    detectors = _plugins_among({*sections, *enabled} - DETECTORS.parts.keys())
    return settings_model(detectors, _source_plugins_among(sections)).model_validate(values)


def add_detectors(settings: Settings, detectors: AddedDetectors) -> Settings:
    """Return settings in which detectors of an embedding program have a section each, and run.

    Parameters
    ----------
    detectors
        By name: a class that conforms to `core.stages.Detector`, or such a class and its parameters; without
        parameters, all of its defaults.

    Raises
    ------
    UsageError
        A name is taken or no identifier, a class is no detector, or parameters are those of another detector.
    """
    if not detectors:
        return settings
    before = type(settings)
    pairs = {name: given if isinstance(given, tuple) else (given, None) for name, given in detectors.items()}
    for name, (cls, parameters) in pairs.items():
        _check_added(name, cls, parameters, before)
    classes = {**detector_classes(settings), **{name: cls for name, (cls, _) in pairs.items()}}
    enabled = (*settings.detectors.enabled, *pairs)
    sources = {name: type(getattr(settings, name)) for name in before.source_names}
    model = joined_settings({name: cls.Params for name, cls in classes.items()}, enabled, sources=sources)
    model.added_detectors = {**before.added_detectors, **{name: cls for name, (cls, _) in pairs.items()}}
    sections = {name: getattr(settings, name) for name in before.model_fields if name != "detectors"}
    given = {name: parameters for name, (_, parameters) in pairs.items() if parameters is not None}
    return model.model_validate({**sections, **given, "detectors": {"enabled": enabled}})


def _check_added(name: str, cls: Any, parameters: Any, model: type[Settings]) -> None:
    if name in model.model_fields:
        raise UsageError(f"detector {name}: a section of the settings has this name; choose another one")
    if not name.isidentifier():
        raise UsageError(f"detector {name!r}: a name consists of letters, digits and underscores, such as round_price")
    if not isinstance(cls, type):
        raise UsageError(f"detector {name}: must be a class, which every system builds for itself, was {cls!r}")
    if missing := DETECTORS.missing_members(cls):
        raise UsageError(f"detector {name}: {cls.__name__} lacks {', '.join(missing)}; see docs/add-a-detector.md")
    if parameters is not None and not isinstance(parameters, cls.Params):  # type: ignore[attr-defined]  # checked above
        raise UsageError(f"detector {name}: parameters must be {cls.__name__}.Params, were {parameters!r}")


def _plugins_among(names: Iterable[str]) -> tuple[str, ...]:
    """Return which of some names are those of plugins' detectors, ascending."""
    return tuple(sorted(name for name in names if DETECTORS.plugin(name) is not None))


def _source_plugins_among(names: Iterable[str]) -> tuple[str, ...]:
    """Return which of some names are those of plugins' sources, ascending."""
    return tuple(sorted(name for name in names if SOURCES.plugin(name) is not None))


def event_kinds(settings: Settings | None = None) -> tuple[Kind, ...]:
    """Return the kinds that detectors of ``settings`` declare, in the order of outputs; a kind's code is its position.

    None is the project's own detectors alone.

    Raises
    ------
    SettingsError
        Declarations contradict each other, or too many kinds are session extremes.
    """
    kinds = join_kinds((name, cls.kinds) for name, cls in detector_classes(settings).items())
    extremes = [kind.name for kind in extreme_kinds(kinds)]
    if len(extremes) > MOST_EXTREMES:
        raise SettingsError(
            f"at most {MOST_EXTREMES} kinds of events can be session extremes, but detectors declare "
            f"{len(extremes)}: {', '.join(extremes)}"
        )
    return kinds


def enabled_columns(settings: Settings) -> tuple[Column, ...]:
    """Return the columns that the kinds of enabled detectors add to those of every event."""
    classes = detector_classes(settings)
    enabled = [cls for name, cls in classes.items() if name in settings.detectors.enabled]
    return own_columns(kind for cls in enabled for kind in cls.kinds)


def build_event_schema(settings: Settings, *, provenance: bool = False) -> pa.Schema:
    """Return the columns of a run's events, with the declarations of its detectors in the metadata."""
    enabled = [one for one in declarations(settings) if one.name in settings.detectors.enabled]
    return with_declarations(event_schema(enabled_columns(settings), provenance=provenance), enabled)


def declarations(settings: Settings) -> tuple[DetectorDeclaration, ...]:
    """Return what every detector that has a section in ``settings`` declares, in the order of outputs."""
    return tuple(
        DetectorDeclaration(name, cls.channel, cls.kinds, settings.section(name, cls.Params))
        for name, cls in detector_classes(settings).items()
    )


def build_core(settings: Settings, symbols: SymbolTable, workers: int = 1, executor: Executor | None = None) -> Core:
    """Build a core with empty state.

    Parameters
    ----------
    settings
        An instance of ``settings_model()``.
    symbols
        The run's symbol table, shared with the source that fills it.
    """
    channels = build_channels(settings, build_detectors(settings))
    return Core(symbols, channels, Coordinator(coordination_rules(settings), symbols), workers, executor)


def build_channels(settings: Settings, detectors_by_name: Mapping[str, Any]) -> Channels:
    """Build the three channels around detectors given by name, each in its own channel."""
    names = kind_names(settings)
    parts: dict[str, dict[str, Any]] = {"tick": {}, "ohlcv": {}, "fmv": {}}
    for name, detector in detectors_by_name.items():
        parts[detector.channel][name] = detector
    return Channels(
        Calendar(settings.session.market_calendar),
        np.array([phase in settings.session.phases for phase in PHASES]),
        TickChannel(Guard(settings.guard.outlier_percent, settings.guard.confirm_rows), parts["tick"], names),
        OhlcvChannel(parts["ohlcv"], names),
        FmvChannel(parts["fmv"], names),
        KindCodes(event_kinds(settings)).extremes(),
    )


def build_detectors(settings: Settings) -> dict[str, Any]:
    """Build the enabled detectors, by name, in the table's order."""
    enabled = settings.detectors.enabled
    codes = KindCodes(event_kinds(settings))
    return {
        name: cls(settings.section(name, cls.Params), codes)
        for name, cls in detector_classes(settings).items()
        if name in enabled
    }


def kind_names(settings: Settings | None = None) -> list[str]:
    """Return the names of ``event_kinds``, by code."""
    return [kind.name for kind in event_kinds(settings)]


def coordination_rules(settings: Settings) -> CoordinationRules:
    """Return the coordinator's settings as its kernels take them."""
    kinds = event_kinds(settings)
    price, percent = np.full((2, len(kinds)), np.nan)
    for name, declared in declared_extremes(declarations(settings)).items():
        code = kind_names(settings).index(name)
        price[code] = getattr(declared.settings, declared.extreme.min_price_change)
        percent[code] = getattr(declared.settings, declared.extreme.min_percent_change)
    return CoordinationRules(
        settings.coordinator.window_ms * 1_000_000,
        settings.coordinator.hold_top_source,
        settings.coordinator.key == "ticker",
        len(kinds),
        settings.coordinator.dedupe_extremes,
        price,
        percent,
    )


@dataclass(frozen=True, slots=True)
class DeclaredExtreme:
    """Session extremes of one kind: the declaration, and the name, channel and settings of the detector."""

    extreme: Extreme
    detector: str
    source: str
    settings: BaseModel

    @property
    def post_continues(self) -> bool:
        """Whether extremes of regular hours remain those of ``post``."""
        field = self.extreme.post_continues
        return field is not None and bool(getattr(self.settings, field))

    @property
    def least_setting(self) -> str:
        """Full name of the setting with the least distance in percent."""
        return f"{self.detector}.{self.extreme.min_percent_change}"


def declared_extremes(declared: Iterable[DetectorDeclaration]) -> dict[str, DeclaredExtreme]:
    """Return the session extremes by kind; of several declarations the first one counts."""
    found: dict[str, DeclaredExtreme] = {}
    for one in declared:
        for kind in one.kinds:
            if kind.extreme is not None:
                found.setdefault(kind.name, DeclaredExtreme(kind.extreme, one.name, one.source, one.settings))
    return found


def build_encoder(settings: Settings, symbols: SymbolTable, provenance: Provenance | None = None) -> EventEncoder:
    """Build the bridge from internal events to rows of the output schema."""
    kinds = event_kinds(settings)
    priorities = PriorityManager([kind.priority for kind in kinds], settings.priority.core_universe)
    return EventEncoder(symbols, kinds, priorities, enabled_columns(settings), provenance)

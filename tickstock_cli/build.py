"""Settings -> parts. The only place that knows both the registered parts and the engine."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import cache
from typing import Any

import numpy as np

from tickstock_cli import detectors
from tickstock_cli.channels.fmv import FmvChannel
from tickstock_cli.channels.ohlcv import OhlcvChannel
from tickstock_cli.channels.tick import TickChannel
from tickstock_cli.config import settings as configuration
from tickstock_cli.config.settings import Settings
from tickstock_cli.core.calendar import Calendar
from tickstock_cli.core.events import PHASES, EventEncoder, Kind, Provenance
from tickstock_cli.core.priority import PriorityManager
from tickstock_cli.core.registry import load_part
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.detectors.highlow import HighLowParams
from tickstock_cli.engine.channels import Channels
from tickstock_cli.engine.coordinator import Coordinator
from tickstock_cli.engine.core import Core
from tickstock_cli.kernels.admission import Guard
from tickstock_cli.kernels.coordination import CoordinationRules


def detector_classes() -> dict[str, Any]:
    """Return every registered detector's class, by name, in the table's order."""
    return {name: load_part("detector", detectors.PARTS, name) for name in detectors.PARTS}


@cache
def settings_model() -> type[configuration.Settings]:
    """Return the model of all settings: the fixed sections and one of every registered detector."""
    return configuration.settings_model({name: cls.Params for name, cls in detector_classes().items()})


def event_kinds() -> tuple[Kind, ...]:
    """Return every kind that a registered detector may tell of, in the order of outputs; codes are places here."""
    kinds: dict[str, Kind] = {}
    for cls in detector_classes().values():
        for kind in cls.kinds:
            kinds.setdefault(kind.name, kind)
    return tuple(kinds.values())


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
    names = kind_names()
    parts: dict[str, dict[str, Any]] = {"tick": {}, "ohlcv": {}, "fmv": {}}
    for name, detector in detectors_by_name.items():
        parts[detector.channel][name] = detector
    return Channels(
        Calendar(settings.session.calendar),
        np.array([phase in settings.session.phases for phase in PHASES]),
        TickChannel(Guard(settings.guard.outlier_percent, settings.guard.confirm_rows), parts["tick"], names),
        OhlcvChannel(parts["ohlcv"], names),
        FmvChannel(parts["fmv"], names),
        (names.index("high"), names.index("low")),
    )


def build_detectors(settings: Settings) -> dict[str, Any]:
    """Build the enabled detectors, by name, in the table's order."""
    enabled = settings.detectors.enabled
    for name in enabled:
        load_part("detector", detectors.PARTS, name)
    codes = {name: code for code, name in enumerate(kind_names())}
    return {
        name: cls(settings.section(name, cls.Params), codes)
        for name, cls in detector_classes().items()
        if name in enabled
    }


def kind_names() -> list[str]:
    """Return the names of the event kinds, by code."""
    return [kind.name for kind in event_kinds()]


def coordination_rules(settings: Settings) -> CoordinationRules:
    """Return the coordinator's settings as its kernels take them."""
    highlow = settings.section("highlow", HighLowParams)
    return CoordinationRules(
        settings.coordinator.window_ms * 1_000_000,
        settings.coordinator.hold_top_source,
        settings.coordinator.key == "ticker",
        len(event_kinds()),
        settings.coordinator.dedupe_extremes,
        highlow.min_price_change,
        highlow.min_percent_change,
    )


def build_encoder(settings: Settings, symbols: SymbolTable, provenance: Provenance | None = None) -> EventEncoder:
    """Build the bridge from internal events to rows of the output schema."""
    kinds = event_kinds()
    priorities = PriorityManager([kind.priority for kind in kinds], settings.priority.core_universe)
    return EventEncoder(symbols, kinds, priorities, provenance)

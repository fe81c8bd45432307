"""From settings to channel instances and their router."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any

from pydantic import ValidationError

from tickstock_cli.build import AddedDetectors, add_detectors, settings_from
from tickstock_cli.config.running import ChannelSettings
from tickstock_cli.config.settings import Settings
from tickstock_cli.config.validation_errors import reason
from tickstock_cli.core.clock import Clock
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.engine.core import Core
from tickstock_cli.errors import SettingsError, UsageError
from tickstock_cli.runtime.assignment import RoutingStrategy
from tickstock_cli.runtime.breaker import CircuitBreaker
from tickstock_cli.runtime.channel_history import ChannelHistory
from tickstock_cli.runtime.chunks import ShardChunk
from tickstock_cli.runtime.instance import Finished, Process, ProcessingChannel
from tickstock_cli.runtime.linear import BATCHING, LINEAR, NEVER_OPEN
from tickstock_cli.runtime.metrics import Meter
from tickstock_cli.runtime.rollout import Rollout
from tickstock_cli.runtime.router import DataChannelRouter, Entrance
from tickstock_cli.runtime.sections import SECOND, batching_of, breaker_limits_of, health_limits_of

Instances = dict[str, list[ProcessingChannel]]


def checked_settings(
    settings: Settings | Mapping[str, Any] | None, core: Core | None, detectors: AddedDetectors | None
) -> Settings:
    """Return all settings, with the detectors that are added.

    Raises
    ------
    UsageError
        A core is given, whose detectors are built already, and detectors are to be added.
    SettingsError
        A key is unknown, or a value is out of range.
    """
    if core is not None and detectors:
        raise UsageError("detectors cannot be added to a core that is built; give one of the two")
    if not isinstance(settings, Settings):
        try:
            settings = settings_from(settings or {})
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise SettingsError(f"{key} = {first['input']!r}: {reason(first)}") from error
    return add_detectors(settings, detectors or {})


def channel_sections(settings: Settings) -> dict[str, ChannelSettings]:
    """Return the settings of each channel, by record type."""
    return {"tick": settings.tick_channel, "ohlcv": settings.ohlcv_channel, "fmv": settings.fmv_channel}


def instance_names(settings: Settings) -> list[str]:
    """Return the name of every instance by its number; number 0 is no instance, and its name is empty.

    The last one is that of the linear path, which is there in a gradual rollout.
    """
    sections = channel_sections(settings).items()
    names = (f"{record}-{number}" for record, section in sections for number in range(1, section.instances + 1))
    return ["", *names, LINEAR]


def build_instances(
    settings: Settings,
    symbols: SymbolTable,
    clock: Clock,
    process: Process,
    linear: Process | None,
    executor: Executor,
    finished: Callable[[Finished], None],
    dropped: Callable[[ShardChunk], None],
    broken: Callable[[BaseException], None],
) -> Instances:
    """Build every instance of every channel, numbered from 1, not started yet; with ``linear``, the linear path's, too.

    Parameters
    ----------
    process, linear, executor
        Processes a batch of a channel, or of the linear path, and the threads in which it runs.
    finished, dropped, broken
        Called on the loop with a finished batch, with rows that are dropped, and with an error that leaves the state of
        a channel undefined.
    """
    sections = channel_sections(settings)
    instances: Instances = {record: [] for record in sections}
    queue_rows = max(section.queue_rows for section in sections.values())

    def build(name: str, number: int) -> ProcessingChannel:
        record = name.partition("-")[0]
        section = sections.get(record)
        batching = BATCHING if section is None else batching_of(section)
        limits = NEVER_OPEN if section is None else breaker_limits_of(section)
        rows = queue_rows if section is None else section.queue_rows
        meter = Meter(
            name,
            record,
            queue_limit=rows,
            timeout_ns=batching.timeout_ns,
            wait_ns=batching.granted_wait_ns,
            window_ns=int(settings.monitoring.window_seconds * SECOND),
            clock=clock,
        )
        return ProcessingChannel(
            name,
            record,
            number,
            queue_rows=rows,
            batching=batching,
            breaker=CircuitBreaker(limits, clock),
            meter=meter,
            history=ChannelHistory(symbols, clock),
            clock=clock,
            process=process if linear is None or section is not None else linear,
            executor=executor,
            finished=finished,
            dropped=dropped,
            broken=broken,
        )

    for number, name in enumerate(instance_names(settings)[1:], 1):
        if name != LINEAR or linear is not None:
            instances.setdefault(name.partition("-")[0], []).append(build(name, number))
    return instances


def build_router(
    settings: Settings,
    instances: Instances,
    symbols: SymbolTable,
    clock: Clock,
    entrance: Entrance,
    rollout: Rollout | None,
) -> DataChannelRouter:
    """Build the router over all instances."""
    router = settings.router
    return DataChannelRouter(
        {record: instances[record] for record in channel_sections(settings)},
        symbols,
        RoutingStrategy(router.strategy),
        health_limits_of(router),
        clock,
        entrance,
        router.seed,
        rollout,
    )

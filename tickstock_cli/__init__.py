"""Replay, backtest, load-test and run a market-event system.

This package offers the embedding API; see docs/embedding.md. Every name is imported when it is first used, so that
`import tickstock_cli` takes no time.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing typing would take longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from tickstock_cli.config.settings import Settings
    from tickstock_cli.engine.result import RunResult
    from tickstock_cli.errors import (
        CheckpointError,
        DamagedError,
        DataError,
        ExpiredError,
        FailedOutputsError,
        FeedError,
        InterruptedRunError,
        LedgerError,
        MemoryShortError,
        NoRowsError,
        NotPublishedError,
        OrderError,
        OutputError,
        OwnOutputError,
        PluginError,
        RejectedRowError,
        SchemaError,
        ServingError,
        SettingsError,
        SlowConsumerError,
        SourceFileError,
        SystemBrokenError,
        ThresholdError,
        TickstockError,
        UnknownPartError,
        UsageError,
    )
    from tickstock_cli.replaying import Request, replay
    from tickstock_cli.runtime.records import FMVData, OHLCVData, TickData
    from tickstock_cli.runtime.results import EventProcessingResult
    from tickstock_cli.runtime.service import MarketDataService
    from tickstock_cli.runtime.serving import SystemServer
    from tickstock_cli.runtime.stream import EventStream
    from tickstock_cli.runtime.system import MultiChannelSystem

__version__ = "0.1.0"

__all__ = [
    "CheckpointError",
    "DamagedError",
    "DataError",
    "EventProcessingResult",
    "EventStream",
    "ExpiredError",
    "FMVData",
    "FailedOutputsError",
    "FeedError",
    "InterruptedRunError",
    "LedgerError",
    "MarketDataService",
    "MemoryShortError",
    "MultiChannelSystem",
    "NoRowsError",
    "NotPublishedError",
    "OHLCVData",
    "OrderError",
    "OutputError",
    "OwnOutputError",
    "PluginError",
    "RejectedRowError",
    "Request",
    "RunResult",
    "SchemaError",
    "ServingError",
    "Settings",
    "SettingsError",
    "SlowConsumerError",
    "SourceFileError",
    "SystemBrokenError",
    "SystemServer",
    "ThresholdError",
    "TickData",
    "TickstockError",
    "UnknownPartError",
    "UsageError",
    "__version__",
    "replay",
]

_MODULES = {
    "EventProcessingResult": "runtime.results",
    "EventStream": "runtime.stream",
    "FMVData": "runtime.records",
    "MarketDataService": "runtime.service",
    "MultiChannelSystem": "runtime.system",
    "OHLCVData": "runtime.records",
    "Request": "replaying",
    "RunResult": "engine.result",
    "Settings": "config.settings",
    "SystemServer": "runtime.serving",
    "TickData": "runtime.records",
    "replay": "replaying",
}
"""Where the public names are defined; those that are not listed are errors."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_MODULES.get(name, 'errors')}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

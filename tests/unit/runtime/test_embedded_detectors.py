"""Detectors that an embedding program brings along, without an entry point."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.unit.runtime.round_price import RoundPrice, RoundPriceParams
from tickstock_cli.build import build_core, settings_model
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.detectors.surge import SurgeParams
from tickstock_cli.errors import SettingsError, UsageError
from tickstock_cli.runtime.system import MultiChannelSystem
from tickstock_cli.testing import SECOND, ListSink, new_york

START = new_york("2024-06-12", "10:00:00")
RISES = [
    {"ticker": "ABC", "timestamp": START + n * SECOND, "price": 98.0 + n, "size": 10, "received_at": None}
    for n in range(6)
]


def found(system: MultiChannelSystem, sink: ListSink) -> list[tuple[str, float]]:
    """Return kind and price of every event of six rising prices, 98 to 103."""

    async def run() -> None:
        async with system:
            await system.process_tick_data(RISES)

    asyncio.run(run())
    return [(event["kind"], event["price"]) for event in sink.events]


def test_a_detector_of_the_program_runs_beside_the_others() -> None:
    """Its events stand in the same order, in the same sinks, with its own kind."""
    sink = ListSink()

    events = found(MultiChannelSystem(detectors={"round_price": RoundPrice}, sinks=[sink]), sink)

    assert ("round_price", 100.0) in events
    assert [price for kind, price in events if kind == "high"] == [99.0, 100.0, 101.0, 102.0, 103.0]


def test_a_detector_takes_its_parameters_with_it() -> None:
    """A class and its parameters; defaults stay for those that name none."""
    sink = ListSink()
    given = {"round_price": (RoundPrice, RoundPriceParams(step=2.0))}

    events = found(MultiChannelSystem(detectors=given, sinks=[sink]), sink)

    assert [price for kind, price in events if kind == "round_price"] == [100.0, 102.0]


def test_a_program_may_run_its_own_detector_alone() -> None:
    """What the settings turn off stays off."""
    sink = ListSink()
    system = MultiChannelSystem(
        {"detectors": {"enabled": ["fmv"]}}, detectors={"round_price": RoundPrice}, sinks=[sink]
    )

    assert found(system, sink) == [("round_price", 100.0)]


class Unfinished:
    """A detector that lacks most of what one has."""

    channel = "tick"
    Params = RoundPriceParams


@pytest.mark.parametrize(
    ("detectors", "message"),
    [
        ({"highlow": RoundPrice}, "detector highlow: a section of the settings has this name"),
        ({"guard": RoundPrice}, "detector guard: a section of the settings has this name"),
        ({"round price": RoundPrice}, "detector 'round price': a name consists of letters"),
        ({"round_price": Unfinished}, "detector round_price: Unfinished lacks compiled, counters, enabled_by_default"),
        ({"round_price": (RoundPrice, SurgeParams())}, "parameters must be RoundPrice.Params, were SurgeParams"),
        ({"round_price": RoundPrice(RoundPriceParams(), {"round_price": 0})}, "must be a class, which every system"),
    ],
)
def test_an_invalid_detector_is_an_error_before_the_start(detectors: dict[str, Any], message: str) -> None:
    """An error at the first row would break a running system."""
    with pytest.raises(UsageError, match=message):
        MultiChannelSystem(detectors=detectors)


def test_a_core_that_is_built_takes_no_more_detectors() -> None:
    """Its channels are built, so the detectors would be ignored without an error."""
    core = build_core(settings_model()(), SymbolTable())

    with pytest.raises(UsageError, match="detectors cannot be added to a core that is built"):
        MultiChannelSystem(core=core, detectors={"round_price": RoundPrice})


def test_settings_may_be_given_as_plain_values_and_are_checked() -> None:
    """An error names key, value and what is right, as it does for a file."""
    with pytest.raises(SettingsError, match=r"tick_channel\.instances = 0: must be greater than or equal to 1"):
        MultiChannelSystem({"tick_channel": {"instances": 0}})

"""The tap that counts rows and events by market phase: the battery of the test kit."""

from __future__ import annotations

from tickstock_vwap.phases import PhaseCounts

from tickstock_cli.testing.taps import TapContract


class TestPhases(TapContract):
    """Everything that tickstock asks of a tap."""

    tap = PhaseCounts

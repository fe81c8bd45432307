"""Detectors: what turns rows into events. Adding one means one file here and one line below.

The table's order is the order in which detectors see a row, and, through the kinds they declare, the order
of kinds in every output: high, low, surge, trend, fmv, then whatever comes after. Plugins follow by name.
"""

from __future__ import annotations

from tickstock_cli.core.registry import Family

PARTS = {
    "highlow": "tickstock_cli.detectors.highlow:HighLow",
    "surge": "tickstock_cli.detectors.surge:Surge",
    "trend": "tickstock_cli.detectors.trend:Trend",
    "ohlcv": "tickstock_cli.detectors.ohlcv:Ohlcv",
    "fmv": "tickstock_cli.detectors.fmv:Fmv",
}

DETECTORS = Family(
    "detector",
    PARTS,
    ("Params", "channel", "compiled", "counters", "events_per_row", "grow", "kinds", "scan", "state"),
)

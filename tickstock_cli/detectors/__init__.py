"""Detectors turn rows into events. A new one is one file here and one line below.

The table's order is the order in which detectors read a row. The order of the kinds they declare is the order of
kinds in every output; new detectors go to the end. Plugins follow by name.
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
    (
        "Params",
        "channel",
        "compiled",
        "counters",
        "enabled_by_default",
        "events_per_row",
        "grow",
        "kinds",
        "scan",
        "state",
    ),
)

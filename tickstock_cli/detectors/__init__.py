"""Detectors: what turns rows into events. Adding one means one file here and one line below.

The table's order is the order in which detectors see a row, and, through the kinds they declare, the order
of kinds in every output: high, low, surge, trend, fmv, then whatever comes after.
"""

PARTS = {
    "highlow": "tickstock_cli.detectors.highlow:HighLow",
    "surge": "tickstock_cli.detectors.surge:Surge",
    "trend": "tickstock_cli.detectors.trend:Trend",
    "ohlcv": "tickstock_cli.detectors.ohlcv:Ohlcv",
    "fmv": "tickstock_cli.detectors.fmv:Fmv",
}

"""Alpaca: trades and bars of its Python package, whose index of symbol and time becomes columns."""

from __future__ import annotations

from tickstock_cli.sources.layouts.known import KnownLayout

TRADES = KnownLayout(
    "Alpaca trades",
    "tick",
    {"ticker": ("symbol",), "timestamp": ("timestamp",), "price": ("price",), "size": ("size",)},
    ("symbol", "timestamp"),
)
BARS = KnownLayout(
    "Alpaca bars",
    "ohlcv",
    {
        "ticker": ("symbol",),
        "timestamp": ("timestamp",),
        **{name: (name,) for name in ("open", "high", "low", "close", "volume")},
    },
    ("symbol", "timestamp", "tradecount"),
)

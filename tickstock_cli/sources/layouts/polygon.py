"""Polygon: flat files, and answers of its REST and WebSocket interfaces. Alpaca and Finnhub have such letters, too."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tickstock_cli.sources.layouts.known import TICKERS, FileColumns, KnownLayout, Reading

_LETTERS = {"open": ("o",), "high": ("h",), "low": ("l",), "close": ("c",), "volume": ("v",)}
_WORDS = {name: (name,) for name in ("open", "high", "low", "close", "volume")}
_DAY = re.compile(r"day_?aggs|1_?day|daily", re.IGNORECASE)
_DAY_SECONDS = 86_400
_CONDITIONS = (
    "conditions of trades are not judged, so late and odd-lot prints can make highs and lows; tickstock import "
    "polygon-flatfiles writes flags of them"
)


def _read_bars(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:  # noqa: ARG001 - as others
    """Read bars of a day where a name of the path says so."""
    return Reading({"interval_seconds": _DAY_SECONDS} if _DAY.search(columns.path) else {})


def _read_trades(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:  # noqa: ARG001 - as others
    return Reading(note=_CONDITIONS if "conditions" in columns.schema.names else None)


FLAT_TRADES = KnownLayout(
    "Polygon trades",
    "tick",
    {"ticker": TICKERS, "timestamp": ("siptimestamp",), "price": ("price",), "size": ("size",)},
    ("siptimestamp",),
    _read_trades,
)
FLAT_BARS = KnownLayout(
    "Polygon flat file of bars",
    "ohlcv",
    {"ticker": TICKERS, "timestamp": ("windowstart",), **_WORDS},
    ("windowstart",),
    _read_bars,
)
STREAMED_BARS = KnownLayout(
    "Polygon bars of a WebSocket",
    "ohlcv",
    {"ticker": TICKERS, "timestamp": ("s",), **_LETTERS},
    ("s", "e"),
)
SHORT_BARS = KnownLayout(
    "Polygon or Alpaca bars",
    "ohlcv",
    {"ticker": TICKERS, "timestamp": ("t", "timestamp", "time"), **_LETTERS},
    ("o", "h", "l", "c"),
    _read_bars,
)
SHORT_TRADES = KnownLayout(
    "Polygon or Alpaca trades",
    "tick",
    {"ticker": TICKERS, "timestamp": ("t",), "price": ("p",), "size": ("s",)},
    ("t", "p", "s"),
)
FINNHUB_TRADES = KnownLayout(
    "Finnhub trades",
    "tick",
    {"ticker": ("s",), "timestamp": ("t",), "price": ("p",), "size": ("v",)},
    ("t", "p", "s", "v"),
)
"""Here `s` is the symbol, and not the size."""

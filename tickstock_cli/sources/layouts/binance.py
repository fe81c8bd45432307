"""Binance: klines, trades and aggregated trades, as its archive and clients name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow.types as pt

from tickstock_cli.core.times import NS_PER_SECOND, NS_PER_UNIT, epoch_unit
from tickstock_cli.sources.layouts.known import TICKERS, FileColumns, KnownLayout, Reading

_DAY_AND_NIGHT = "trade day and night: set session.calendar=24/7"


def _read_klines(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    """Read klines with the length of the first one: from its opening to the last step of time before its close."""
    close = next((name for token, name in columns.by_token().items() if token in ("closetime", "T")), None)
    seconds = None if close is None else _seconds(columns, theirs["timestamp"], close)
    settings = {} if seconds is None else {"interval_seconds": seconds}
    return Reading(settings, note=f"klines {_DAY_AND_NIGHT}")


def _seconds(columns: FileColumns, opened: str, closed: str) -> int | None:
    type_ = columns.type_of(opened)
    first: Any = columns.first(opened)
    last: Any = columns.first(closed)
    if type_ is None or not pt.is_integer(type_) or not isinstance(first, int) or not isinstance(last, int):
        return None
    length = (last - first + 1) * NS_PER_UNIT[epoch_unit(first)]
    return length // NS_PER_SECOND if length > 0 and length % NS_PER_SECOND == 0 else None


def _read_trades(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:  # noqa: ARG001 - as others
    return Reading(note=f"trades {_DAY_AND_NIGHT}")


KLINES = KnownLayout(
    "Binance klines",
    "ohlcv",
    {
        "ticker": TICKERS,
        "timestamp": ("opentime",),
        **{name: (name,) for name in ("open", "high", "low", "close", "volume")},
    },
    ("opentime",),
    _read_klines,
)
TRADES = KnownLayout(
    "Binance trades",
    "tick",
    {
        "ticker": ("symbol", "ticker", "s"),
        "timestamp": ("transacttime", "tradetime", "time", "timestamp", "T"),
        "price": ("price", "p"),
        "size": ("quantity", "qty", "amount", "q"),
    },
    ("isbuyermaker",),
    _read_trades,
)
SHORT_TRADES = KnownLayout(
    "Binance trades of a WebSocket",
    "tick",
    {"ticker": ("s", "symbol"), "timestamp": ("T",), "price": ("p",), "size": ("q",)},
    ("T", "p", "q", "m"),
    _read_trades,
)

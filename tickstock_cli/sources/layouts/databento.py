"""Databento: trades and bars of DBN files, as `to_df` and `to_parquet` write them."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow.types as pt

from tickstock_cli.sources.layouts.known import FileColumns, KnownLayout, Reading

_BILLIONTHS = 1e-9
_SECONDS_OF_RTYPE = {32: 1, 33: 60, 34: 3_600, 35: 86_400}
"""Record types of bars -> their length."""
_TICKERS = ("symbol", "rawsymbol", "ticker")
_TIMES = {"timestamp": ("tsevent",), "received_at": ("tsrecv",)}


def _scale(columns: FileColumns, price: str) -> dict[str, dict[str, float]]:
    """Return the scale of prices: integers are billionths."""
    type_ = columns.type_of(price)
    return {"scale": {"price": _BILLIONTHS}} if type_ is not None and pt.is_integer(type_) else {}


def _read_trades(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    settings: dict[str, object] = {**_scale(columns, theirs["price"])}
    if "flags" in theirs:
        settings["flags"] = "databento"
    if _is_order_book(columns):  # also orders have a price and a size there
        settings["where"] = {"action": ("T",)}
    return Reading(settings)


def _is_order_book(columns: FileColumns) -> bool:
    """Return whether rows are more than trades: orders (MBO), or a book's changes (MBP)."""
    names = columns.schema.names
    if "action" not in names:
        return False
    return bool({"order_id", "bid_px_00"} & set(names)) or set(columns.values("action")) > {"T"}


def _read_bars(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    settings: dict[str, object] = {**_scale(columns, theirs["open"])}
    rtype = columns.first("rtype") if "rtype" in columns.schema.names else None
    if rtype in _SECONDS_OF_RTYPE:
        settings["interval_seconds"] = _SECONDS_OF_RTYPE[rtype]
    return Reading(settings)


TRADES = KnownLayout(
    "Databento trades",
    "tick",
    {"ticker": _TICKERS, **_TIMES, **{name: (name,) for name in ("price", "size", "flags")}},
    ("tsevent",),
    _read_trades,
)
BARS = KnownLayout(
    "Databento bars",
    "ohlcv",
    {
        "ticker": _TICKERS,
        "timestamp": ("tsevent",),
        **{name: (name,) for name in ("open", "high", "low", "close", "volume")},
    },
    ("tsevent",),
    _read_bars,
)

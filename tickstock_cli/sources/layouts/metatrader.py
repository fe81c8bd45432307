"""MetaTrader 5: rates and ticks of its Python package, and exported bars."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tickstock_cli.sources.layouts.known import TICKERS, FileColumns, KnownLayout, Reading
from tickstock_cli.sources.records import is_number

_CLOCK = "times are those of the broker's server, read as UTC: convert them if its clock has another zone"


def _read_bars(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    return Reading(note=_CLOCK, answered_by=_answer(columns, theirs))


def _read_ticks(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    settings = {"flags": "mt5"} if "flags" in theirs else {}
    return Reading(settings, note=_CLOCK, answered_by=_answer(columns, theirs))


def _answer(columns: FileColumns, theirs: Mapping[str, str]) -> str | None:
    """Return the setting that says the zone of times; numbers have none."""
    type_ = columns.type_of(theirs["timestamp"])
    return None if type_ is None or is_number(type_) else "timezone"


_TIME = {"timestamp": ("datetime", "timestamp", "index", "time")}
_SPLIT_TIME = {"timestamp": ("date",), "time_of_day": ("time",)}


def _bars(volume: tuple[str, ...], time: Mapping[str, tuple[str, ...]] = MappingProxyType(_TIME)) -> KnownLayout:
    return KnownLayout(
        "MetaTrader bars",
        "ohlcv",
        {
            "ticker": TICKERS,
            **time,
            **{name: (name,) for name in ("open", "high", "low", "close")},
            "volume": volume,
        },
        (volume[0], "spread"),
        _read_bars,
    )


RATES = _bars(("realvolume", "tickvolume"))
"""Volume is traded volume: the number of price changes, `tick_volume`, stands beside it."""
EXPORTED = _bars(("vol", "tickvol"), _SPLIT_TIME)
PRICE_CHANGES = _bars(("tickvolume",))
TICKS = KnownLayout(
    "MetaTrader ticks",
    "tick",
    {
        "ticker": TICKERS,
        "timestamp": ("timemsc", "time"),
        "price": ("last",),
        "size": ("volumereal", "volume"),
        "flags": ("flags",),
    },
    ("bid", "ask", "last", "timemsc"),
    _read_ticks,
)

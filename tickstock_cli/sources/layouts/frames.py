"""Bars and trades of pandas: an index of times, capitalised names (yfinance, FirstRate, Kibot and many others)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, tzinfo
from datetime import time as clock
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.layouts.known import NEW_YORK, TICKERS, FileColumns, KnownLayout, Reading, token

TIMES = ("timestamp", "datetime", "date", "index", "indexlevel0", "level0", "tradedate", "label")
_SPLIT = {"timestamp": ("date",), "time_of_day": ("time",)}
_WITH_TIME = (*TIMES, "time")
_PRICES = {name: (name,) for name in ("open", "high", "low", "close")}
_TICKERS = (*TICKERS, "tickers", "symbols", "code")
_LENGTH = re.compile(r"[_-](\d+)[_-]?(sec|second|min|minute|hour|day|m|h|d)s?(?![a-z0-9])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAY_SECONDS = 86_400
MIDNIGHT = clock()
_UNIVERSAL = ("UTC", "Etc/UTC", "GMT", "+00:00", "Z")
_ZONE_NOTE = (
    "times without a zone are read as those of New York; if they have another zone, set it, as in "
    "--set recordings.timezone=Etc/UTC"
)


def read_bars(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    """Read bars with the length that the file's name or its dates say, at New York's times."""
    settings: dict[str, object] = {}
    time = columns.type_of(theirs["timestamp"])
    named = _LENGTH.search(columns.stem)
    if named is not None:
        settings["interval_seconds"] = int(named[1]) * _SECONDS[named[2][0].lower()]
    elif "time_of_day" not in theirs and _are_days(columns, theirs["timestamp"], time):
        settings["interval_seconds"] = _DAY_SECONDS
    return _at_market_times(time, settings)


def _are_days(columns: FileColumns, name: str, time: pa.DataType | None) -> bool:
    """Return whether a column holds days: dates, or the midnights of their zone."""
    if time is None or pt.is_date(time):
        return time is not None
    if not isinstance(time, pa.TimestampType):
        return False
    zone = None if time.tz is None else _zone(time.tz)
    texts = columns.values(name)
    moments = [datetime.fromisoformat(f"{text[:19]}{'+00:00' if text.endswith('Z') else ''}") for text in texts]
    local = [moment if zone is None else moment.astimezone(zone) for moment in moments]
    evident = len(local) > 1 or (len(local) == 1 and token(name) == "date")
    return evident and all(moment.time() == MIDNIGHT for moment in local)


def _zone(name: str) -> tzinfo:
    """Return the zone in which days begin: that of the column, if it is one of a place, else New York's."""
    with suppress(ZoneInfoNotFoundError, ValueError):
        if name not in _UNIVERSAL:
            return ZoneInfo(name)
    return ZoneInfo(NEW_YORK)


def _at_market_times(time: pa.DataType | None, settings: dict[str, object]) -> Reading:
    if time is None or pt.is_integer(time) or (isinstance(time, pa.TimestampType) and time.tz is not None):
        return Reading(settings)
    return Reading({**settings, "timezone": NEW_YORK}, note=_ZONE_NOTE, answered_by="timezone")


def _read_ticks(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    return _at_market_times(columns.type_of(theirs["timestamp"]), {})


_VOLUME = ("volume", "vol")

BARS = KnownLayout(
    "pandas (yfinance, FirstRate and others)",
    "ohlcv",
    {"ticker": _TICKERS, "timestamp": _WITH_TIME, **_PRICES, "volume": _VOLUME},
    reading=read_bars,
)
TICKS = KnownLayout(
    "pandas with trades",
    "tick",
    {"ticker": _TICKERS, "timestamp": _WITH_TIME, "price": ("price",), "size": ("size",)},
    reading=_read_ticks,
)
SPLIT_BARS = KnownLayout(
    "bars with date and time of day (Kibot)",
    "ohlcv",
    {"ticker": _TICKERS, **_SPLIT, **_PRICES, "volume": _VOLUME},
    ("date", "time"),
    read_bars,
)
SPLIT_TICKS = KnownLayout(
    "trades with date and time of day (Kibot)",
    "tick",
    {"ticker": _TICKERS, **_SPLIT, "price": ("price",), "size": ("size", "volume")},
    ("date", "time"),
    _read_ticks,
)

"""Bars and trades of pandas: an index of times, capitalised names (yfinance, FirstRate, Kibot and many others)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from datetime import time as clock
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.layouts.known import (
    NEW_YORK,
    TICKERS,
    FileColumns,
    KnownLayout,
    Reading,
    any_types,
    plain_reading,
    token,
)
from tickstock_cli.sources.records import CLOCK, TEXT, is_number

if TYPE_CHECKING:
    from tickstock_cli.sources.text_times import TimeForm

_UTC_TIMES = ("gmttime", "utctime", "timeutc", "datetimeutc", "utcdatetime", "timestamputc")
TIMES = (*("timestamp", "datetime", "date", "index", "indexlevel0", "level0", "tradedate", "label"), *_UTC_TIMES)
_WITH_TIME = (*TIMES, "time")
_PRICES = {name: (name,) for name in ("open", "high", "low", "close")}
_TICKERS = (*TICKERS, "tickers", "symbols", "code")
_LENGTH = re.compile(r"[_-](\d+)[_-]?(sec|second|min|minute|hour|day|m|h|d)s?(?![a-z0-9])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DAY_SECONDS = 86_400
MIDNIGHT = clock()
_ZONE_NOTE = (
    "times without a zone are read as those of New York; if they have another zone, set it, as in "
    "--set recordings.timezone=Etc/UTC"
)


def read_bars(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    """Read bars with the length that the file's name or its dates say; then times without a zone are New York's."""
    name = theirs["timestamp"]
    time = columns.type_of(name)
    named = _LENGTH.search(columns.stem)
    if named is not None:
        return _at_market_times(columns, name, {"interval_seconds": int(named[1]) * _SECONDS[named[2][0].lower()]})
    if "time_of_day" in theirs:
        return _at_market_times(columns, name, {})
    are_days = _are_days(columns, name, time)
    if token(name) in _UTC_TIMES:
        return Reading({"timezone": "Etc/UTC"})
    return _at_market_times(columns, name, {"interval_seconds": _DAY_SECONDS}) if are_days else Reading()


def _are_days(columns: FileColumns, name: str, time: pa.DataType | None) -> bool:
    """Return whether a column holds days: dates, or midnights of its zone or New York's."""
    if time is None or pt.is_date(time):
        return time is not None
    if (form := _text_form(columns, name)) is not None:
        return not form.has_clock
    texts = columns.values(name) if isinstance(time, pa.TimestampType) else []
    if not texts or (len(texts) == 1 and token(name) != "date"):
        return False
    zones = [None] if time.tz is None else [_zone(time.tz), ZoneInfo(NEW_YORK)]  # type: ignore[attr-defined]  # a timestamp
    with suppress(ValueError, OverflowError):  # years that no calendar has
        return any(all(_local(text, zone) == MIDNIGHT for text in texts) for zone in zones)
    return False


def _local(text: str, zone: tzinfo | None) -> clock:
    """Return the time of day that a clock of the zone shows, for a text in UTC; with None, that of the text."""
    moment = datetime.fromisoformat(text[:19])
    return moment.time() if zone is None else moment.replace(tzinfo=UTC).astimezone(zone).time()


def _zone(name: str) -> tzinfo:
    with suppress(ZoneInfoNotFoundError, ValueError):
        return ZoneInfo(name)
    return UTC


def _text_form(columns: FileColumns, name: str) -> TimeForm | None:
    """Return the form of times that are texts; None for others, and where no form, or none alone, fits."""
    type_ = columns.type_of(name)
    if type_ is None or not TEXT.accepts(type_):
        return None
    from tickstock_cli.sources.text_times import TimeForm, are_ambiguous, fitting_forms

    values = [text.strip() for text in columns.values(name) if text.strip()]
    forms = fitting_forms(values) if values else []
    return TimeForm(forms[0]) if forms and not are_ambiguous(forms) else None


def _has_zone(columns: FileColumns, name: str) -> bool:
    """Return whether times say their zone, or need none."""
    type_ = columns.type_of(name)
    if type_ is None or is_number(type_):
        return True
    if isinstance(type_, pa.TimestampType):
        return type_.tz is not None
    form = _text_form(columns, name)
    return form is not None and form.has_zone


def _at_market_times(columns: FileColumns, name: str, settings: dict[str, object]) -> Reading:
    if token(name) in _UTC_TIMES:
        return Reading({**settings, "timezone": "Etc/UTC"})
    if _has_zone(columns, name):
        return Reading(settings)
    return Reading({**settings, "timezone": NEW_YORK}, note=_ZONE_NOTE, answered_by="timezone")


def _read_split(columns: FileColumns, theirs: Mapping[str, str]) -> Reading:
    return _at_market_times(columns, theirs["timestamp"], {})


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
)


def _has_clock(columns: FileColumns, theirs: Mapping[str, str]) -> bool:
    """Return whether a column of times of day has such a type."""
    type_ = columns.type_of(theirs["time_of_day"])
    return type_ is not None and CLOCK.accepts(type_)


def _split(day: str, clock: str, fits: Callable[[FileColumns, Mapping[str, str]], bool]) -> list[KnownLayout]:
    """Return the layouts of bars and of trades with the tokens of a day and of a time of day."""
    shared = {"ticker": _TICKERS, "timestamp": (day,), "time_of_day": (clock,)}
    bars = {**shared, **_PRICES, "volume": _VOLUME}
    ticks = {**shared, "price": ("price",), "size": ("size", "volume")}
    told = "with date and time of day (Kibot)" if fits is any_types else "with date and time of day"
    return [
        KnownLayout(f"bars {told}", "ohlcv", bars, (day, clock), read_bars, fits),
        KnownLayout(f"trades {told}", "tick", ticks, (day, clock), _read_split, fits),
    ]


SPLIT = (
    *_split("date", "time", any_types),
    *(
        layout
        for day, clock in (
            *(("date", "timem"), ("tradedate", "tradetime"), ("tradedate", "time"), ("date", "tradetime")),
            *(("day", "time"), ("date", "tod"), ("day", "tod"), ("date", "clock"), ("tradingday", "time")),
            ("date", "minute"),
        )
        for layout in _split(day, clock, _has_clock)
    ),
)
"""Where the day and the time of day are in two columns: `TIME_M` is that of TAQ."""


def _has_names_first(columns: FileColumns, theirs: Mapping[str, str]) -> bool:
    """Return whether the level of tickers has text, and that of times none."""
    ticker, time = columns.type_of(theirs["ticker"]), columns.type_of(theirs["timestamp"])
    return ticker is not None and TEXT.accepts(ticker) and time is not None and not TEXT.accepts(time)


_LEVELS = (("indexlevel0", "indexlevel1"), ("level0", "level1"))
INDEXED = tuple(
    KnownLayout(
        f"pandas with an index of tickers and times ({name})",
        record,
        {"ticker": (ticker,), "timestamp": (time,), **values},
        (ticker, time),
        read_bars if record == "ohlcv" else plain_reading,
        _has_names_first,
    )
    for name, record, values in (
        ("bars", "ohlcv", {**_PRICES, "volume": _VOLUME}),
        ("trades", "tick", {"price": ("price",), "size": ("size",)}),
    )
    for levels in _LEVELS
    for ticker, time in (levels, levels[::-1])
)
"""Levels of an index without names become `__index_level_0__` in files, and `level_0` by `reset_index`."""

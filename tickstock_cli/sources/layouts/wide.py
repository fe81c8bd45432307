"""Columns of two levels, as pandas and yfinance write them: `('Close', 'AAPL')`, or joined as `Close_AAPL`."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Sequence
from dataclasses import replace

from tickstock_cli.sources.layouts.frames import TIMES, read_bars
from tickstock_cli.sources.layouts.known import FileColumns, Understood, token

_PAIR = re.compile(r"\('[^']*', ?'[^']*'\)")
_BAR = ("open", "high", "low", "close", "volume")
_WORD = "open|high|low|close|volume|adj close|vwap"
_FIELD_FIRST = re.compile(rf"({_WORD})[_.| -](\S+)", re.IGNORECASE)
_FIELD_LAST = re.compile(rf"(\S+?)[_.| -]({_WORD})", re.IGNORECASE)
_FIELDS = (*_BAR, "adjclose", "dividends", "stocksplits", "capitalgains", "repaired", "vwap", "tradecount")


def understand_wide(columns: FileColumns) -> Understood | None:
    """Return how a file is read whose pairs are all of one ticker; None for other files."""
    pairs = _pairs(columns.schema.names)
    tickers = tickers_of(columns.schema.names)
    if len(tickers) != 1:
        return None
    names = {token(field): name for name, (field, _) in pairs.items() if field}
    names |= {key: name for key, name in columns.by_token().items() if name not in pairs}
    time = next((names[key] for key in TIMES if key in names), None)
    if time is None or not all(field in names for field in _BAR):
        return None
    theirs = {"timestamp": time, **{field: names[field] for field in _BAR}}
    reading = replace(read_bars(columns, theirs), ticker=tickers[0])
    return Understood("bars of yfinance with columns of two levels", "ohlcv", theirs, reading)


def _joined(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the names that join a field and a ticker, for tickers with all fields of a bar."""
    pairs: dict[str, tuple[str, str]] = {}
    for name in names:
        if match := _FIELD_FIRST.fullmatch(name):
            pairs[name] = match[1], match[2]
        elif match := _FIELD_LAST.fullmatch(name):
            pairs[name] = match[2], match[1]
    fields: dict[str, set[str]] = {}
    for field, ticker in pairs.values():
        fields.setdefault(ticker, set()).add(token(field))
    return {name: pair for name, pair in pairs.items() if fields[pair[1]] >= set(_BAR)}


def tickers_of(names: Sequence[str]) -> list[str]:
    """Return the tickers that pairs name; none if columns have one level."""
    return list(dict.fromkeys(ticker for field, ticker in _pairs(names).values() if ticker and token(field) in _FIELDS))


def _pairs(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Return the names that are pairs, with the pair of field and ticker."""
    pairs: dict[str, tuple[str, str]] = {name: literal_eval(name) for name in names if _PAIR.fullmatch(name)}
    if not pairs:
        return _joined(names)
    second = sum(token(pair[1]) in _FIELDS for pair in pairs.values())
    first = sum(token(pair[0]) in _FIELDS for pair in pairs.values())
    return pairs if first >= second else {name: (field, ticker) for name, (ticker, field) in pairs.items()}

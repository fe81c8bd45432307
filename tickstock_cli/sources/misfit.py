"""Says what is missing in a file that is no recording of ours yet, and what to do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.file_tickers import offer
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.layouts.wide import tickers_of
from tickstock_cli.sources.records import RECORD_TYPES, TEXT, RecordType, is_number

ALIASES = {
    "ticker": (
        *("symbol", "sym", "instrument", "T", "S", "name", "code", "security", "root", "symroot", "rawsymbol"),
        *("pair", "stock", "instrumentname", "symbolid", "indexlevel0", "isin", "ric", "asset", "market", "product"),
    ),
    "timestamp": (
        *("ts", "tsevent", "time", "datetime", "date", "siptimestamp", "t", "windowstart", "opentime", "index"),
        *("indexlevel0", "timemsc", "transacttime", "tradetime", "timem", "participanttimestamp", "dt", "epoch"),
    ),
    "price": ("last", "px", "tradeprice", "lastprice", "p", "rate", "executionprice"),
    "size": ("qty", "quantity", "shares", "volume", "s", "q", "tradesize", "lastsize", "vol", "amount"),
    "volume": ("vol", "v", "size", "tickvolume", "realvolume", "vol.", "qty", "quantity", "shares"),
    "fmv": ("fairvalue", "fairmarketvalue", "fair", "theo", "theoretical"),
    "open": ("o", "openprice", "first"),
    "high": ("h", "highprice", "max"),
    "low": ("l", "lowprice", "min"),
    "close": ("c", "closeprice", "last", "adjclose"),
}
"""Tokens of other recorders' columns, the most usual first. They are used in hints of messages only."""

PARTS = {
    "ticker": ("symbol", "ticker", "instrument"),
    "timestamp": ("time", "date", "minute"),
    "price": ("price", "px"),
    "size": ("size", "qty", "quantity", "shares", "amount", "volume"),
    "volume": ("vol",),
    "open": ("open",),
    "high": ("high",),
    "low": ("low",),
    "close": ("close",),
    "fmv": ("fairvalue", "fairprice"),
}
"""Parts of tokens of such columns, for hints where no whole name is known."""

_OF_BARS = re.compile("open|high|low|close|bid|ask")
"""Parts of tokens that are neither a trade's price nor its size."""

_EXACT, _OTHER_CASE, _ALIAS, _PART = 1.0, 0.95, 0.9, 0.6
_BIDS = ("bid", "bidprice", "bp", "bidpx", "bidpx00", "b", "bestbid", "bidpx0")
_ASKS = ("ask", "askprice", "ap", "askpx", "askpx00", "a", "bestask", "offer", "ofr", "askpx0")
_MOST_TICKERS = 3
_FEWEST_TICKERS = 2
_TICKER = re.compile(r"[A-Z][A-Z0-9.\-/ ]{0,11}")
_ALL_ALIASES = [key for keys in ALIASES.values() for key in keys] + list(ALIASES)


def misfit(
    path: str, names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str], fits: Sequence[RecordType]
) -> str:
    """Return the message for a file that fits no record type, or several.

    Parameters
    ----------
    names
        Names of its columns and partitions.
    theirs
        Our names -> the file's, as far as they are known.
    fits
        The record types that it fits; none or several.
    """
    has = f"its columns are {', '.join(names) or 'none'}"
    if fits:
        both = " and ".join(record.name for record in fits)
        spare = next(name for name in reversed([*fits[-1].required]) if name not in fits[0].required)
        return f"{path} is ambiguous: {has}, which fit {both}; hide one with --map {spare}= (an empty name)"
    if len(tickers := tickers_of(names)) > 1:
        some = ", ".join(tickers[:_MOST_TICKERS]) + (", …" if tickers[_MOST_TICKERS:] else "")
        return (
            f"{path} is not recognised: it has columns for each ticker ({some}); write a row for each ticker and time, "
            'as with pandas: frame.stack(level="Ticker").reset_index()'
        )
    if _holds_quotes(names, theirs):
        return (
            f"{path} holds quotes: {has}; a replay reads trades, bars and fair values. Name recordings of trades, or "
            "write the mid of bid and ask as a column fmv"
        )
    if nested := _nested(names, schema, theirs):
        return (
            f"{path} is not recognised: column {nested} holds lists or records, with rows within a row; write a row "
            "for each, as polars.DataFrame.explode and unnest do"
        )
    if wide := _of_tickers(names, schema, theirs):
        return (
            f"{path} is not recognised: it has a column of numbers for each of {wide}, which are probably tickers; "
            "write a row for each ticker and time, as polars.DataFrame.unpivot and pandas.melt do"
        )
    return _nearest(path, has, names, schema, theirs)


def _nested(names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> str | None:
    """Return the first nested column of a file that has neither prices nor times beside it."""
    nested = [field.name for field in schema if pt.is_nested(field.type)]
    is_plain = {"price", "close", "fmv"} & theirs.keys() or {"price", "close", "last"} & {token(name) for name in names}
    return nested[0] if nested and not is_plain else None


def _of_tickers(names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> str | None:
    """Return the first columns, if all but one with times hold floats under names in capitals."""
    others = [name for name in names if name != theirs.get("timestamp") and token(name) not in ALIASES["timestamp"]]
    known = {token(name) for name in others} & set(_ALL_ALIASES)
    types = {field.name: field.type for field in schema}
    are_tickers = all(_TICKER.fullmatch(name) and name in types and is_number(types[name]) for name in others)
    if known or len(others) < _FEWEST_TICKERS or len(names) - len(others) != 1 or not are_tickers:
        return None
    return ", ".join(others[:_MOST_TICKERS]) + (", …" if others[_MOST_TICKERS:] else "")


def _holds_quotes(names: Sequence[str], theirs: Mapping[str, str]) -> bool:
    """Return whether a file has a bid and an ask, and no price of a trade."""
    tokens = {token(name) for name in names}
    no_trade = "price" not in theirs and not tokens & {"last", "price", "close", "c"}
    return no_trade and any(bid in tokens for bid in _BIDS) and any(ask in tokens for ask in _ASKS)


def _nearest(path: str, has: str, names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> str:
    """Return the message that names the record type which the file is likely to hold, and its missing columns."""
    guesses = {record.name: _candidates(record, names, schema, theirs) for record in RECORD_TYPES}

    def likelihood(record: RecordType) -> tuple[float, int]:
        scores = [_EXACT for name in record.required if name in theirs]
        scores += [score for _, score in guesses[record.name].values()]
        return sum(scores) / len(record.required), len(scores)

    nearest = max(RECORD_TYPES, key=likelihood)
    guess = guesses[nearest.name]
    missing = [name for name in nearest.required if name not in theirs]
    if missing == ["ticker"] and "ticker" not in guess:
        return (
            f"{path} is not recognised: {has}, those of {nearest.name} rows without ticker: {offer(path)}; "
            "else say which column holds it with --map ticker=COLUMN"
        )
    hints = " ".join(
        f"--map {shlex.quote(f'{name}={guess[name][0]}') if name in guess else f'{name}=COLUMN'}" for name in missing
    )
    place = f"; {offer(path)}" if "ticker" in missing and "ticker" not in guess and len(guess) > 1 else ""
    return (
        f"{path} is not recognised: {has}; for {nearest.name} rows it lacks {', '.join(missing)}: "
        f"say which columns hold them with {hints}{place}"
    )


def _candidates(
    record: RecordType, names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]
) -> dict[str, tuple[str, float]]:
    """Return our missing names -> the columns that probably hold them, with how sure that is; no column twice."""
    used = {theirs[ours] for ours in record.columns if ours in theirs}
    tokens: dict[str, str] = {}
    for name in names:
        if name not in used:
            tokens.setdefault(token(name), name)
    found: dict[str, tuple[str, float]] = {}
    for rank, score in enumerate((_OTHER_CASE, _ALIAS, _PART)):
        for ours in record.required:
            if ours in theirs or ours in found:
                continue
            taken = {name for name, _ in found.values()}
            keys = ((ours,), ALIASES.get(ours, ()), ())[rank]
            if score == _PART:
                keys = tuple(key for part in PARTS[ours] for key in tokens if part in key)
                keys = tuple(key for key in keys if ours not in ("price", "size") or not _OF_BARS.search(key))
            fitting = [tokens[key] for key in keys if key in tokens and tokens[key] not in taken]
            fitting = [name for name in fitting if _may_be(ours, schema, name)]
            if fitting:
                found[ours] = fitting[0], score
    return found


def _may_be(ours: str, schema: pa.Schema, name: str) -> bool:
    """Return whether a column can hold tickers, or anything else; a nested one holds nothing."""
    if schema.names.count(name) != 1:
        return True
    type_ = schema.field(name).type
    return TEXT.accepts(type_) if ours == "ticker" else not pt.is_nested(type_)

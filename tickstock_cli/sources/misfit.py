"""Says what is missing in a file that is no recording of ours yet, and what to do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.file_tickers import offer
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.layouts.wide import tickers_of
from tickstock_cli.sources.records import CLOCK, NUMBER, RECORD_TYPES, TEXT, RecordType, is_number

ALIASES = {
    "ticker": (
        *("symbol", "sym", "instrument", "T", "S", "name", "code", "security", "root", "symroot", "rawsymbol"),
        *("pair", "stock", "instrumentname", "symbolid", "indexlevel0", "isin", "ric", "asset", "market", "product"),
        *("secid", "securityid", "tscode", "seccode", "stockcode", "secucode", "s"),
    ),
    "timestamp": (
        *("ts", "tsevent", "time", "datetime", "date", "siptimestamp", "t", "windowstart", "opentime", "index"),
        *("indexlevel0", "indexlevel1", "timemsc", "transacttime", "tradetime", "participanttimestamp", "dt", "epoch"),
    ),
    "time_of_day": ("time", "timem", "minute", "clock", "timeofday", "tradetime", "localtime"),
    "price": ("last", "px", "tradeprice", "lastprice", "p", "rate", "executionprice", "prc", "value"),
    "size": ("qty", "quantity", "shares", "volume", "s", "q", "v", "tradesize", "lastsize", "vol", "amount"),
    "volume": ("vol", "v", "V", "size", "tickvolume", "realvolume", "vol.", "qty", "quantity", "shares"),
    "fmv": (
        *("fairvalue", "fairmarketvalue", "fair", "theo", "theoretical", "mid", "midprice", "midpoint", "mark"),
        *("markprice", "nav"),
    ),
    "open": ("o", "O", "openprice", "first", "openprc"),
    "high": ("h", "H", "highprice", "max", "askhi"),
    "low": ("l", "L", "lowprice", "min", "bidlo"),
    "close": ("c", "C", "closeprice", "last", "prc", "trdprc1", "adjclose"),
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

_EXACT, _OTHER_CASE, _ALIAS, _MISSPELT, _PART = 1.0, 0.95, 0.9, 0.7, 0.6
_SHARED = ("ticker", "timestamp")
"""What every record type has tells none."""
_LIKENESS = 0.8
"""How much of a misspelt name must be ours."""
_UNLIKELY = 0.4
"""Below this likelihood a file can hold anything."""
_MOST_NAMES, _LONGEST_NAME = 40, 80
"""What a message shows of the names of a file's columns."""
_BIDS = ("bid", "bidprice", "bp", "bidpx", "bidpx00", "b", "bestbid", "bidpx0")
_ASKS = ("ask", "askprice", "ap", "askpx", "askpx00", "a", "bestask", "offer", "ofr", "askpx0")
_MOST_TICKERS = 3
_FEWEST_TICKERS = 2
_TICKER = re.compile(r"[A-Z][A-Z0-9.\-/ ]{0,11}")
_ALL_ALIASES = [key for keys in ALIASES.values() for key in keys] + list(ALIASES)
_TYPES = {name: kind for record in RECORD_TYPES for name, kind in record.required.items()}
_DAYS = ("date", "tradedate", "day", "tradingday")
"""Tokens of columns that often hold days alone, with the time of day in another one."""
_SUFFIXES = ("symsuffix", "symbolsuffix", "tickersuffix", "suffix")
_SHORTEST_MISSPELT, _MOST_LIKE = 5, 0.85
"""Short names are like too many others."""


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
    if not names:
        return f"{path} is not a recording: it has no columns; name recordings alone"
    has = f"its columns are {listed(names)}"
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
    if holds_quotes(names, theirs):
        return (
            f"{path} holds quotes: {has}; a replay reads trades, bars and fair values. Name recordings of trades, or "
            "write the mid of bid and ask as a column fmv"
        )
    if nested := _nested(names, schema, theirs):
        what = (
            "records: write their fields as columns, as polars.DataFrame.unnest does"
            if pt.is_struct(nested.type)
            else "lists or records, with rows within a row; write a row for each, as polars.DataFrame.explode and "
            "unnest do"
        )
        return f"{path} is not recognised: column {nested.name} holds {what}"
    if wide := _of_tickers(names, schema, theirs):
        return (
            f"{path} is not recognised: it has a column of numbers for each of {wide}, which are probably tickers; "
            "write a row for each ticker and time, as polars.DataFrame.unpivot and pandas.melt do"
        )
    return _nearest(path, has, names, schema, theirs)


def listed(names: Sequence[str]) -> str:
    r"""Return names of columns for one line: the first ones of many, the beginning of long ones, nothing that steers.

    Examples
    --------
    >>> listed(["ticker", "a\nb"])
    'ticker, a b'
    >>> listed([f"c{number}" for number in range(10_000)])[-20:]
    'c39 and 9,960 others'
    """
    short = (name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}…" for name in names[:_MOST_NAMES])
    shown = "".join(character if character.isprintable() else " " for character in ", ".join(short))
    more = len(names) - _MOST_NAMES
    return f"{shown} and {more:,} other{'s' if more > 1 else ''}" if more > 0 else shown


def _nested(names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> pa.Field[Any] | None:
    """Return the first nested column of a file that has neither prices nor times beside it."""
    nested = [field for field in schema if pt.is_nested(field.type)]
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


def holds_quotes(names: Sequence[str], theirs: Collection[str]) -> bool:
    """Return whether a file has a bid and an ask, and no price of a trade."""
    tokens = {token(name) for name in names}
    no_trade = "price" not in theirs and not tokens & {"last", "price", "close", "c", "tradeprice", "executionprice"}
    return no_trade and any(bid in tokens for bid in _BIDS) and any(ask in tokens for ask in _ASKS)


def _nearest(path: str, has: str, names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> str:
    """Return the message that names the record type which the file is likely to hold, and its missing columns."""
    guesses = {record.name: _candidates(record, names, schema, theirs) for record in RECORD_TYPES}

    def likelihood(record: RecordType) -> float:
        own = [name for name in record.required if name not in _SHARED]
        scores = [_EXACT if name in theirs else guesses[record.name].get(name, ("", 0.0))[1] for name in own]
        return sum(scores) / len(own)

    # Of types that are nearly as likely, the one of more columns.
    nearest = max(RECORD_TYPES, key=lambda record: (round(likelihood(record), 1), len(record.required)))
    guess = guesses[nearest.name]
    missing = [name for name in nearest.required if name not in theirs]
    if missing == ["ticker"] and "ticker" not in guess:
        return (
            f"{path} is not recognised: {has}, those of {nearest.name} rows without ticker: {offer(path)}; "
            "else say which column holds it with --map ticker=COLUMN"
        )
    if likelihood(nearest) < _UNLIKELY:
        return _unlike(path, has, guess)
    hints = [_hint(name, guess[name][0]) if name in guess else f"--map {name}=COLUMN" for name in missing]
    clock = _clock_beside(nearest, names, schema, {**theirs, **{name: found for name, (found, _) in guess.items()}})
    if clock is not None and missing:
        hints.append(_hint("time_of_day", clock))
    place = f"; {offer(path)}" if "ticker" in missing and "ticker" not in guess else ""
    suffix = next((name for name in names if token(name) in _SUFFIXES), None)
    if suffix is not None and "ticker" in guess:
        place = f"; {suffix} tells classes of shares apart: where it is not empty, join both in a column first"
    used = {theirs[name] for name in nearest.required if name in theirs} | {name for name, _ in guess.values()}
    unknown = [name for name in missing if name not in guess and name != "ticker"]
    absent = ""
    if unknown and not any(_may_be(name, schema, free) for name in unknown for free in names if free not in used):
        absent = f"; no other column can hold {' and '.join(unknown)}: write {'it' if not unknown[1:] else 'them'}, too"
        hints = [hint for hint in hints if hint.removeprefix("--map ").partition("=")[0] not in unknown]
    say = f": say which columns hold them with {' '.join(hints)}" if hints else ""
    return f"{path} is not recognised: {has}; for {nearest.name} rows it lacks {', '.join(missing)}{say}{absent}{place}"


def _hint(ours: str, theirs: str) -> str:
    return f"--map {shlex.quote(f'{ours}={theirs}')}"


def _unlike(path: str, has: str, guess: Mapping[str, tuple[str, float]]) -> str:
    """Return the message for a file that resembles no record type."""
    types = ", ".join(f"{record.name} rows ({', '.join(record.required)})" for record in RECORD_TYPES)
    hints = " ".join(_hint(ours, theirs) for ours, (theirs, _) in guess.items()) or "--map price=COLUMN"
    return (
        f"{path} is not a recording: {has}; a replay reads {types}. Name recordings alone, or, if it holds such rows, "
        f"say for each of their columns which one of the file it is, as in {hints}"
    )


def _clock_beside(record: RecordType, names: Sequence[str], schema: pa.Schema, theirs: Mapping[str, str]) -> str | None:
    """Return the column that has the time of day, where that of timestamps has the day alone, as its name says."""
    used = {theirs[ours] for ours in record.required if ours in theirs}
    if "time_of_day" in theirs or token(theirs.get("timestamp", "")) not in _DAYS:
        return None
    free = {token(name): name for name in names if name not in used and schema.names.count(name) == 1}
    found = [free[key] for key in ALIASES["time_of_day"] if key in free]
    has_clock = theirs["timestamp"] in schema.names and pt.is_timestamp(schema.field(theirs["timestamp"]).type)
    return next(
        (
            name
            for name in found
            if CLOCK.accepts(type_ := schema.field(name).type) or (is_number(type_) and not has_clock)
        ),
        None,
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
    is_day_split = bool(tokens.keys() & set(_DAYS)) and bool(tokens.keys() & set(ALIASES["time_of_day"]))
    found: dict[str, tuple[str, float]] = {}
    for score in (_OTHER_CASE, _ALIAS, _MISSPELT, _PART):
        for ours in record.required:
            if ours in theirs or ours in found:
                continue
            taken = {name for name, _ in found.values()}
            keys = _keys(ours, score, tokens)
            if ours == "timestamp" and is_day_split and score == _ALIAS:
                keys = (*_DAYS, *keys)
            fitting = [tokens[key] for key in keys if key in tokens and tokens[key] not in taken]
            fitting = [name for name in fitting if _may_be(ours, schema, name)]
            if fitting:
                found[ours] = fitting[0], score
    return found


def _keys(ours: str, score: float, tokens: Collection[str]) -> Sequence[str]:
    """Return the tokens that can mean a column of ours, the best first, as sure as ``score`` says."""
    if score == _OTHER_CASE:
        return (ours,)
    if score == _ALIAS:
        return ALIASES.get(ours, ())
    if score == _MISSPELT:
        keys = [key for key in tokens if key not in _ALL_ALIASES and ours not in key and _is_misspelt(ours, key)]
    else:
        keys = [key for part in PARTS[ours] for key in tokens if part in key]
    return [key for key in keys if ours not in ("price", "size") or not _OF_BARS.search(key)]


def _is_misspelt(ours: str, key: str) -> bool:
    """Return whether a token is nearly the name of a column of ours, or nearly another usual name of it."""
    if sorted(key) == sorted(ours) or get_close_matches(key, [ours], cutoff=_LIKENESS):
        return True
    return len(key) >= _SHORTEST_MISSPELT and bool(get_close_matches(key, ALIASES.get(ours, ()), cutoff=_MOST_LIKE))


def _may_be(ours: str, schema: pa.Schema, name: str) -> bool:
    """Return whether a column can hold values of ours, by its type; numbers can be texts that are to be converted."""
    if schema.names.count(name) != 1:
        return True
    type_ = schema.field(name).type
    wanted = _TYPES[ours]
    return wanted.accepts(type_) or pt.is_null(type_) or (wanted is NUMBER and TEXT.accepts(type_))

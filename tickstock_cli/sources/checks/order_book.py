"""Rows of an order book, or quotes, among the trades: told by a column of actions that is not read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck
from tickstock_cli.sources.layouts.known import token
from tickstock_cli.sources.plain_values import known_values

_WORDED = (
    *("side", "type", "kind", "event", "class", "status", "state", "ordstatus", "orderstatus", "T", "e", "field"),
    *("exectype", "pricetype", "quotetype", "whattoshow", "bidask", "msg", "message", "recordkind", "rowtype"),
)
"""Tokens of columns that name kinds of rows by words, or have another meaning."""
_CODED = (
    *("action", "eventtype", "msgtype", "messagetype", "recordtype", "updatetype", "ticktype", "ev", "rtype"),
    *("entrytype", "mdentrytype", "datatype", "mdupdateaction", "updateaction"),
)
"""Tokens of columns that tell kinds of rows by codes of their own, such as A, D and P of ITCH."""
_NUMBERED = ("type", "kind", "event", "class", "rowtype", "recordkind")
"""Those of them whose numbers are kinds, too."""
_LEVELS = ("level", "depthlevel", "booklevel", "pricelevel", "mdpricelevel", "mdlevel", "levelno")
"""Tokens of columns with the place of a price in a book."""
_TRADES = (
    *("t", "trade", "trades", "trd", "last", "exec", "execute", "execution", "executed", "match", "filled", "price"),
)
_OTHERS = (
    *("a", "add", "c", "cancel", "canceled", "cancelled", "m", "modify", "r", "clear", "reset", "f", "fill", "d"),
    *("delete", "q", "quote", "quotes", "bid", "ask", "bbo", "nbbo", "book", "depth", "order", "new"),
    *("open", "done", "received", "change", "update", "l2update", "snapshot", "status", "halt", "level", "mid"),
    *("bookticker", "depthupdate", "orderbook", "midpoint", "qte", "bidask", "l2", "tob", "insert", "rejected"),
)
"""A fill of a resting order stands beside its trade."""
_NO_TRADES = frozenset(
    (
        "add",
        "cancel",
        "modify",
        "delete",
        "clear",
        "quote",
        "quotes",
        "bbo",
        "nbbo",
        "book",
        "depth",
        "level",
        "snapshot",
    )
)
"""Words that no trade has, whatever the other values are."""
_SHORT = tuple(name for name in _OTHERS if len(name) == 1)
_TRADE_WORDS = ("trade", "trades", "trd", "execute", "execution", "executed", "match", "last", "price", "filled")
_BOOK_WORDS = (
    *("quote", "quotes", "bid", "ask", "bbo", "nbbo", "book", "depth", "add", "cancel", "delete", "modify", "insert"),
    *("bookticker", "depthupdate", "orderbook", "midpoint", "mid", "qte", "bidask", "canceled", "cancelled", "tob"),
)
_SIDES = ("buy", "sell", "b", "s", "n", "none", "unknown")
_TRUTHS = {
    **dict.fromkeys(("istrade", "trade"), True),
    **dict.fromkeys(("isquote", "iscancelled", "isbook", "isorder", "isdepth", "isbbo"), False),
}
"""Tokens of columns of true and false, or 1 and 0, with the value that trades have."""
_MOST_TOLD = 6
_BETWEEN_WORDS = re.compile(r"[\s_\-:/]+")


def _look(facts: Facts) -> Iterator[Oddity]:
    chosen = {facts.layout.columns.get(name, name) for name in facts.options.where}
    for name in facts.layout.ignored:
        if name in chosen or facts.schema.names.count(name) > 1:  # nobody can say which of two is meant
            continue
        key, type_ = token(name), facts.schema.field(name).type
        if key in _CODED or key in _WORDED or (key in _LEVELS and pt.is_integer(type_)):
            yield from _look_at(facts, name, key)
        elif _is_text(type_):
            _stop_at_words(facts, name)
        elif key in _TRUTHS and (pt.is_boolean(type_) or pt.is_integer(type_)):
            yield from _look_at_truths(facts, name, is_true=_TRUTHS[key])


def _look_at(facts: Facts, name: str, key: str) -> Iterator[Oddity]:
    type_ = facts.schema.field(name).type
    if pt.is_integer(type_):
        extremes = facts.extremes(name)
        if (key not in _WORDED or key in _NUMBERED) and extremes is not None and extremes.low != extremes.high:
            yield _several(name, [extremes.low, "…", extremes.high])
        return
    if not _is_text(type_):
        return
    values = _values(facts, name)
    _stop_if_mixed(facts, name, values)
    told = {value.strip().lower() for value in values} - {""}
    if told and key != "side" and all(_NO_TRADES & set(_BETWEEN_WORDS.split(value)) for value in told):
        yield Oddity(
            f"column {name} says that no row is a trade (it has {', '.join(sorted(values)[:_MOST_TOLD])}), but all are "
            f"read as trades: leave it out, or confirm it with --where {_assigned(name, ','.join(sorted(values)))}"
        )
    is_of_both = key == "side" and bool({"bid", "ask"} & told) and bool({"buy", "sell", "t"} & told)
    if is_of_both or (key in _CODED and len(told) > 1 and not told <= set(_SIDES)):
        yield _several(name, sorted(value for value in values if value.strip()))


def _several(name: str, values: Sequence[Any], wanted: Any = "VALUE") -> Oddity:
    told = ", ".join(str(value).lower() if isinstance(value, bool) else str(value) for value in values[:_MOST_TOLD]) + (
        ", …" if len(values) > _MOST_TOLD else ""
    )
    return Oddity(
        f"column {name} has several values ({told}): if not all rows are trades, read those that are with "
        f"--where {_assigned(name, wanted)}"
    )


def _stop_if_mixed(facts: Facts, name: str, values: Iterable[str]) -> None:
    """Raise SchemaError if values name trades and something else, or actions on orders."""
    trades = sorted(value for value in values if _kind(value) in _TRADES and "cancel" not in value.lower())
    others = sorted(value for value in values if _kind(value) in _OTHERS)
    is_action = token(name) == "action" and any(_kind(value) in _SHORT for value in others)
    if others and (trades or is_action):
        raise facts.stop(
            f"column {name} says that not all rows are trades (it has {', '.join(others[:3])}): read the trades alone "
            f"with --where {_assigned(name, ','.join(trades) or 'T')}, or name every value to read"
        )


def _stop_at_words(facts: Facts, name: str) -> None:
    """Raise SchemaError if the first and the last value of any column, in alphabetical order, are a trade and another.

    The footer states them: a column of each file would be dear to read. Words alone count, since letters are codes of
    exchanges as well.
    """
    extremes = facts.extremes(name)
    bounds = set() if extremes is None else set(_texts([extremes.low, extremes.high]))
    kinds = {_kind(value) for value in bounds}
    if kinds & set(_TRADE_WORDS) and kinds & set(_BOOK_WORDS):
        _stop_if_mixed(facts, name, _values(facts, name))


def _look_at_truths(facts: Facts, name: str, *, is_true: bool) -> Iterator[Oddity]:
    extremes = facts.extremes(name)
    values = set(
        known_values(facts.first_rows([name]).column(0)) if extremes is None else [extremes.low, extremes.high]
    )
    if values == {False, True}:  # 0 and 1, too
        yield _several(name, sorted(values), str(is_true).lower() if isinstance(min(values), bool) else int(is_true))


def _kind(value: str) -> str:
    """Return the first word of a value: `QUOTE BID` is a quote."""
    return _BETWEEN_WORDS.split(value.strip().lower(), maxsplit=1)[0] if len(value) > 1 else value.lower()


def _assigned(name: str, value: Any) -> str:
    return shlex.quote(f"{name}={value}")


def _is_text(type_: pa.DataType) -> bool:
    if isinstance(type_, pa.DictionaryType):
        type_ = type_.value_type
    texts = (pt.is_string, pt.is_large_string, pt.is_string_view, pt.is_binary, pt.is_fixed_size_binary)
    return any(matches(type_) for matches in texts)


def _values(facts: Facts, name: str) -> set[str]:
    """Return values of a column: those of the first rows, and the extremes of all."""
    column: Any = facts.first_rows([name]).column(0)
    extremes = facts.extremes(name)
    bounds = [] if extremes is None else [extremes.low, extremes.high]
    return set(_texts([*column.unique().to_pylist(), *bounds]))


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, bytes):
            yield value.decode(errors="replace")
        elif isinstance(value, str):
            yield value


CHECK = RecordingCheck("order_book", ("tick",), _look)

"""Rows of an order book, or quotes, among the trades: told by a column of actions that is not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.types as pt

from tickstock_cli.sources.checks.facts import Facts, Oddity, RecordingCheck

_ACTIONS = (
    *("action", "event_type", "type", "msg_type", "message_type", "record_type", "update_type", "tick_type", "side"),
    *("event", "kind", "entry_type", "data_type", "eventtype", "msgtype", "ticktype"),
)
_TRADES = ("t", "trade", "trades", "trd", "last", "exec", "execution", "executed", "match", "trade_tick")
_OTHERS = (
    *("a", "add", "c", "cancel", "canceled", "cancelled", "m", "modify", "r", "clear", "reset", "f", "fill", "d"),
    *("delete", "q", "quote", "quotes", "bid", "ask", "bbo", "nbbo", "book", "book_update", "depth", "order", "new"),
    *("open", "done", "received", "change", "update", "l2update", "snapshot", "status", "halt", "quote_tick"),
)
"""A fill of a resting order stands beside its trade."""
_SHORT = tuple(name for name in _OTHERS if len(name) == 1)


def _look(facts: Facts) -> Iterator[Oddity]:
    chosen = {facts.layout.columns.get(name, name) for name in facts.options.where}
    for name in facts.layout.ignored:
        if name.lower() in _ACTIONS and name not in chosen:
            yield from _look_at(facts, name)


def _look_at(facts: Facts, name: str) -> Iterator[Oddity]:
    type_ = facts.schema.field(name).type
    if pt.is_integer(type_):
        extremes = facts.extremes(name)
        if name.lower() != "side" and extremes is not None and extremes.low != extremes.high:
            yield Oddity(
                f"column {name} has several values: if not all rows are trades, read those that are, as in "
                f"--where {name}={extremes.low}"
            )
        return
    if not _is_text(type_):
        return
    values = _values(facts, name)
    trades = sorted(value for value in values if value.strip().lower() in _TRADES)
    others = sorted(value for value in values if value.strip().lower() in _OTHERS)
    is_action = name.lower() == "action" and any(value.strip().lower() in _SHORT for value in others)
    if others and (trades or is_action):
        wanted = ",".join(trades) or "T"
        raise facts.stop(
            f"column {name} says that not all rows are trades (it has {', '.join(others[:3])}): read the trades alone "
            f"with --where {name}={wanted}, or name every value to read"
        )


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

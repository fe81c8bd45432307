"""What a strategy did, as rows of tables: signals, orders, fills, trades and minute equity.

Times are int64 ns UTC, money is in integer micro-dollars, prices without ``_micros`` are float64 dollars. Sides are +1
(buy, long) and -1 (sell, short).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.trading.records import FILL_KINDS, OUTCOMES, PURPOSES, REASONS, RECORD_TYPES, STATUSES

TRADE_TABLES = ("signals", "orders", "fills", "trades", "equity")
"""Names of the tables."""

Records = NDArray[Any]


@dataclass(frozen=True, slots=True)
class TradeNames:
    """Names behind the codes of a strategy's records.

    Parameters
    ----------
    strategy
        Its name.
    events
        Names behind the codes of events.
    reasons
        Words of the reasons to close a position.
    """

    strategy: str
    events: EventNames
    reasons: Sequence[str] = REASONS


Column = Callable[[Records, TradeNames], Any]


def _field(name: str) -> Column:
    return lambda records, _: records[name]


def _time(name: str) -> Column:
    """Return a column of times, null where the record has 0."""
    return lambda records, _: pa.array(records[name], pa.int64(), mask=records[name] == 0)


def _number(name: str) -> Column:
    """Return a column of numbers, null where the record has -1."""
    return lambda records, _: pa.array(records[name], mask=records[name] < 0)


def _word(name: str, words: Sequence[str]) -> Column:
    """Return a column of words, null where the record has -1."""
    return lambda records, _: pa.array(words, pa.string()).take(pa.array(records[name], mask=records[name] < 0))


def _ticker(records: Records, names: TradeNames) -> Any:
    return pa.array(names.events.tickers, pa.string()).take(pa.array(records["code"]))


def _reason(records: Records, names: TradeNames) -> Any:
    return _word("reason", names.reasons)(records, names)


def _kind(records: Records, names: TradeNames) -> Any:
    return pa.array(names.events.kinds, pa.string()).take(pa.array(records["kind"], mask=records["kind"] < 0))


def _truth(name: str) -> Column:
    return lambda records, _: records[name] > 0


def _price(name: str) -> Column:
    return lambda records, _: pa.array(records[name], pa.float64(), from_pandas=True)


_COLUMNS: dict[str, dict[str, Column]] = {
    "signals": {
        "event_id": _field("event_id"),
        "ticker": _ticker,
        "rule": _number("rule"),
        "side": _field("side"),
        "decision": _field("decision"),
        "outcome": _word("outcome", OUTCOMES),
        "mark_micros": _time("mark"),
        "shares": _field("shares"),
        "order": _number("order"),
    },
    "orders": {
        "order": _field("order"),
        "event_id": _field("event_id"),
        "ticker": _ticker,
        "rule": _number("rule"),
        "purpose": _word("purpose", PURPOSES),
        "side": _field("side"),
        "decision": _field("decision"),
        "reason": _reason,
        "shares": _field("shares"),
        "status": _word("status", STATUSES),
        "filled": _field("filled"),
        "cancelled": _field("cancelled"),
        "forced": _field("forced"),
        "early_fills": _field("early"),
        "first_fill": _time("first_fill"),
        "last_fill": _time("last_fill"),
        "ended": _field("ended"),
        "notional_micros": _field("notional"),
        "fees_micros": _field("fees"),
    },
    "fills": {
        "order": _field("order"),
        "ticker": _ticker,
        "purpose": _word("purpose", PURPOSES),
        "side": _field("side"),
        "time": _field("time"),
        "opening": _field("opening"),
        "shares": _field("shares"),
        "price_micros": _field("price"),
        "print_price": _field("print_price"),
        "fee_micros": _field("fee"),
        "kind": _word("kind", FILL_KINDS),
        "early": _truth("early"),
    },
    "trades": {
        "trade": _field("trade"),
        "ticker": _ticker,
        "side": _field("side"),
        "event_id": _field("event_id"),
        "kind": _kind,
        "rule": _number("rule"),
        "decision": _field("decision"),
        "first_entry": _field("first_entry"),
        "last_entry": _field("last_entry"),
        "exit_decision": _field("exit_decision"),
        "last_exit": _field("last_exit"),
        "shares": _field("shares"),
        "entry_price": _price("entry_price"),
        "exit_price": _price("exit_price"),
        "entry_notional_micros": _field("entry_notional"),
        "exit_notional_micros": _field("exit_notional"),
        "gross_micros": _field("gross"),
        "fees_micros": _field("fees"),
        "net_micros": _field("net"),
        "return_bps": _price("return_bps"),
        "reason": _reason,
        "forced": _field("forced"),
        "mfe_bps": _price("mfe_bps"),
        "mae_bps": _price("mae_bps"),
    },
    "equity": {
        "time": _field("time"),
        "equity_micros": _field("equity"),
        "cash_micros": _field("cash"),
        "gross_micros": _field("gross"),
        "positions": _field("positions"),
    },
}


def trade_schema(table: str) -> pa.Schema:
    """Return the columns of a table."""
    return trade_rows(table, TradeNames("", EventNames(SymbolTable(), ())), np.empty(0, RECORD_TYPES[table])).schema


def trade_rows(table: str, names: TradeNames, records: Records) -> pa.RecordBatch:
    """Return records of ``trading.records`` as rows of a table, with the name of the strategy before them.

    Parameters
    ----------
    table
        One of ``TRADE_TABLES``.
    """
    columns = {name: pa.array(column(records, names)) for name, column in _COLUMNS[table].items()}
    words = pa.array([names.strategy], pa.string()).take(np.zeros(len(records), dtype=np.int64))
    return pa.RecordBatch.from_pydict({"strategy": words, **columns})

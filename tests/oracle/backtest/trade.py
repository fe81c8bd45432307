"""Section 3: a strategy's signals, orders, fills and trades, one thing after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.oracle.backtest.books import fill_row, order_row, trade_row
from tests.oracle.backtest.figures import figures_of
from tests.oracle.backtest.inputs import Event, Judged, complete, complete_strategy, milliseconds
from tests.oracle.backtest.market import Market
from tests.oracle.backtest.rules import rule_of, side_of
from tests.oracle.backtest.signals import Signal
from tests.oracle.backtest.simulation import Simulation


@dataclass
class Traded:
    """What a strategy gives: its tables as rows, figures, and balances."""

    signals: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    fills: list[dict[str, Any]] = field(default_factory=list)
    trades: list[dict[str, Any]] = field(default_factory=list)
    equity: list[dict[str, int]] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)
    books: dict[str, Any] = field(default_factory=dict)


def trade(judged: Judged, events: Sequence[Event], settings: Mapping[str, Any], strategy: Mapping[str, Any]) -> Traded:
    """Trade events, given in output order.

    Parameters
    ----------
    judged
        The recording's accepted rows.
    events
        Rows of the event schema, in output order.
    settings
        Flat, of the sections ``session`` and ``prices``.
    strategy
        By section: ``name``, ``strategy``, ``enter``, ``exit``, ``size``, ``fill``, ``fees``.
    """
    whole = complete_strategy(strategy)
    market = Market(judged, complete(settings))
    signals = _signals(events, whole, market)
    simulation = Simulation(market, whole, signals)
    simulation.run()
    trades = [trade_row(position) for position in simulation.closed]
    books = _books(simulation, signals, trades)
    return Traded(
        [_signal_row(signal) for signal in signals],
        [order_row(order) for order in simulation.books.orders],
        [fill_row(fill) for fill in simulation.books.fills],
        trades,
        [dict(vars(sample)) for sample in simulation.samples],
        figures_of(simulation.books, trades, simulation.samples, market),
        books,
    )


def _signal_row(signal: Signal) -> dict[str, Any]:
    names = ("rule", "ticker", "side", "decision", "outcome")
    return {"event_id": signal.event["event_id"], **{name: getattr(signal, name) for name in names}}


def _signals(events: Sequence[Event], strategy: Mapping[str, Any], market: Market) -> list[Signal]:
    latency = milliseconds(strategy["strategy"]["latency_ms"])
    found = []
    for event in events:
        decision = event["emitted_at"] + latency
        rule = rule_of(event, decision, strategy["enter"], market.days)
        if rule is not None:
            side = side_of(event, strategy["enter"][rule])
            found.append(Signal(event, rule, event["ticker"], side, decision))
    return found


def _books(simulation: Simulation, signals: Sequence[Signal], trades: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the balances, held against each other."""
    books = simulation.books
    outcomes = Counter(signal.outcome for signal in signals)
    orders = Counter(order.outcome for order in books.orders)
    entries = [order for order in books.orders if order.purpose == "entry"]
    cash = books.start - sum(fill.order.sign * fill.shares * fill.price + fill.fee for fill in books.fills)
    assert cash == books.cash
    assert outcomes["taken"] == len(entries)
    assert all(order.remaining == 0 for order in books.orders)
    assert not any(position.open_shares for position in simulation.closed)
    assert books.cash - books.start == sum(row["net"] for row in trades)
    return {
        "signals": len(signals),
        "taken": outcomes.pop("taken", 0),
        "ignored": dict(outcomes),
        "orders": len(books.orders),
        **{word: orders[word] for word in ("filled", "partial", "unfilled")},
        "cancelled_shares": sum(order.cancelled for order in books.orders),
        "fills": len(books.fills),
        "early_fills": sum(fill.early for fill in books.fills),
        "forced_shares": sum(position.forced for position in simulation.closed),
        "cash_start": books.start,
        "cash_end": books.cash,
    }

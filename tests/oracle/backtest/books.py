"""Section 3: orders, positions, fills and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.oracle.backtest.inputs import Event, money
from tests.oracle.backtest.market import Print

STOP, TRAIL, TARGET, HORIZON, SESSION_END, OPPOSITE = range(6)
REASONS = ("stop", "trail", "target", "horizon", "session_end", "opposite")


@dataclass
class Order:
    """A market order. ``sign`` is +1 buying, -1 selling; ``until`` and ``day`` are of an entry, ``times`` of fills."""

    number: int
    purpose: str
    ticker: str
    sign: int
    shares: int
    decision: int
    event: Event
    rule: int
    reason: str
    day: date | None = None
    until: int | None = None
    filled: int = 0
    notional: int = 0
    fees: int = 0
    cancelled: int = 0
    forced: int = 0
    early_fills: int = 0
    times: list[int] = field(default_factory=list)
    ended: int | None = None

    @property
    def remaining(self) -> int:
        """Shares that still wait."""
        return self.shares - self.filled - self.cancelled

    @property
    def outcome(self) -> str:
        """The order's outcome in one word."""
        if self.filled == self.shares:
            return "filled"
        return "partial" if self.filled else "unfilled"


@dataclass(frozen=True)
class Fill:
    """A fill; ``early``: at an open before its decision. ``way``: print, forced or end_of_data."""

    order: Order
    time: int
    shares: int
    price: int
    fee: int
    way: str
    early: bool


@dataclass
class Position:
    """A position from its first fill on.

    Attributes
    ----------
    first_print
        The print that first filled the entry; later ones are watched (bars: closings from it on).
    best
        The best price so far, for the trailing stop.
    pending
        Decisions to exit whose time has not come: (time, rank of the reason).
    exit_decision
        Time and reason, once decided.
    watched
        Favourable and adverse price of each print watched.
    """

    ticker: str
    side: int
    entry: Order
    first_print: Print
    best: float
    pending: list[tuple[int, int]] = field(default_factory=list)
    exit_decision: tuple[int, str] | None = None
    exit: Order | None = None
    watched: list[tuple[float, float]] = field(default_factory=list)
    entry_times: list[int] = field(default_factory=list)
    exit_times: list[int] = field(default_factory=list)
    forced: int = 0

    @property
    def open_shares(self) -> int:
        """Shares held."""
        return self.entry.filled - (self.exit.filled if self.exit is not None else 0)

    @property
    def average(self) -> float:
        """Average entry price so far, dollars."""
        return self.entry.notional / self.entry.filled / 1e6


class Books:
    """Cash, and every order and fill of a run."""

    def __init__(self, strategy: Mapping[str, Any]) -> None:
        self._fill = strategy["fill"]
        self._fees = strategy["fees"]
        self.start = self.cash = money(strategy["strategy"]["cash"])
        self.orders: list[Order] = []
        self.fills: list[Fill] = []
        self._taken: dict[int, int] = {}
        self._ppm: int = round(self._fill["participation"] * 1e6)

    def available(self, one: Print, order: Order) -> int:
        """Return the shares of a print that an order can have."""
        if self._fill["participation"] == 0:
            return order.remaining
        there = one.size * self._ppm // 10**12 - self._taken.get(one.order, 0)
        return min(order.remaining, there)

    def take(self, order: Order, one: Print, shares: int, time: int) -> None:
        """Fill an order from a print at its price (bars: open)."""
        self._taken[one.order] = self._taken.get(one.order, 0) + shares
        self.fill(order, one.open, shares, time, "print", one.time < order.decision)

    def fill(self, order: Order, price: float, shares: int, time: int, way: str, early: bool = False) -> None:
        """Fill an order at a price (dollars) with costs."""
        costly = self.with_costs(price, order.sign)
        order.filled += shares
        order.notional += shares * costly
        order.times.append(time)
        order.early_fills += early
        order.forced += shares if way == "forced" else 0
        if order.remaining == 0:
            order.ended = time
        fees = self._fee(order)
        self.cash -= order.sign * shares * costly + fees - order.fees
        self.fills.append(Fill(order, time, shares, costly, fees - order.fees, way, early))
        order.fees = fees

    def with_costs(self, price: float, sign: int) -> int:
        """Return a price with spread and slippage, micro-dollars."""
        spread = max(self._fill["half_spread_bps"] * price / 1e4, self._fill["half_spread_min"])
        return money(price + sign * (spread + self._fill["slippage_bps"] * price / 1e4))

    def _fee(self, order: Order) -> int:
        fees, notional = self._fees, order.notional / 1e6
        return money(max(fees["minimum"], fees["per_share"] * order.filled + fees["bps"] * notional / 1e4))


def order_row(order: Order) -> dict[str, Any]:
    """Return an order as a row of its table."""
    names = ("purpose", "ticker", "sign", "shares", "decision", "reason", "filled", "cancelled", "notional", "fees")
    row = {name: getattr(order, name) for name in (*names, "rule", "forced", "early_fills", "ended")}
    first, last = (order.times[0], order.times[-1]) if order.times else (None, None)
    row |= {"first_fill": first, "last_fill": last}
    return {"order": order.number, "event_id": order.event["event_id"], "outcome": order.outcome, **row}


def fill_row(fill: Fill) -> dict[str, Any]:
    """Return a fill as a row of its table; money in micro-dollars."""
    names = ("time", "shares", "price", "fee", "way", "early")
    row = {name: getattr(fill, name) for name in names}
    return {"order": fill.order.number, "ticker": fill.order.ticker, "sign": fill.order.sign, **row}


def trade_row(position: Position) -> dict[str, Any]:
    """Return a closed position as a trade; money in micro-dollars, prices in dollars."""
    entry, leave, side = position.entry, position.exit, position.side
    assert leave is not None
    assert position.exit_decision is not None
    average = position.average
    good = [side * (favourable - average) / average * 1e4 for favourable, _ in position.watched]
    bad = [side * (adverse - average) / average * 1e4 for _, adverse in position.watched]
    gross = side * (leave.notional - entry.notional)
    fees = entry.fees + leave.fees
    return {
        "ticker": position.ticker,
        "side": side,
        "event_id": entry.event["event_id"],
        "kind": entry.event["kind"],
        "rule": entry.rule,
        "decision": entry.decision,
        "entry_first": position.entry_times[0],
        "entry_last": position.entry_times[-1],
        "exit_decision": position.exit_decision[0],
        "exit_last": position.exit_times[-1],
        "shares": entry.filled,
        "entry_price": average,
        "exit_price": leave.notional / leave.filled / 1e6,
        "entry_notional": entry.notional,
        "gross": gross,
        "fees": fees,
        "net": gross - fees,
        "return_bps": (gross - fees) / entry.notional * 1e4 + 0.0,
        "reason": position.exit_decision[1],
        "forced": position.forced,
        "mfe_bps": max(0.0, *good) if good else 0.0,
        "mae_bps": min(0.0, *bad) if bad else 0.0,
    }

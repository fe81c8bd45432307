"""State of a trade simulation as arrays, and its rules as plain numbers, for the kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.strategy import StrategySettings, duration_ns
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.trading.records import RecordBuffers

FITS, TOO_MUCH_MONEY = range(2)
"""Whether the books fit into int64 micro-dollars."""

BY_NOTIONAL, BY_EQUITY, BY_RISK = range(3)
_SIZE_RULES = {"notional": BY_NOTIONAL, "equity_percent": BY_EQUITY, "risk": BY_RISK}

BOOK = np.dtype(
    [
        ("cash", "i8"),
        ("next_order", "i8"),
        ("next_trade", "i8"),
        ("next_due", "i8"),  # earliest time of a pending exit or of an entry's end
        ("day_end", "i8"),  # of the current day; MAX_NS = there is none
        ("session_end", "i8"),  # when positions are closed; MAX_NS = not today
        ("minute", "i8"),  # next sample of the equity; MAX_NS = none today
        ("told_minute", "i8"),  # last minute that a Python strategy was told
        ("last_minute", "i8"),  # last sample
        ("signal", "i8"),  # next signal, closing and opening to be taken
        ("closing", "i8"),
        ("opening", "i8"),
        ("ring_head", "i8"),  # numbers of the oldest kept opening and of the next one
        ("ring_tail", "i8"),
        ("signals", "i8"),  # filled rows of the record buffers
        ("orders", "i8"),
        ("fills", "i8"),
        ("trades", "i8"),
        ("equity", "i8"),
        ("active", "i8"),  # filled slots
        ("failed", "i8"),  # FITS, or TOO_MUCH_MONEY
        ("day", "i4"),
        ("failed_code", "i4"),
    ],
    align=True,
)

SLOT = np.dtype(
    [
        ("event_id", "u8"),
        ("decision", "i8"),  # of the entry
        ("shares", "i8"),  # held now
        ("entry_shares", "i8"),
        ("entry_notional", "i8"),
        ("exit_shares", "i8"),
        ("exit_notional", "i8"),
        ("fees", "i8"),
        ("forced", "i8"),
        ("first_fill", "i8"),
        ("first_opening", "i8"),
        ("last_entry", "i8"),
        ("last_exit", "i8"),
        ("exit_decision", "i8"),  # 0 = none
        ("due", "i8"),  # earliest pending exit; MAX_NS = none
        ("order", "i8"),  # the working order, if any
        ("order_decision", "i8"),
        ("deadline", "i8"),
        ("asked", "i8"),
        ("remaining", "i8"),
        ("filled", "i8"),
        ("order_notional", "i8"),
        ("order_fee", "i8"),
        ("order_forced", "i8"),
        ("order_first", "i8"),
        ("order_last", "i8"),
        ("best", "f8"),  # dollars
        ("most_favourable", "f8"),  # of the watched prints; NaN = none was watched
        ("most_adverse", "f8"),
        ("code", "i4"),
        ("rule", "i4"),
        ("day", "i4"),  # of the entry's decision
        ("early", "i4"),
        ("kind", "i2"),
        ("working", "i2"),  # position in PURPOSES
        ("side", "i1"),
        ("due_reason", "i1"),
        ("exit_reason", "i1"),
        ("order_side", "i1"),
    ],
    align=True,
)
"""A ticker with a position, a working order, or both."""

OPENED = np.dtype(
    [
        ("opening", "i8"),
        ("available", "i8"),
        ("size", "i8"),  # 1e-6 shares
        ("taken", "i8"),  # shares that orders have taken
        ("before", "i8"),  # number of the ticker's opening before it; -1 = none
        ("price", "f8"),
        ("day", "i8"),
    ],
    align=True,
)
"""A bar that has opened a short time ago, for orders that are decided now. Its place in the ring is the last bits of
its number: the ring's length is a power of two."""

WAITING = np.dtype(
    [
        ("event_id", "u8"),
        ("decision", "i8"),
        ("session_end", "i8"),  # first time of its day at which no signal is taken
        ("number", "i8"),  # place of an event that a Python strategy is told; -1 = a signal
        ("shares", "i8"),  # that a Python strategy orders; 0 = as many as the rule of size says
        ("code", "i4"),
        ("rule", "i4"),
        ("day", "i4"),
        ("reason", "i4"),  # of an exit that a Python strategy orders
        ("kind", "i4"),
        ("side", "i2"),
        ("inside", "i2"),
    ],
    align=True,
)
"""A signal, or an event to be told, that waits for its decision."""


class Books(NamedTuple):
    """State of one strategy. Slots are filled from the front; ``slot_of`` is -1 for a ticker without one."""

    book: NDArray[Any]
    slots: NDArray[Any]
    ring: NDArray[Any]
    last_price: NDArray[np.float64]
    last_day: NDArray[np.int32]
    slot_of: NDArray[np.int32]
    last_opening: NDArray[np.int64]
    ranks: NDArray[np.int64]
    chosen: NDArray[np.int32]
    out: RecordBuffers


class Tape(NamedTuple):
    """Prints and signals to be taken, as arrays: ``day`` and later ones are of prints, ``opens_*`` of openings."""

    code: NDArray[np.int32]
    time: NDArray[np.int64]
    opening: NDArray[np.int64]
    day: NDArray[np.int32]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    size: NDArray[np.int64]
    opens_code: NDArray[np.int32]
    opens_time: NDArray[np.int64]
    opens_available: NDArray[np.int64]
    opens_day: NDArray[np.int32]
    opens_price: NDArray[np.float64]
    opens_size: NDArray[np.int64]
    signals: NDArray[Any]


class TradeRules(NamedTuple):
    """Settings of a strategy as plain numbers; durations in ns, 0 = off."""

    is_bars: bool
    slack: int
    latency: int
    timeout: int
    parts_per_million: int
    half_spread_bps: float
    half_spread_min: float
    slippage_bps: float
    fee_minimum: float
    fee_per_share: float
    fee_bps: float
    stop_percent: float
    trail_percent: float
    target_percent: float
    after: int
    session_end: int
    on_opposite: bool
    size_rule: int
    size_value: float
    max_positions: int
    max_gross_percent: float
    stops_at_prints: bool
    stops_at_minutes: bool


def trade_rules(strategy: StrategySettings, *, is_bars: bool, open_slack_ms: float, bar_interval_ns: int) -> TradeRules:
    """Return the rules of a strategy.

    Parameters
    ----------
    strategy
        Its settings.
    is_bars
        Whether prints are bars.
    open_slack_ms
        ``prices.open_slack_ms``: an order meets bars that opened at most this long before its decision.
    bar_interval_ns
        Length of the recording's longest bar: entries work at least that long.
    """
    # Kernels are compiled anew for other types, and a default may be an integer where a value is a float.
    fill, leave, size = strategy.fill, strategy.exit, strategy.size
    timeout = round(fill.timeout_seconds * 1e9)
    if is_bars:
        timeout = max(round(fill.timeout_bars_seconds * 1e9), bar_interval_ns)
    return TradeRules(
        is_bars=is_bars,
        slack=round(open_slack_ms * 1e6),
        latency=round(strategy.strategy.latency_ms * 1e6),
        timeout=timeout,
        parts_per_million=round(fill.participation * 1e6),
        half_spread_bps=float(fill.half_spread_bps),
        half_spread_min=float(fill.half_spread_min),
        slippage_bps=float(fill.slippage_bps),
        fee_minimum=float(strategy.fees.minimum),
        fee_per_share=float(strategy.fees.per_share),
        fee_bps=float(strategy.fees.bps),
        stop_percent=float(leave.stop_percent),
        trail_percent=float(leave.trail_percent),
        target_percent=float(leave.target_percent),
        after=duration_ns(leave.after),
        session_end=duration_ns(leave.session_end),
        on_opposite=leave.on_opposite,
        size_rule=_SIZE_RULES[size.rule],
        size_value=float(size.value),
        max_positions=size.max_positions,
        max_gross_percent=float(size.max_gross_percent),
        stops_at_prints=False,
        stops_at_minutes=False,
    )


def new_book(cash: int) -> NDArray[Any]:
    """Return the book of a strategy before its first row; ``cash`` in micro-dollars."""
    book = np.zeros(1, dtype=BOOK)
    book["cash"] = cash
    for name in ("next_due", "day_end", "session_end", "minute"):
        book[name] = MAX_NS
    book["day"] = -1
    return book

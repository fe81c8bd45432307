"""What a trade simulation records, as rows of structured arrays, and the words of their codes.

Times are int64 ns since the epoch, UTC; 0 = none. Money is int64 micro-dollars. ``code`` is a ticker's code in the
run's symbol table. Sides are +1 (buy, long) and -1 (sell, short). No type has padding, so that equal records are equal
bytes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OUTCOMES = ("taken", "side", "outside", "opposite", "held", "positions", "no_price", "gross", "size")
"""What becomes of a signal: it is taken, or ignored for one of the reasons behind."""
TAKEN, NO_SIDE, OUTSIDE, OPPOSITE_HELD, HELD, POSITIONS, NO_PRICE, GROSS, SIZE = range(9)

REASONS = ("stop", "trail", "target", "horizon", "session_end", "opposite", "end_of_data", "strategy")
"""Why a position is closed. Of equally early decisions the first in this order wins."""
STOP, TRAIL, TARGET, HORIZON, SESSION_END, OPPOSITE, END_OF_DATA, STRATEGY = range(8)

PURPOSES = ("none", "entry", "exit")
NO_ORDER, ENTRY, EXIT = range(3)

STATUSES = ("filled", "partial", "unfilled")
FILLED, PARTIAL, UNFILLED = range(3)

FILL_KINDS = ("print", "forced", "end_of_data")
AT_PRINT, FORCED, AT_END = range(3)

SIGNAL = np.dtype(
    [
        ("event_id", "u8"),
        ("decision", "i8"),
        ("mark", "i8"),  # micro-dollars; 0 = it was not asked for
        ("shares", "i8"),  # of the order; 0 = none
        ("order", "i8"),  # number of the order; -1 = none
        ("code", "i4"),
        ("rule", "i4"),  # place of the rule among the strategy's rules of entry; -1 = a Python strategy
        ("side", "i4"),
        ("outcome", "i4"),  # position in OUTCOMES
    ],
    align=True,
)
"""A signal and what became of it, in the order of decisions."""

ORDER = np.dtype(
    [
        ("order", "i8"),  # numbered from 0 in the order of decisions
        ("event_id", "u8"),  # of the position's entry
        ("decision", "i8"),
        ("first_fill", "i8"),
        ("last_fill", "i8"),
        ("ended", "i8"),  # last fill, or when the rest was cancelled
        ("shares", "i8"),
        ("filled", "i8"),
        ("cancelled", "i8"),
        ("forced", "i8"),  # of the filled shares
        ("notional", "i8"),
        ("fees", "i8"),
        ("code", "i4"),
        ("rule", "i4"),
        ("early", "i4"),  # fills at an open before the decision
        ("side", "i1"),  # +1 buys, -1 sells
        ("purpose", "i1"),  # position in PURPOSES
        ("reason", "i1"),  # of an exit: position in REASONS; -1 = entry
        ("status", "i1"),  # position in STATUSES
    ],
    align=True,
)
"""An order that has ended, in the order of the ends."""

FILL = np.dtype(
    [
        ("order", "i8"),
        ("time", "i8"),
        ("opening", "i8"),  # start of the bar, or the time
        ("shares", "i8"),
        ("price", "i8"),
        ("fee", "i8"),
        ("print_price", "f8"),  # dollars, before costs
        ("code", "i4"),
        ("side", "i1"),
        ("purpose", "i1"),
        ("kind", "i1"),  # position in FILL_KINDS
        ("early", "i1"),  # 1 = at an open before the decision
    ],
    align=True,
)
"""A fill, in the order of fills."""

TRADE = np.dtype(
    [
        ("trade", "i8"),  # numbered from 0 in the order of their ends
        ("event_id", "u8"),
        ("decision", "i8"),
        ("first_entry", "i8"),
        ("last_entry", "i8"),
        ("exit_decision", "i8"),
        ("last_exit", "i8"),
        ("shares", "i8"),
        ("entry_notional", "i8"),
        ("exit_notional", "i8"),
        ("gross", "i8"),
        ("fees", "i8"),
        ("net", "i8"),
        ("forced", "i8"),
        ("entry_price", "f8"),  # average, dollars
        ("exit_price", "f8"),
        ("return_bps", "f8"),
        ("mfe_bps", "f8"),
        ("mae_bps", "f8"),
        ("code", "i4"),
        ("rule", "i4"),
        ("day", "i4"),  # day number of the entry's decision
        ("kind", "i2"),  # of the entry's event; -1 = a Python strategy's order
        ("side", "i1"),
        ("reason", "i1"),
    ],
    align=True,
)
"""A position that was opened and closed."""

EQUITY = np.dtype(
    [("time", "i8"), ("equity", "i8"), ("cash", "i8"), ("gross", "i8"), ("day", "i4"), ("positions", "i4")], align=True
)
"""The books at a whole minute: gross is Σ|shares|·mark, positions are those that are open."""

RECORD_TYPES = {"signals": SIGNAL, "orders": ORDER, "fills": FILL, "trades": TRADE, "equity": EQUITY}
"""What a simulation records, by name."""


class RecordBuffers(NamedTuple):
    """Room for the records that kernels write; ``TALLY`` counts how much of it is filled."""

    signals: NDArray[Any]
    orders: NDArray[Any]
    fills: NDArray[Any]
    trades: NDArray[Any]
    equity: NDArray[Any]

    @classmethod
    def empty(cls, rooms: dict[str, int]) -> RecordBuffers:
        """Return zeroed buffers with room for a number of rows each."""
        return cls(*(np.zeros(rooms[name], dtype=RECORD_TYPES[name]) for name in cls._fields))

"""Prices, fees and values in whole micro-dollars."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.kernels.jit import kernel
from tickstock_cli.trading.records import ENTRY
from tickstock_cli.trading.state import TOO_MUCH_MONEY, Books, TradeRules

MICROS = 1_000_000
MOST_MICROS = 9.0e18
"""Money beyond it does not fit into an int64."""
_TRILLION = 1_000_000_000_000


@kernel
def fail(book: Any, code: int) -> None:
    """Note that the money of a ticker's orders does not fit into the books; the run ends with an error."""
    book["failed"] = TOO_MUCH_MONEY
    book["failed_code"] = code


@kernel
def to_micros(book: Any, code: int, dollars: float) -> int:
    """Return dollars as micro-dollars, rounded half to even."""
    micros = np.rint(dollars * 1e6)
    if not abs(micros) < MOST_MICROS:
        fail(book, code)
        return 0
    return int(micros)


@kernel
def value_of(book: Any, code: int, shares: int, price: int) -> int:
    """Return shares times price, in micro-dollars."""
    if not abs(float(shares) * float(price)) < MOST_MICROS:
        fail(book, code)
        return 0
    return int(shares * price)


@kernel
def total_of(book: Any, code: int, first: int, second: int) -> int:
    """Return the sum of two amounts, in micro-dollars."""
    if not abs(float(first) + float(second)) < MOST_MICROS:
        fail(book, code)
        return 0
    return int(first + second)


@kernel
def fill_price(book: Any, code: int, rules: TradeRules, side: int, price: float) -> int:
    """Return the price of a fill in micro-dollars: half the spread and the slippage beyond the print's price."""
    spread = max(rules.half_spread_bps * price / 1e4, rules.half_spread_min)
    return to_micros(book, code, price + side * (spread + rules.slippage_bps * price / 1e4))


@kernel
def fee_of(book: Any, code: int, rules: TradeRules, shares: int, notional: int) -> int:
    """Return the fee of an order's fills so far, in micro-dollars; ``notional`` in micro-dollars."""
    dollars = max(rules.fee_minimum, rules.fee_per_share * shares + rules.fee_bps * (notional / 1e6) / 1e4)
    return to_micros(book, code, dollars)


@kernel
def room_of(rules: TradeRules, size: int) -> int:
    """Return how many whole shares of a print orders may take; its size is in 1e-6 shares (up to 1e17)."""
    whole, rest = size // _TRILLION, size % _TRILLION
    return int(whole * rules.parts_per_million + rest * rules.parts_per_million // _TRILLION)


@kernel
def mark_of(books: Books, code: int) -> int:
    """Return the price of a ticker's last print in micro-dollars."""
    return to_micros(books.book[0], code, books.last_price[code])


@kernel
def equity_of(books: Books) -> int:
    """Return cash and the value of all positions, in micro-dollars."""
    book = books.book[0]
    equity = int(book["cash"])
    for k in range(book["active"]):
        slot = books.slots[k]
        if slot["shares"] > 0:
            value = value_of(book, slot["code"], slot["side"] * slot["shares"], mark_of(books, slot["code"]))
            equity = total_of(book, slot["code"], equity, value)
    return equity


@kernel
def gross_of(books: Books, with_entries: bool) -> int:
    """Return the size of all positions, and with the rest of working entries if asked for, in micro-dollars."""
    book = books.book[0]
    gross = 0
    for k in range(book["active"]):
        slot = books.slots[k]
        shares = int(slot["shares"])
        if with_entries and slot["working"] == ENTRY:
            shares += slot["remaining"]
        if shares:
            value = value_of(book, slot["code"], shares, mark_of(books, slot["code"]))
            gross = total_of(book, slot["code"], gross, value)
    return gross

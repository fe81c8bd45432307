"""Orders: they begin to work, take shares of prints, and end; a position ends with its last exit."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.trading.money import fee_of, fill_price, total_of, value_of
from tickstock_cli.trading.records import (
    ENTRY,
    EXIT,
    FILLED,
    FORCED,
    HORIZON,
    NO_ORDER,
    PARTIAL,
    UNFILLED,
)
from tickstock_cli.trading.state import Books, TradeRules


@kernel
def begin_slot(books: Books, signal: Any) -> None:
    """Open a slot, without position and order, for a signal's ticker."""
    book = books.book[0]
    k = int(book["active"])
    book["active"] += 1
    books.slot_of[signal["code"]] = k
    slot = books.slots[k]
    slot["event_id"] = signal["event_id"]
    slot["decision"] = signal["decision"]
    slot["code"] = signal["code"]
    slot["rule"] = signal["rule"]
    slot["day"] = signal["day"]
    slot["kind"] = signal["kind"]
    slot["side"] = signal["side"]
    slot["shares"] = 0
    slot["entry_shares"] = 0
    slot["entry_notional"] = 0
    slot["exit_shares"] = 0
    slot["exit_notional"] = 0
    slot["fees"] = 0
    slot["forced"] = 0
    slot["first_fill"] = 0
    slot["first_opening"] = MAX_NS
    slot["last_entry"] = 0
    slot["last_exit"] = 0
    slot["exit_decision"] = 0
    slot["exit_reason"] = -1
    slot["due"] = MAX_NS
    slot["due_reason"] = -1
    slot["best"] = 0.0
    slot["most_favourable"] = np.nan
    slot["most_adverse"] = np.nan
    slot["working"] = NO_ORDER


@kernel
def end_slot(books: Books, code: int) -> None:
    """Free the slot of a ticker that has neither position nor order; the last slot takes its place."""
    book = books.book[0]
    k = books.slot_of[code]
    book["active"] -= 1
    last = int(book["active"])
    if k != last:
        books.slots[k] = books.slots[last]
        books.slot_of[books.slots[k]["code"]] = k
    books.slot_of[code] = -1


@kernel
def begin_order(books: Books, code: int, purpose: int, side: int, time: int, shares: int, deadline: int) -> int:
    """Let an order of a ticker with a slot work from a decision on, and return its number."""
    book = books.book[0]
    slot = books.slots[books.slot_of[code]]
    slot["order"] = book["next_order"]
    book["next_order"] += 1
    slot["working"] = purpose
    slot["order_side"] = side
    slot["order_decision"] = time
    slot["deadline"] = deadline
    slot["asked"] = shares
    slot["remaining"] = shares
    slot["filled"] = 0
    slot["order_notional"] = 0
    slot["order_fee"] = 0
    slot["order_forced"] = 0
    slot["order_first"] = 0
    slot["order_last"] = 0
    slot["early"] = 0
    if purpose == ENTRY:
        book["next_due"] = min(book["next_due"], deadline)
    return int(slot["order"])


@kernel
def take_fill(
    books: Books, rules: TradeRules, code: int, time: int, opening: int, price: float, shares: int, kind: int
) -> None:
    """Fill shares of a ticker's working order at a print's price; a full order ends, and a closed position, too."""
    book = books.book[0]
    slot = books.slots[books.slot_of[code]]
    side = int(slot["order_side"])
    paid = fill_price(book, code, rules, side, price)
    amount = value_of(book, code, shares, paid)
    slot["remaining"] -= shares
    slot["filled"] += shares
    slot["order_notional"] = total_of(book, code, slot["order_notional"], amount)
    total_fee = fee_of(book, code, rules, slot["filled"], slot["order_notional"])
    fee = total_fee - slot["order_fee"]
    slot["order_fee"] = total_fee
    slot["fees"] = total_of(book, code, slot["fees"], fee)
    book["cash"] = total_of(book, code, book["cash"], -side * amount - fee)
    early = opening < slot["order_decision"]
    slot["early"] += early
    if slot["order_first"] == 0:
        slot["order_first"] = time
    slot["order_last"] = time
    if kind == FORCED:
        slot["order_forced"] += shares
        slot["forced"] += shares
    if slot["working"] == ENTRY:
        if slot["entry_shares"] == 0:
            slot["first_fill"] = time
            slot["first_opening"] = opening
            slot["best"] = paid / 1e6
            if rules.after:
                propose_exit(books, code, time + min(rules.after, MAX_NS - time), HORIZON)
        slot["shares"] += shares
        slot["entry_shares"] += shares
        slot["entry_notional"] = total_of(book, code, slot["entry_notional"], amount)
        slot["last_entry"] = time
    else:
        slot["shares"] -= shares
        slot["exit_shares"] += shares
        slot["exit_notional"] = total_of(book, code, slot["exit_notional"], amount)
        slot["last_exit"] = time
    row = books.out.fills[book["fills"]]
    book["fills"] += 1
    row["order"] = slot["order"]
    row["time"] = time
    row["opening"] = opening
    row["shares"] = shares
    row["price"] = paid
    row["fee"] = fee
    row["print_price"] = price
    row["code"] = code
    row["side"] = side
    row["purpose"] = slot["working"]
    row["kind"] = kind
    row["early"] = early
    if slot["remaining"] == 0:
        end_order(books, code, time)


@kernel
def propose_exit(books: Books, code: int, time: int, reason: int) -> None:
    """Note a coming decision to exit; the earliest wins, of equally early ones the lowest reason."""
    slot = books.slots[books.slot_of[code]]
    if time < slot["due"] or (time == slot["due"] and reason < slot["due_reason"]):
        slot["due"] = time
        slot["due_reason"] = reason
        books.book[0]["next_due"] = min(books.book[0]["next_due"], time)


@kernel
def end_order(books: Books, code: int, time: int) -> None:
    """End a ticker's working order and cancel its rest; end the position that it has closed."""
    book = books.book[0]
    slot = books.slots[books.slot_of[code]]
    row = books.out.orders[book["orders"]]
    book["orders"] += 1
    row["order"] = slot["order"]
    row["event_id"] = slot["event_id"]
    row["decision"] = slot["order_decision"]
    row["first_fill"] = slot["order_first"]
    row["last_fill"] = slot["order_last"]
    row["ended"] = time
    row["shares"] = slot["asked"]
    row["filled"] = slot["filled"]
    row["cancelled"] = slot["remaining"]
    row["forced"] = slot["order_forced"]
    row["notional"] = slot["order_notional"]
    row["fees"] = slot["order_fee"]
    row["code"] = code
    row["rule"] = slot["rule"]
    row["early"] = slot["early"]
    row["side"] = slot["order_side"]
    row["purpose"] = slot["working"]
    row["reason"] = slot["exit_reason"] if slot["working"] == EXIT else -1
    row["status"] = FILLED if slot["remaining"] == 0 else (PARTIAL if slot["filled"] else UNFILLED)
    if slot["working"] == EXIT and slot["shares"] > 0:  # a Python strategy has given back a part
        slot["exit_decision"] = 0
        slot["due"] = max(slot["due"], time)
        book["next_due"] = min(book["next_due"], slot["due"])
    slot["working"] = NO_ORDER
    slot["remaining"] = 0
    if slot["shares"] == 0:
        if slot["entry_shares"]:
            _end_trade(books, slot)
        end_slot(books, code)


@kernel
def _end_trade(books: Books, slot: Any) -> None:
    book = books.book[0]
    side = int(slot["side"])
    shares = int(slot["entry_shares"])
    bought, sold = int(slot["entry_notional"]), int(slot["exit_notional"])
    average = bought / 1e6 / shares
    row = books.out.trades[book["trades"]]
    book["trades"] += 1
    row["trade"] = book["next_trade"]
    book["next_trade"] += 1
    row["event_id"] = slot["event_id"]
    row["decision"] = slot["decision"]
    row["first_entry"] = slot["first_fill"]
    row["last_entry"] = slot["last_entry"]
    row["exit_decision"] = slot["exit_decision"]
    row["last_exit"] = slot["last_exit"]
    row["shares"] = shares
    row["entry_notional"] = bought
    row["exit_notional"] = sold
    row["gross"] = side * (sold - bought)
    row["fees"] = slot["fees"]
    row["net"] = side * (sold - bought) - slot["fees"]
    row["forced"] = slot["forced"]
    row["entry_price"] = average
    row["exit_price"] = sold / 1e6 / slot["exit_shares"]
    row["return_bps"] = row["net"] / bought * 1e4 if bought else np.nan
    row["mfe_bps"] = 0.0 if bought else np.nan
    row["mae_bps"] = 0.0 if bought else np.nan
    if bought and not np.isnan(slot["most_favourable"]):
        row["mfe_bps"] = max(0.0, side * (slot["most_favourable"] - average) / average * 1e4)
        row["mae_bps"] = min(0.0, side * (slot["most_adverse"] - average) / average * 1e4)
    row["code"] = slot["code"]
    row["rule"] = slot["rule"]
    row["day"] = slot["day"]
    row["kind"] = slot["kind"]
    row["side"] = side
    row["reason"] = slot["exit_reason"]

"""Decisions: exits that are due, signals that are taken or ignored, and the end of a day."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.trading.meeting import meet_kept
from tickstock_cli.trading.money import MOST_MICROS, equity_of, fail, gross_of, mark_of, total_of, value_of
from tickstock_cli.trading.orders import begin_order, begin_slot, end_order, take_fill
from tickstock_cli.trading.records import (
    AT_END,
    END_OF_DATA,
    ENTRY,
    EXIT,
    FORCED,
    GROSS,
    HELD,
    NO_ORDER,
    NO_PRICE,
    NO_SIDE,
    OPPOSITE,
    OPPOSITE_HELD,
    OUTSIDE,
    POSITIONS,
    SESSION_END,
    SIZE,
    TAKEN,
)
from tickstock_cli.trading.state import BY_EQUITY, BY_NOTIONAL, Books, TradeRules


@kernel
def decide_exit(books: Books, code: int, time: int, reason: int, shares: int) -> int:
    """Decide to sell or buy back shares of a position, cancel its entry's rest, and return the order's number."""
    slot = books.slots[books.slot_of[code]]
    if slot["working"] == ENTRY:
        end_order(books, code, time)
    slot["exit_decision"] = time
    slot["exit_reason"] = reason
    return int(begin_order(books, code, EXIT, -slot["side"], time, shares, MAX_NS))


@kernel
def _choose_by_ticker(books: Books, count: int) -> None:
    """Sort the first ``count`` chosen codes by ticker."""
    chosen, ranks = books.chosen, books.ranks
    for i in range(1, count):
        code = chosen[i]
        place = i
        while place and ranks[chosen[place - 1]] > ranks[code]:
            chosen[place] = chosen[place - 1]
            place -= 1
        chosen[place] = code


@kernel
def has_to_leave(slot: Any) -> bool:
    """Return whether the session's end makes a difference: an entry works, or a share held is not being sold."""
    if slot["working"] == ENTRY:
        return True
    return bool(slot["shares"] > 0 and (slot["exit_decision"] == 0 or slot["remaining"] < slot["shares"]))


@kernel
def decide_exits(books: Books, rules: TradeRules, time: int) -> None:
    """Decide the exits that are due, by ticker; from the session's end on, all of them, and entries are cancelled."""
    book = books.book[0]
    is_over = time >= book["session_end"]
    if not is_over and time < book["next_due"]:
        return
    count = 0
    for k in range(book["active"]):
        slot = books.slots[k]
        is_pending = slot["shares"] > 0 and slot["exit_decision"] == 0
        if (is_pending and slot["due"] <= time) or (is_over and has_to_leave(slot)):
            books.chosen[count] = slot["code"]
            count += 1
    _choose_by_ticker(books, count)
    for i in range(count):
        code = books.chosen[i]
        slot = books.slots[books.slot_of[code]]
        if slot["shares"] == 0 or slot["working"] == EXIT:
            end_order(books, code, time)
        if books.slot_of[code] < 0:
            continue
        reason = slot["due_reason"] if slot["due"] <= time else SESSION_END
        decide_exit(books, code, time, reason, slot["shares"])
        meet_kept(books, rules, code, time)


@kernel
def end_entries(books: Books, time: int) -> None:
    """Cancel the rest of entries that have worked long enough, and find the next time at which something is due."""
    book = books.book[0]
    if time >= book["next_due"]:
        for k in range(int(book["active"]) - 1, -1, -1):
            slot = books.slots[k]
            if slot["working"] == ENTRY and slot["deadline"] <= time:
                end_order(books, slot["code"], time)
    due = MAX_NS
    for k in range(book["active"]):
        slot = books.slots[k]
        if slot["shares"] > 0 and slot["exit_decision"] == 0:
            due = min(due, slot["due"])
        if slot["working"] == ENTRY:
            due = min(due, slot["deadline"])
    book["next_due"] = due


@kernel
def _shares_of(books: Books, rules: TradeRules, code: int, mark: int, equity: int) -> int:
    """Return how many shares a signal asks for; ``mark`` and ``equity`` in micro-dollars."""
    value = rules.size_value
    if rules.size_rule == BY_NOTIONAL:
        shares = np.floor(value * 1e6 / mark)
    elif rules.size_rule == BY_EQUITY:
        shares = np.floor(value * equity / 100 / mark)
    else:
        shares = np.floor(equity * value / 100 / (mark * rules.stop_percent / 100))
    if not shares < MOST_MICROS:
        fail(books.book[0], code)
        return 0
    return int(shares)


@kernel
def judge(books: Books, rules: TradeRules, signal: Any) -> None:
    """Take a signal or ignore it, and record which."""
    book = books.book[0]
    code = int(signal["code"])
    row = books.out.signals[book["signals"]]
    book["signals"] += 1
    row["event_id"] = signal["event_id"]
    row["decision"] = signal["decision"]
    row["code"] = code
    row["rule"] = signal["rule"]
    row["side"] = signal["side"]
    row["mark"] = 0
    row["shares"] = 0
    row["order"] = -1
    row["outcome"] = _outcome_of(books, rules, signal, row)


@kernel
def _outcome_of(books: Books, rules: TradeRules, signal: Any, row: Any) -> int:
    code = int(signal["code"])
    if signal["side"] == 0:
        return NO_SIDE
    if not signal["inside"] or signal["decision"] >= signal["session_end"]:
        return OUTSIDE
    if books.slot_of[code] >= 0:
        if signal["shares"]:
            return _add_or_reduce(books, rules, signal, row)
        return _meet_position(books, rules, signal)
    if books.book[0]["active"] >= rules.max_positions:
        return POSITIONS
    return _open(books, rules, signal, row)


@kernel
def _meet_position(books: Books, rules: TradeRules, signal: Any) -> int:
    """Ignore a signal in a ticker that has a position or an order; one of the other side may end the position."""
    code, time = int(signal["code"]), int(signal["decision"])
    slot = books.slots[books.slot_of[code]]
    if rules.on_opposite and slot["shares"] > 0 and slot["side"] == -signal["side"] and slot["exit_decision"] == 0:
        decide_exit(books, code, time, OPPOSITE, slot["shares"])
        meet_kept(books, rules, code, time)
        return OPPOSITE_HELD
    return HELD


@kernel
def _open(books: Books, rules: TradeRules, signal: Any, row: Any) -> int:
    """Open a position, if there is a price and enough money."""
    code = int(signal["code"])
    mark = mark_of(books, code) if books.last_day[code] == signal["day"] else 0
    if mark == 0:
        return NO_PRICE
    row["mark"] = mark
    equity = equity_of(books)
    if equity < 0:
        return GROSS
    shares = int(signal["shares"])
    if shares == 0:
        shares = _shares_of(books, rules, code, mark, equity)
    if shares < 1:
        return SIZE
    if not _is_affordable(books, rules, code, mark, equity, shares):
        return GROSS
    begin_slot(books, signal)
    _enter(books, rules, signal, shares, row)
    return TAKEN


@kernel
def _is_affordable(books: Books, rules: TradeRules, code: int, mark: int, equity: int, shares: int) -> bool:
    value = value_of(books.book[0], code, shares, mark)
    gross = total_of(books.book[0], code, gross_of(books, True), value)
    return not gross > rules.max_gross_percent * equity / 100


@kernel
def _enter(books: Books, rules: TradeRules, signal: Any, shares: int, row: Any) -> None:
    code, time = int(signal["code"]), int(signal["decision"])
    row["shares"] = shares
    deadline = time + min(rules.timeout, MAX_NS - time)
    row["order"] = begin_order(books, code, ENTRY, int(signal["side"]), time, shares, deadline)
    meet_kept(books, rules, code, time)


@kernel
def _add_or_reduce(books: Books, rules: TradeRules, signal: Any, row: Any) -> int:
    """Take a Python strategy's order in a ticker that it holds: more of the position, or part or all of it back."""
    code, side, time = int(signal["code"]), int(signal["side"]), int(signal["decision"])
    asked = int(signal["shares"])
    slot = books.slots[books.slot_of[code]]
    if side == -slot["side"] and slot["shares"] > 0 and slot["working"] != EXIT:
        if asked > slot["shares"]:
            return OPPOSITE_HELD
        row["shares"] = asked
        row["order"] = decide_exit(books, code, time, int(signal["reason"]), asked)
        meet_kept(books, rules, code, time)
        return TAKEN
    if slot["working"] != NO_ORDER:
        return HELD
    if books.last_day[code] != signal["day"]:
        return NO_PRICE
    mark = mark_of(books, code)
    equity = equity_of(books)
    row["mark"] = mark
    if equity < 0 or not _is_affordable(books, rules, code, mark, equity, asked):
        return GROSS
    slot["day"] = signal["day"]
    _enter(books, rules, signal, asked, row)
    return TAKEN


@kernel
def sample_minute(books: Books) -> None:
    """Record the books at the whole minute that has come, and set the next one."""
    book = books.book[0]
    row = books.out.equity[book["equity"]]
    book["equity"] += 1
    row["time"] = book["minute"]
    row["equity"] = equity_of(books)
    row["cash"] = book["cash"]
    row["gross"] = gross_of(books, False)
    row["day"] = book["day"]
    positions = 0
    for k in range(book["active"]):
        positions += books.slots[k]["shares"] > 0
    row["positions"] = positions
    book["last_minute"] = book["minute"]
    book["minute"] += 60_000_000_000


@kernel
def end_day(books: Books, rules: TradeRules, closes: bool) -> None:
    """Fill what exits have left at the end of the day, close all positions if asked for, and sample the last minute."""
    book = books.book[0]
    time = int(book["day_end"])
    count = 0
    for k in range(book["active"]):
        books.chosen[count] = books.slots[k]["code"]
        count += 1
    _choose_by_ticker(books, count)
    for i in range(count):
        code = books.chosen[i]
        slot = books.slots[books.slot_of[code]]
        if rules.session_end and slot["working"] == EXIT:
            take_fill(books, rules, code, time, time, books.last_price[code], int(slot["remaining"]), FORCED)
        if closes and books.slot_of[code] >= 0:
            _close(books, rules, code, time)
    if book["minute"] <= time:
        sample_minute(books)
    book["minute"] = MAX_NS
    book["day_end"] = MAX_NS
    book["session_end"] = MAX_NS


@kernel
def _close(books: Books, rules: TradeRules, code: int, time: int) -> None:
    """Cancel a ticker's entry, and close its position at its last print: the data end."""
    slot = books.slots[books.slot_of[code]]
    if slot["working"] == ENTRY:
        end_order(books, code, time)
        if books.slot_of[code] < 0:
            return
    if slot["working"] == NO_ORDER:
        decide_exit(books, code, time, END_OF_DATA, slot["shares"])
    take_fill(books, rules, code, time, time, books.last_price[code], int(slot["remaining"]), AT_END)
    if books.slot_of[code] >= 0:  # a Python strategy had given back a part of the position
        decide_exit(books, code, time, END_OF_DATA, slot["shares"])
        take_fill(books, rules, code, time, time, books.last_price[code], int(slot["remaining"]), AT_END)

"""Orders and positions meet prints: they fill, and exits are proposed."""

from __future__ import annotations

from typing import Any

import numpy as np

from tickstock_cli.kernels.compare import reaches
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.trading.money import room_of
from tickstock_cli.trading.orders import propose_exit, take_fill
from tickstock_cli.trading.records import AT_PRINT, EXIT, NO_ORDER, STOP, TARGET, TRAIL
from tickstock_cli.trading.state import Books, TradeRules


@kernel
def take_from(
    books: Books, rules: TradeRules, code: int, time: int, opening: int, day: int, price: float, room: int
) -> int:
    """Let a ticker's working order take shares of a print, and return how many.

    Parameters
    ----------
    time
        Time of the fill (int64 ns UTC).
    day
        Day number of the print: entries meet only prints of their own day.
    price
        Price of the print, in dollars.
    room
        Shares that orders may take of it, unless participation is 0.
    """
    slot = books.slots[books.slot_of[code]]
    if slot["working"] == NO_ORDER:
        return 0
    if slot["working"] != EXIT and (day != slot["day"] or time > slot["deadline"]):
        return 0
    shares = int(slot["remaining"])
    if rules.parts_per_million:
        shares = min(shares, room)
    if shares > 0:
        take_fill(books, rules, code, time, opening, price, shares, AT_PRINT)
    return shares


@kernel
def exit_reason_of(slot: Any, rules: TradeRules, adverse: float, favourable: float) -> int:
    """Return why a position is to be left at a print that is watched, after its fills; -1 if it is not."""
    side = int(slot["side"])
    average = slot["entry_notional"] / 1e6 / slot["entry_shares"]
    best = slot["best"]
    if side * favourable > side * best:
        slot["best"] = favourable
    if average == 0:  # sold short, and costs took all of it: there is no percentage of nothing
        return -1
    if rules.stop_percent > 0 and reaches(side * (average - adverse) / average * 100, rules.stop_percent):
        return STOP
    if rules.trail_percent > 0 and best != 0 and reaches(side * (best - adverse) / best * 100, rules.trail_percent):
        return TRAIL
    if rules.target_percent > 0 and reaches(side * (favourable - average) / average * 100, rules.target_percent):
        return TARGET
    return -1


@kernel
def see(slot: Any, adverse: float, favourable: float) -> None:
    """Note how far prices have gone for and against a position."""
    side = int(slot["side"])
    if np.isnan(slot["most_favourable"]):
        slot["most_favourable"] = favourable
        slot["most_adverse"] = adverse
    else:
        if side * favourable > side * slot["most_favourable"]:
            slot["most_favourable"] = favourable
        if side * adverse < side * slot["most_adverse"]:
            slot["most_adverse"] = adverse


@kernel
def meet_tick(books: Books, rules: TradeRules, code: int, time: int, day: int, price: float, size: int) -> None:
    """Let the order and the position of a ticker with a slot meet a tick."""
    slot = books.slots[books.slot_of[code]]
    is_watched = slot["entry_shares"] > 0
    if is_watched:
        see(slot, price, price)
    if slot["working"] != NO_ORDER:
        take_from(books, rules, code, time, time, day, price, room_of(rules, size))
        if books.slot_of[code] < 0:
            return
    if is_watched and slot["exit_decision"] == 0:
        reason = exit_reason_of(slot, rules, price, price)
        if reason >= 0:
            propose_exit(books, code, time + rules.latency, reason)


@kernel
def meet_closing(books: Books, rules: TradeRules, code: int, time: int, opening: int, high: float, low: float) -> None:
    """Let the position of a ticker with a slot meet the closing of a bar; orders do not fill there."""
    slot = books.slots[books.slot_of[code]]
    if slot["entry_shares"] == 0 or opening < slot["first_opening"]:
        return
    adverse, favourable = (low, high) if slot["side"] > 0 else (high, low)
    see(slot, adverse, favourable)
    if slot["exit_decision"] == 0:
        reason = exit_reason_of(slot, rules, adverse, favourable)
        if reason >= 0:
            propose_exit(books, code, time + rules.latency, reason)


@kernel
def kept_of(books: Books, rules: TradeRules, code: int, time: int) -> int:
    """Return how many kept bars of a ticker opened at most the slack before a time."""
    ring = books.ring
    number = books.last_opening[code]
    count = 0
    while number >= books.book[0]["ring_head"]:
        kept = ring[number & (len(ring) - 1)]
        if kept["opening"] < time - rules.slack:
            break
        count += 1
        number = kept["before"]
    return count


@kernel
def meet_kept(books: Books, rules: TradeRules, code: int, time: int) -> None:
    """Let an order that is decided now meet the bars that have just opened and are not yet available, oldest first."""
    ring = books.ring
    for later in range(kept_of(books, rules, code, time) - 1, -1, -1):
        if books.slot_of[code] < 0:
            return
        number = books.last_opening[code]
        for _ in range(later):
            number = ring[number & (len(ring) - 1)]["before"]
        kept = ring[number & (len(ring) - 1)]
        if kept["available"] > time:
            room = room_of(rules, kept["size"]) - kept["taken"]
            kept["taken"] += take_from(books, rules, code, time, kept["opening"], kept["day"], kept["price"], room)

"""The sequence of docs/backtest.md, section 3: prints by time, then the decisions of that time."""

from __future__ import annotations

from tickstock_cli.core.times import MAX_NS
from tickstock_cli.kernels.jit import kernel
from tickstock_cli.trading.deciding import decide_exits, end_entries, has_to_leave, judge, sample_minute
from tickstock_cli.trading.meeting import kept_of, meet_closing, meet_tick, take_from
from tickstock_cli.trading.money import room_of
from tickstock_cli.trading.state import FITS, Books, Tape, TradeRules

(
    AT_LIMIT,
    AT_DAY_END,
    AT_SIGNAL,
    AT_PRINTED,
    AT_MINUTE,
    NEEDS_ROOM,
    NEEDS_RING,
    NEEDS_SLOTS,
    HAS_FAILED,
) = range(9)
"""Why ``run`` has returned."""


@kernel
def run(books: Books, rules: TradeRules, tape: Tape, until: int) -> int:
    """Take everything of the tape with a time before ``until``, and return where it stopped.

    It goes on from there when it is called again. Everything is done but what the returned place asks for:

    - ``AT_LIMIT``: nothing; the next decision or print is at or after ``until``.
    - ``AT_DAY_END``: call ``end_day``.
    - ``AT_SIGNAL``, ``AT_PRINTED``, ``AT_MINUTE``: tell a Python strategy.
    - ``NEEDS_ROOM``, ``NEEDS_RING``, ``NEEDS_SLOTS``: make the record buffers, the ring or the slots larger.
    - ``HAS_FAILED``: the money does not fit into the books.
    """
    book = books.book[0]
    while True:
        if book["failed"] != FITS:
            return HAS_FAILED
        time = next_decision(books, tape)
        stopped = (
            _take_bars(books, rules, tape, time, until)
            if rules.is_bars
            else _take_ticks(books, rules, tape, time, until)
        )
        if stopped != AT_LIMIT:
            return stopped
        time = next_decision(books, tape)
        if time >= until or time == MAX_NS:
            return AT_LIMIT
        stopped = _decide(books, rules, tape, time)
        if stopped != AT_LIMIT:
            return stopped


@kernel
def next_decision(books: Books, tape: Tape) -> int:
    """Return the time of the next decision (int64 ns UTC); ``MAX_NS`` if there is none."""
    book = books.book[0]
    time = min(book["next_due"], book["minute"], book["day_end"])
    if book["session_end"] < time:
        for k in range(book["active"]):
            if has_to_leave(books.slots[k]):  # behind the end a Python strategy may have got a part of an exit
                time = min(time, max(book["session_end"], books.slots[k]["order_last"]))
    if book["signal"] < len(tape.signals):
        time = min(time, tape.signals[book["signal"]]["decision"])
    return int(time)


@kernel
def _take_ticks(books: Books, rules: TradeRules, tape: Tape, time: int, until: int) -> int:
    """Take the ticks up to the decisions of a time; a tick that lets a decision come earlier ends them earlier."""
    book = books.book[0]
    last_price, last_day, slot_of = books.last_price, books.last_day, books.slot_of
    last = min(time, until - 1)
    stopped = AT_LIMIT
    room = _room_left(books)
    i = int(book["closing"])
    while i < len(tape.time) and tape.time[i] <= last:
        code = tape.code[i]
        if slot_of[code] >= 0:
            if room < 2:
                stopped = NEEDS_ROOM
                break
            room -= 1  # a tick records one fill at most, and the ends of its order and of its position
            last_price[code] = tape.close[i]
            last_day[code] = tape.day[i]
            meet_tick(books, rules, code, tape.time[i], tape.day[i], tape.close[i], tape.size[i])
            last = min(last, book["next_due"])
        else:
            last_price[code] = tape.close[i]
            last_day[code] = tape.day[i]
        i += 1
        if rules.stops_at_prints:
            stopped = AT_PRINTED
            break
    book["closing"] = i
    return stopped


@kernel
def _take_bars(books: Books, rules: TradeRules, tape: Tape, time: int, until: int) -> int:
    """Take closings and openings of bars up to the decisions of a time, closings first.

    A call with all books costs as much as several bars, so only bars of tickers with a slot make one.
    """
    book, ring = books.book[0], books.ring
    last_price, last_day, slot_of, last_opening = books.last_price, books.last_day, books.slot_of, books.last_opening
    last = min(time, until - 1)
    stopped = AT_LIMIT
    i, j = int(book["closing"]), int(book["opening"])
    head, tail = int(book["ring_head"]), int(book["ring_tail"])
    while True:
        closing = tape.time[i] if i < len(tape.time) else MAX_NS
        opening = tape.opens_time[j] if j < len(tape.opens_time) else MAX_NS
        if min(closing, opening) > last:
            break
        if closing <= opening:
            code = tape.code[i]
            last_price[code] = tape.close[i]
            last_day[code] = tape.day[i]
            if slot_of[code] >= 0:
                meet_closing(books, rules, code, closing, tape.opening[i], tape.high[i], tape.low[i])
                last = min(last, book["next_due"])
            i += 1
            if rules.stops_at_prints:
                stopped = AT_PRINTED
                break
            continue
        code = tape.opens_code[j]
        while head < tail and ring[head & (len(ring) - 1)]["opening"] < opening - rules.slack:
            head += 1
        if tail - head == len(ring):
            stopped = NEEDS_RING
            break
        taken = 0
        if slot_of[code] >= 0:
            if _is_full(books, 2):
                stopped = NEEDS_ROOM
                break
            day, price, room = tape.opens_day[j], tape.opens_price[j], room_of(rules, tape.opens_size[j])
            taken = take_from(books, rules, code, opening, opening, day, price, room)
            last = min(last, book["next_due"])
        kept = ring[tail & (len(ring) - 1)]
        kept["opening"] = opening
        kept["available"] = tape.opens_available[j]
        kept["size"] = tape.opens_size[j]
        kept["taken"] = taken
        kept["before"] = last_opening[code]
        kept["price"] = tape.opens_price[j]
        kept["day"] = tape.opens_day[j]
        last_opening[code] = tail
        tail += 1
        j += 1
    book["closing"], book["opening"] = i, j
    book["ring_head"], book["ring_tail"] = head, tail
    return stopped


@kernel
def _decide(books: Books, rules: TradeRules, tape: Tape, time: int) -> int:
    """Make the decisions of a time: exits, then signals, then the ends of entries and the minute's sample."""
    book = books.book[0]
    if _is_full(books, needed_rows(books, rules, time)):
        return NEEDS_ROOM
    decide_exits(books, rules, time)
    while book["signal"] < len(tape.signals) and tape.signals[book["signal"]]["decision"] == time:
        signal = tape.signals[book["signal"]]
        if signal["number"] >= 0:
            return AT_SIGNAL
        if _is_full(books, kept_of(books, rules, signal["code"], time) + 2):
            return NEEDS_ROOM
        if book["active"] == len(books.slots):
            return NEEDS_SLOTS
        judge(books, rules, signal)
        book["signal"] += 1
    if rules.stops_at_minutes and book["minute"] == time and book["told_minute"] != time:
        return AT_MINUTE
    end_entries(books, time)
    if book["day_end"] == time:
        return AT_DAY_END
    if book["minute"] == time:
        sample_minute(books)
    return AT_LIMIT


@kernel
def needed_rows(books: Books, rules: TradeRules, time: int) -> int:
    """Return how many rows of one type the decisions on all positions and orders can record at most."""
    book = books.book[0]
    rows = 2 * int(book["active"]) + 2
    if rules.is_bars and (time >= book["next_due"] or time >= book["session_end"]):
        for k in range(book["active"]):
            rows += kept_of(books, rules, books.slots[k]["code"], time)
    return rows


@kernel
def _is_full(books: Books, rows: int) -> bool:
    """Return whether a record buffer has no room for that many rows."""
    return bool(_room_left(books) < rows)


@kernel
def _room_left(books: Books) -> int:
    """Return how many rows every record buffer has room for."""
    book, out = books.book[0], books.out
    return int(
        min(
            len(out.signals) - book["signals"],
            len(out.orders) - book["orders"],
            len(out.fills) - book["fills"],
            len(out.trades) - book["trades"],
            len(out.equity) - book["equity"],
        )
    )

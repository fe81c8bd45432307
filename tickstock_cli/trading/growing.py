"""Room for more tickers, positions and kept openings: the arrays of a strategy's state, made larger."""

from __future__ import annotations

import numpy as np

from tickstock_cli.core.growth import grown
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.trading.records import RECORD_TYPES, RecordBuffers
from tickstock_cli.trading.state import OPENED, SLOT, Books, new_book

FIRST_ROOM = 1_024
FIRST_SLOTS = 64


def new_books(cash: int) -> Books:
    """Return the state of a strategy before its first row; ``cash`` in micro-dollars."""
    return Books(
        book=new_book(cash),
        slots=np.zeros(FIRST_SLOTS, dtype=SLOT),
        ring=np.zeros(FIRST_ROOM, dtype=OPENED),
        last_price=np.empty(0),
        last_day=np.empty(0, dtype=np.int32),
        slot_of=np.empty(0, dtype=np.int32),
        last_opening=np.empty(0, dtype=np.int64),
        ranks=np.empty(0, dtype=np.int64),
        chosen=np.empty(FIRST_SLOTS, dtype=np.int32),
        out=record_room(FIRST_ROOM),
    )


def record_room(rows: int) -> RecordBuffers:
    """Return empty buffers with room for a number of records of each type."""
    return RecordBuffers.empty(dict.fromkeys(RECORD_TYPES, rows))


def with_tickers(books: Books, symbols: SymbolTable) -> Books:
    """Return books with room for all tickers, and their ranks."""
    tickers = len(symbols)
    ranks = symbols.ranks()
    if tickers <= len(books.slot_of) and ranks is books.ranks:
        return books
    return books._replace(
        last_price=grown(books.last_price, tickers, np.nan),
        last_day=grown(books.last_day, tickers, -1),
        slot_of=grown(books.slot_of, tickers, -1),
        last_opening=grown(books.last_opening, tickers, -1),
        ranks=ranks,
    )


def with_more_slots(books: Books) -> Books:
    """Return books with twice the slots."""
    slots = grown(books.slots, 2 * len(books.slots), None)
    return books._replace(slots=slots, chosen=np.empty(len(slots), dtype=np.int32))


def with_larger_ring(books: Books) -> Books:
    """Return books with room for twice the openings."""
    book, old = books.book[0], books.ring
    numbers = np.arange(book["ring_head"], book["ring_tail"])
    ring = np.zeros(2 * len(old), dtype=OPENED)
    ring[numbers & (len(ring) - 1)] = old[numbers & (len(old) - 1)]
    return books._replace(ring=ring)

"""The trades of one strategy, slice by slice: signals, orders, fills, books."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.strategy import StrategySettings, duration_ns
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import EventRows
from tickstock_cli.core.times import MAX_NS
from tickstock_cli.errors import DataError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.trading.deciding import end_day
from tickstock_cli.trading.growing import new_books, record_room, with_larger_ring, with_more_slots, with_tickers
from tickstock_cli.trading.money import equity_of
from tickstock_cli.trading.records import REASONS, RECORD_TYPES
from tickstock_cli.trading.sequence import (
    AT_DAY_END,
    NEEDS_RING,
    NEEDS_ROOM,
    NEEDS_SLOTS,
    needed_rows,
    run,
)
from tickstock_cli.trading.signals import SignalSelector
from tickstock_cli.trading.state import WAITING, Tape, trade_rules
from tickstock_cli.trading.tally import BookTally

Records = dict[str, NDArray[Any]]

MOST_GAP_DAYS = 7
"""Positions are closed at the end of a recorded day that no other follows within so many days."""

MINUTE_NS = 60_000_000_000


class TradeSimulation:
    """Trades a strategy: price slices go in, records come out. Results do not depend on how time is cut into slices.

    What comes after the end of a recorded day waits until the next one begins: only then is known whether positions
    are closed at that end.

    Parameters
    ----------
    strategy
        Its settings.
    names
        Names behind the codes of events and prints.
    days
        Trading days of the chosen phases.
    is_bars
        Whether prints are bars.
    open_slack_ms
        An order meets bars that opened at most this long before its decision.
    bar_interval_ns
        Length of the recording's longest bar.
    """

    def __init__(
        self,
        strategy: StrategySettings,
        names: EventNames,
        days: TradingDays,
        *,
        is_bars: bool = False,
        open_slack_ms: float = 1_000,
        bar_interval_ns: int = MINUTE_NS,
    ) -> None:
        self.strategy = strategy
        self.start_cash = round(strategy.strategy.cash * 1e6)
        self.reasons: list[str] = list(REASONS)
        """Words of the reasons to close a position, by their codes in records."""
        self.tally = BookTally(strategy.name, self.start_cash)
        self._symbols = names.symbols
        self._days = days
        self._rules = trade_rules(
            strategy, is_bars=is_bars, open_slack_ms=open_slack_ms, bar_interval_ns=bar_interval_ns
        )
        self._selector = SignalSelector(strategy, names, days)
        self._books = new_books(self.start_cash)
        self._prints = Prints.none()
        self._openings = Prints.none()
        self._waiting: NDArray[Any] = np.empty(0, dtype=WAITING)
        self._coming: list[int] = []
        self._until = 0
        self._decided = 0
        self._is_finished = False
        self._collected: dict[str, list[NDArray[Any]]] = {name: [] for name in RECORD_TYPES}

    @property
    def cash_micros(self) -> int:
        """Cash in micro-dollars."""
        return int(self._books.book[0]["cash"])

    @property
    def equity_micros(self) -> int:
        """Cash and the value of all positions at their last prints, in micro-dollars."""
        return equity_of(self._books)

    def step(self, part: PriceSlice, event_ids: NDArray[np.uint64]) -> None:
        """Trade everything before the slice's end.

        Parameters
        ----------
        event_ids
            Identities of the slice's events.

        Raises
        ------
        DataError
            A price or an amount is too large for the books.
        """
        self._until = part.until
        self._coming.extend(part.days.tolist())
        self._prints = self._prints.followed_by(part.prints)
        self._openings = self._openings.followed_by(part.openings)
        signals = self._signals_of(part.events, event_ids)
        if len(signals):
            self._waiting = np.concatenate([self._waiting, signals])
        self._advance()

    def finish(self) -> None:
        """Trade what waits: no row follows. Positions that are open are closed at the end of the last recorded day.

        Raises
        ------
        LedgerError
            The books do not add up.
        """
        self._until = MAX_NS
        self._is_finished = True
        self._advance()
        self.check_books()

    def take(self) -> Records:
        """Return the records since the last call, as structured arrays by name (``records.RECORD_TYPES``)."""
        self._collect()
        taken = {
            name: np.concatenate(parts) if parts else np.empty(0, dtype=RECORD_TYPES[name])
            for name, parts in self._collected.items()
        }
        self._collected = {name: [] for name in RECORD_TYPES}
        return taken

    def check_books(self) -> None:
        """Raise LedgerError unless the books add up so far."""
        self._collect()
        self.tally.check(self._books, self._decided)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name; records that were not taken are part of it."""
        self._collect()
        books = self._books
        records = {f"records.{name}": np.concatenate(parts) for name, parts in self._collected.items() if parts}
        numbers = (self._until, self._decided, int(self._is_finished))
        return {
            "numbers": np.array(numbers, dtype=np.int64),
            "coming": np.array(self._coming, dtype=np.int64),
            "tally": self.tally.state(),
            "waiting": self._waiting,
            **{name: getattr(books, name) for name in _KEPT},
            **{f"prints.{name}": column for name, column in self._prints._asdict().items()},
            **{f"openings.{name}": column for name, column in self._openings._asdict().items()},
            **records,
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        until, decided, is_finished = state["numbers"].tolist()
        self._until, self._decided, self._is_finished = until, decided, bool(is_finished)
        self._coming = state["coming"].tolist()
        self.tally.restore(state["tally"])
        self._waiting = state["waiting"].copy()
        kept: dict[str, Any] = {name: state[name].copy() for name in _KEPT}
        self._books = self._books._replace(**kept, chosen=np.empty(len(kept["slots"]), dtype=np.int32))
        self._prints = Prints._make(state[f"prints.{name}"].copy() for name in Prints._fields)
        self._openings = Prints._make(state[f"openings.{name}"].copy() for name in Prints._fields)
        self._collected = {
            name: [state[f"records.{name}"].copy()] if f"records.{name}" in state else [] for name in RECORD_TYPES
        }

    def _signals_of(self, events: EventRows, event_ids: NDArray[np.uint64]) -> NDArray[Any]:
        """Return what waits for a decision (dtype ``WAITING``) after events."""
        return self._selector.select(events, event_ids)

    def _advance(self) -> None:
        """Run to the slice's end, day by day; stop at the end of a day until the next one is known."""
        self._books = with_tickers(self._books, self._symbols)
        book = self._books.book[0]
        tape = self._tape()
        book["signal"] = book["closing"] = book["opening"] = 0
        while True:
            if book["day_end"] == MAX_NS:
                if self._coming:
                    self._begin_day(self._coming.pop(0))
                elif not self._is_finished:
                    break
            if self._run(tape) != AT_DAY_END:
                break
            if not self._coming and not self._is_finished:
                break
            self._make_room()
            closes = not self._coming or self._coming[0] - int(book["day"]) > MOST_GAP_DAYS
            end_day(self._books, self._rules, closes)
        self._decided += int(np.count_nonzero(self._waiting["number"][: int(book["signal"])] < 0))
        self._waiting = self._waiting[int(book["signal"]) :].copy()
        self._prints = _rest(self._prints, int(book["closing"]))
        self._openings = _rest(self._openings, int(book["opening"]))
        book["signal"] = book["closing"] = book["opening"] = 0
        if book["failed"]:
            self._raise_failed()

    def _run(self, tape: Tape) -> int:
        """Run to the end of the slice or of the day, and make room where it is needed."""
        while True:
            place = run(self._books, self._rules, tape, self._until)
            if place == NEEDS_ROOM:
                self._make_room()
            elif place == NEEDS_RING:
                self._books = with_larger_ring(self._books)
            elif place == NEEDS_SLOTS:
                self._books = with_more_slots(self._books)
            else:
                return place

    def _begin_day(self, day: int) -> None:
        book = self._books.book[0]
        limits = self._days.limits(day)
        book["day"] = day
        book["day_end"] = limits.end
        session_end = duration_ns(self.strategy.exit.session_end)
        book["session_end"] = limits.end - session_end if session_end else MAX_NS
        book["minute"] = max(limits.start, int(book["last_minute"]) + MINUTE_NS if book["last_minute"] else 0)

    def _tape(self) -> Tape:
        prints, openings = self._prints, self._openings
        columns: tuple[Any, ...] = (
            *(prints.code, prints.time, prints.opening, prints.day, prints.high, prints.low, prints.close, prints.size),
            *(openings.code, openings.opening, openings.time, openings.day, openings.open, openings.size),
        )
        return Tape._make((*(_writable(column) for column in columns), self._waiting))

    def _make_room(self) -> None:
        """Empty the record buffers; make them larger if they are too small even then."""
        self._collect()
        book, out = self._books.book[0], self._books.out
        needed = 2 * (
            needed_rows(self._books, self._rules, MAX_NS - 1) + int(book["ring_tail"] - book["ring_head"]) + 2
        )
        if needed > len(out.fills):
            self._books = self._books._replace(out=record_room(needed))

    def _collect(self) -> None:
        """Move the records out of the kernels' buffers, and add them to the tally."""
        book = self._books.book[0]
        records = {name: getattr(self._books.out, name)[: int(book[name])].copy() for name in RECORD_TYPES}
        self.tally.add(records)
        for name, rows in records.items():
            if len(rows):
                self._collected[name].append(rows)
            book[name] = 0

    def _raise_failed(self) -> None:
        book = self._books.book[0]
        ticker = self._symbols.tickers[int(book["failed_code"])]
        raise DataError(
            f"the books of {self.strategy.name} cannot hold the money of {ticker}: 9.2 trillion dollars are the most; "
            "lower strategy.cash or size.value, or correct the prices of the recording"
        )


_KEPT = ("book", "slots", "ring", "last_price", "last_day", "slot_of", "last_opening")
"""Arrays of ``Books`` that are state."""


def _rest(prints: Prints, taken: int) -> Prints:
    """Return the prints that were not taken, as copies, so that the others are freed."""
    if taken == prints.rows:
        return Prints.none()
    return prints if taken == 0 else Prints._make(column[taken:].copy() for column in prints)


def _writable(column: NDArray[Any]) -> NDArray[Any]:
    """Return a column as the kernels are compiled for: they would be compiled again for one that is read-only."""
    return column if column.flags.writeable and column.flags.c_contiguous else column.copy()

"""Section 3: the sequence of prints and decisions."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from tests.oracle.backtest.books import (
    HORIZON,
    OPPOSITE,
    REASONS,
    SESSION_END,
    STOP,
    TARGET,
    TRAIL,
    Books,
    Order,
    Position,
)
from tests.oracle.backtest.figures import Sample
from tests.oracle.backtest.inputs import MINUTE, duration, milliseconds, money
from tests.oracle.backtest.market import Market, Print
from tests.oracle.backtest.signals import Signal, shares_of
from tests.oracle.records import nanoseconds, reaches

PRINTS, OPENINGS, EXITS, ENTRIES, TIMEOUTS, DAY_END, SAMPLES = range(7)
"""What comes first at equal times. ``PRINTS`` are those of ticks, or closings of bars."""

LAST_OF_A_RUN = timedelta(days=7)


class Simulation:
    """Plays all prints and signals in their sequence."""

    def __init__(self, market: Market, strategy: Mapping[str, Any], signals: Sequence[Signal]) -> None:
        self._market = market
        self._strategy = strategy
        self._exit = strategy["exit"]
        self._latency = milliseconds(strategy["strategy"]["latency_ms"])
        self.books = Books(strategy)
        self.closed: list[Position] = []
        self.samples: list[Sample] = []
        self._positions: dict[str, Position] = {}
        self._working: dict[str, Order] = {}
        self._queue: list[tuple[int, int, int, int, Callable[[int], None]]] = []
        self._now = self._planned = 0
        for one in market.prints:
            self._plan_print(one)
        for place, signal in enumerate(signals):
            self._plan(signal.decision, ENTRIES, place, self._signal_action(signal))
        self._plan_days()

    def run(self) -> None:
        """Do everything, in order."""
        while self._queue:
            self._now, _, _, _, action = heapq.heappop(self._queue)
            action(self._now)
        assert not self._positions
        assert not self._working

    def _plan(self, time: int, stage: int, place: int, action: Callable[[int], None]) -> None:
        self._planned += 1
        heapq.heappush(self._queue, (time, stage, place, self._planned, action))

    def _plan_print(self, one: Print) -> None:
        if self._market.is_bars:
            self._plan(one.known, PRINTS, one.order, lambda _: self._watch(one))
            self._plan(one.time, OPENINGS, one.order, lambda now: self._meet(one, now))
        else:
            self._plan(one.time, PRINTS, one.order, lambda now: self._meet_and_watch(one, now))

    def _plan_days(self) -> None:
        market, recorded = self._market, self._market.recorded
        for place, day in enumerate(recorded):
            end = market.days.end(day)
            followed = place + 1 < len(recorded) and recorded[place + 1] - day <= LAST_OF_A_RUN
            if self._exit["session_end"]:
                self._plan(end - duration(self._exit["session_end"]), EXITS, 0, self._session_end)
                self._plan(end, DAY_END, 0, self._force)
            if not followed:
                self._plan(end, DAY_END, 1, self._end_of_data)
            first = -(-market.days.begin(day) // MINUTE) * MINUTE
            for time in range(first, end + 1, MINUTE):
                self._plan(time, SAMPLES, 0, self._sample)

    def _signal_action(self, signal: Signal) -> Callable[[int], None]:
        return lambda now: self._decide(signal, now)

    # Prints

    def _meet_and_watch(self, one: Print, now: int) -> None:
        before = self._positions.get(one.ticker)
        self._meet(one, now)
        if before is not None:
            self._look(before, one)

    def _meet(self, one: Print, now: int) -> None:
        """Let the ticker's working order take what it can of a print."""
        order = self._working.get(one.ticker)
        if order is None:
            return
        if order.purpose == "entry" and one.day != order.day:
            return
        shares = self.books.available(one, order)
        if shares >= 1:
            self.books.take(order, one, shares, now)
            self._filled(order, one, now)

    def _filled(self, order: Order, one: Print, now: int) -> None:
        position = self._positions.get(order.ticker)
        if order.purpose == "entry":
            if position is None:
                position = Position(order.ticker, order.sign, order, one, order.notional / order.filled / 1e6)
                self._positions[order.ticker] = position
                if self._exit["after"]:
                    self._suggest(position, now + duration(self._exit["after"]), HORIZON)
            position.entry_times.append(now)
        else:
            assert position is not None
            position.exit_times.append(now)
        self._settle(order, position)

    def _settle(self, order: Order, position: Position) -> None:
        if order.remaining == 0:
            del self._working[order.ticker]
        if order.purpose == "exit" and position.open_shares == 0:
            del self._positions[order.ticker]
            self.closed.append(position)

    def _watch(self, one: Print) -> None:
        position = self._positions.get(one.ticker)
        if position is not None and one.order >= position.first_print.order:
            self._look(position, one)

    def _look(self, position: Position, one: Print) -> None:
        """Watch a print, and see whether it is a reason to leave."""
        side = position.side
        favourable, adverse = (one.high, one.low) if side > 0 else (one.low, one.high)
        best = position.best
        position.watched.append((favourable, adverse))
        position.best = max(best, favourable) if side > 0 else min(best, favourable)
        if position.exit_decision is not None:
            return
        average = position.average
        moves = (
            (STOP, side * (average - adverse) / average * 100, self._exit["stop_percent"]),
            (TRAIL, side * (best - adverse) / best * 100, self._exit["trail_percent"]),
            (TARGET, side * (favourable - average) / average * 100, self._exit["target_percent"]),
        )
        for reason, move, threshold in moves:
            if threshold and reaches(move, threshold):
                self._suggest(position, self._now + self._latency, reason)
                return

    # Exits

    def _suggest(self, position: Position, time: int, reason: int) -> None:
        position.pending.append((time, reason))
        self._plan(time, EXITS, 1, self._exits)

    def _exits(self, now: int) -> None:
        for ticker in sorted(self._positions):
            position = self._positions[ticker]
            due = [pending for pending in position.pending if pending[0] <= now]
            if due and position.exit_decision is None:
                self._leave(position, REASONS[min(due)[1]], now)

    def _session_end(self, now: int) -> None:
        for ticker in sorted(self._working):
            if self._working[ticker].purpose == "entry":
                self._cancel(self._working[ticker])
        for position in self._positions.values():
            position.pending.append((now, SESSION_END))
        self._exits(now)

    def _leave(self, position: Position, reason: str, now: int) -> None:
        """Decide to exit."""
        self._order_exit(position, reason, now)
        self._meet_open_bars(position.ticker, now)

    def _order_exit(self, position: Position, reason: str, now: int) -> None:
        working = self._working.get(position.ticker)
        if working is not None:
            self._cancel(working)
        position.exit_decision = now, reason
        entry = position.entry
        position.exit = self._order(
            "exit", position.ticker, -position.side, position.open_shares, now, entry.event, entry.rule, reason
        )

    def _order(self, *values: Any) -> Order:
        order = Order(len(self.books.orders), *values)
        self.books.orders.append(order)
        self._working[order.ticker] = order
        return order

    def _cancel(self, order: Order) -> None:
        order.cancelled += order.remaining
        order.ended = self._now
        del self._working[order.ticker]

    def _meet_open_bars(self, ticker: str, now: int) -> None:
        """Let an order, just decided, meet bars that opened a moment ago and are not available yet."""
        if not self._market.is_bars:
            return
        for one in self._market.of_ticker[ticker]:
            if now - self._market.slack <= one.time <= now < one.known:
                self._meet(one, now)

    def _force(self, now: int) -> None:
        for ticker in sorted(self._working):
            order = self._working[ticker]
            if order.purpose == "exit":
                self._positions[ticker].forced += order.remaining
                self._fill_rest(order, now, "forced")

    def _end_of_data(self, now: int) -> None:
        for ticker in sorted(self._working):
            if self._working[ticker].purpose == "entry":
                self._cancel(self._working[ticker])
        for ticker in sorted(self._positions):
            position = self._positions[ticker]
            if position.exit_decision is None:
                self._order_exit(position, "end_of_data", now)
            assert position.exit is not None
            self._fill_rest(position.exit, now, "end_of_data")

    def _fill_rest(self, order: Order, now: int, way: str) -> None:
        price = self._market.last_price(order.ticker, now)
        self.books.fill(order, price, order.remaining, now, way)
        position = self._positions[order.ticker]
        position.exit_times.append(now)
        self._settle(order, position)

    # Entries

    def _decide(self, signal: Signal, now: int) -> None:
        shares = 0
        signal.outcome = self._ignored(signal, now) or ""
        if not signal.outcome:
            mark = self._market.mark(signal.ticker, now)
            assert mark is not None
            equity, cost = self.equity(now), money(mark)
            shares = shares_of(self._strategy, equity, cost) if equity >= 0 else 0
            signal.outcome = self._unaffordable(equity, cost, shares, now) or "taken"
        if signal.outcome == "taken":
            self._enter(signal, shares, now)

    def _ignored(self, signal: Signal, now: int) -> str | None:
        """Return why a signal is ignored whatever its size."""
        ticker = signal.ticker
        position = self._positions.get(ticker)
        reason = None
        if signal.side == 0:
            reason = "side"
        elif not self._is_open_for_entries(now):
            reason = "outside"
        elif self._exit["on_opposite"] and self._is_opposite(position, signal.side):
            assert position is not None
            self._leave(position, REASONS[OPPOSITE], now)
            reason = "opposite"
        elif position is not None or ticker in self._working:
            reason = "held"
        elif len({*self._positions, *self._working}) >= self._strategy["size"]["max_positions"]:
            reason = "positions"
        elif self._market.mark(ticker, now) is None:
            reason = "no_price"
        return reason

    def _is_open_for_entries(self, now: int) -> bool:
        days = self._market.days
        if not days.is_inside(now):
            return False
        before = self._exit["session_end"]
        return not before or now < days.end(days.date_of(now)) - duration(before)

    def _is_opposite(self, position: Position | None, side: int) -> bool:
        return position is not None and position.side == -side and position.exit_decision is None

    def _unaffordable(self, equity: int, mark: int, shares: int, now: int) -> str | None:
        if equity < 0:
            return "gross"
        if shares < 1:
            return "size"
        held = sum(abs(one.open_shares) * self._mark(ticker, now) for ticker, one in self._positions.items())
        entries = [order for order in self._working.values() if order.purpose == "entry"]
        waiting = sum(order.remaining * self._mark(order.ticker, now) for order in entries)
        limit = self._strategy["size"]["max_gross_percent"] * equity / 100
        return "gross" if held + waiting + shares * mark > limit else None

    def _enter(self, signal: Signal, shares: int, now: int) -> None:
        fill = self._strategy["fill"]
        wait = nanoseconds(fill["timeout_seconds"])
        if self._market.is_bars:
            wait = max(nanoseconds(fill["timeout_bars_seconds"]), self._market.longest_interval)
        day, until = self._market.days.date_of(now), now + wait
        order = self._order("entry", signal.ticker, signal.side, shares, now, signal.event, signal.rule, "", day, until)
        self._plan(until, TIMEOUTS, order.number, lambda _: self._time_out(order))
        self._meet_open_bars(signal.ticker, now)

    def _time_out(self, order: Order) -> None:
        if self._working.get(order.ticker) is order:
            self._cancel(order)

    # Money

    def _mark(self, ticker: str, now: int) -> int:
        return self._market.mark_or_last(ticker, now)

    def equity(self, now: int) -> int:
        """Return cash and positions at their marks, micro-dollars."""
        positions = self._positions.items()
        return self.books.cash + sum(one.side * one.open_shares * self._mark(ticker, now) for ticker, one in positions)

    def _sample(self, now: int) -> None:
        if not self.samples or self.samples[-1].time != now:
            held = [abs(one.open_shares) * self._mark(ticker, now) for ticker, one in self._positions.items()]
            self.samples.append(Sample(now, self.equity(now), self.books.cash, sum(held), len(held)))

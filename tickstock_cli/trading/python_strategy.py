"""Strategies written in Python: they are called at events, prints and minutes, and their orders are simulated."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.config.strategy import StrategySettings
from tickstock_cli.config.strategy_file import assign, strategy_of
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import EVENT, PHASES, EventRows, join_events
from tickstock_cli.core.times import format_time
from tickstock_cli.errors import SettingsError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.trading.protocol import MarketOrder, ToldEvent, ToldPrint, TradingStrategy
from tickstock_cli.trading.records import NO_ORDER, REASONS, STRATEGY
from tickstock_cli.trading.sequence import AT_MINUTE, AT_PRINTED, AT_SIGNAL
from tickstock_cli.trading.simulation import TradeSimulation
from tickstock_cli.trading.state import WAITING, Tape

MOST_REASONS = 100
MOST_SHARES = 10**15
_SHARE = 1e6


def load_python_strategy(target: str) -> type[TradingStrategy]:
    """Return the class of a ``module:Class``; modules of the current folder are found, too.

    Raises
    ------
    SettingsError
        There is no such class, or its module cannot be imported.
    """
    module, _, name = target.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        found = getattr(import_module(module), name)
    except Exception as error:  # whatever a user's module raises
        raised = " ".join(f"{type(error).__name__}: {error}".split())
        raise SettingsError(f"cannot load the strategy {target}: {raised}") from error
    if TradingStrategy not in getattr(found, "__mro__", ()):
        base = f"{TradingStrategy.__module__}.{TradingStrategy.__name__}"
        raise SettingsError(f"cannot load the strategy {target}: derive the class from {base}")
    strategy: type[TradingStrategy] = found
    return strategy


def settings_of_class(strategy: type[TradingStrategy], assignments: Sequence[str] = ()) -> StrategySettings:
    """Return the settings of a Python strategy, named after its class, with assignments above them.

    Raises
    ------
    SettingsError
        A key is unknown or a value is out of range.
    """
    given = {name: dict(table) if isinstance(table, Mapping) else table for name, table in strategy.settings.items()}
    values: dict[str, Any] = {
        **given,
        "strategy": {"name": strategy.__name__, **given.get("strategy", {})},
        "exit": {"after": "", **given.get("exit", {})},
    }
    origins: dict[str, str] = {}
    assign(values, origins, assignments)
    return strategy_of(values, origins, f"settings of {strategy.__name__}")


class PythonSimulation(TradeSimulation):
    """Trades a Python strategy: a ``TradeSimulation`` whose signals are the orders of the strategy.

    It is the portfolio that the strategy sees.

    Parameters
    ----------
    python
        The strategy.
    settings
        Its settings, as ``settings_of_class`` returns them; None: those without assignments.
    names, days, options
        As in ``TradeSimulation``.
    """

    def __init__(
        self,
        python: TradingStrategy,
        names: EventNames,
        days: TradingDays,
        settings: StrategySettings | None = None,
        **options: Any,
    ) -> None:
        super().__init__(settings or settings_of_class(type(python)), names, days, **options)
        self._python = python
        self._names = names
        self._rules = self._rules._replace(
            stops_at_prints=type(python).on_print is not TradingStrategy.on_print,
            stops_at_minutes=type(python).on_time is not TradingStrategy.on_time,
        )
        self._events: EventRows = np.empty(0, dtype=EVENT)
        self._time = 0

    @property
    def time(self) -> int:
        """Return the time of the call (int64 ns UTC)."""
        return self._time

    @property
    def cash(self) -> float:
        """Return cash in dollars."""
        return self.cash_micros / 1e6

    @property
    def equity(self) -> float:
        """Return cash and the value of all positions, in dollars."""
        return self.equity_micros / 1e6

    def shares(self, ticker: str) -> int:
        """Return the shares held of a ticker: below 0 if the position is short, 0 without one."""
        slot = self._slot(ticker)
        return 0 if slot is None else int(slot["shares"]) * int(slot["side"])

    def is_working(self, ticker: str) -> bool:
        """Return whether an order of a ticker works."""
        slot = self._slot(ticker)
        return slot is not None and bool(slot["working"] != NO_ORDER)

    def price(self, ticker: str) -> float | None:
        """Return the price of a ticker's last print, in dollars; None if it had none."""
        code = self._symbols.code(ticker)
        price = np.nan if code is None else float(self._books.last_price[code])
        return None if np.isnan(price) else price

    def positions(self) -> Mapping[str, int]:
        """Return the shares held by ticker, sorted by ticker."""
        slots = self._books.slots[: int(self._books.book[0]["active"])]
        held = slots[slots["shares"] > 0]
        return dict(sorted((self._symbols.tickers[slot["code"]], int(slot["shares"] * slot["side"])) for slot in held))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return all state as arrays, by name, that of the strategy included."""
        own = {f"python.{name}": np.asarray(array) for name, array in self._python.state().items()}
        words = "\n".join(self.reasons[len(REASONS) :]).encode()
        return {**super().state(), "events": self._events, "reasons": np.frombuffer(words, dtype=np.uint8), **own}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Replace all state by what ``state`` returned."""
        super().restore(state)
        self._events = state["events"].copy()
        words = bytes(state["reasons"]).decode()
        self.reasons = [*REASONS, *(words.split("\n") if words else ())]
        prefix = "python."
        own = {name.removeprefix(prefix): array for name, array in state.items() if name.startswith(prefix)}
        self._python.restore(own)

    def _signals_of(self, events: EventRows, event_ids: NDArray[np.uint64]) -> NDArray[Any]:
        waiting = self._selector.waiting(events, event_ids)
        waiting["number"] = np.arange(len(events)) + len(self._events)
        self._events = join_events((self._events, events))
        return waiting

    def _advance(self) -> None:
        super()._advance()
        told = self._waiting["number"] >= 0
        first = int(self._waiting["number"][told].min(initial=len(self._events)))
        self._events = self._events[first:].copy()
        self._waiting["number"][told] -= first

    def _run(self, tape: Tape) -> int:
        book = self._books.book[0]
        while True:
            place = super()._run(tape._replace(signals=self._waiting))
            if place == AT_SIGNAL:
                row = self._waiting[int(book["signal"])]
                self._time = int(row["decision"])
                book["signal"] += 1
                told = self._told_event(row)
                orders = self._asked("on_event", told, self)
                self._decide(orders, row, self._time, int(book["signal"]))
            elif place == AT_PRINTED:
                told_print = self._told_print(int(book["closing"]) - 1)
                self._time = told_print.time
                orders = self._asked("on_print", told_print, self)
                self._decide(orders, None, self._time + self._rules.latency, None)
            elif place == AT_MINUTE:
                self._time = int(book["minute"])
                book["told_minute"] = self._time
                self._decide(self._asked("on_time", self), None, self._time, int(book["signal"]))
            else:
                return place

    def _asked(self, method: str, *told: Any) -> list[MarketOrder]:
        """Return the orders of a call.

        Raises
        ------
        SettingsError
            The strategy raised something, or returned what are no orders.
        """
        try:
            orders = list(getattr(self._python, method)(*told))
        except Exception as error:  # whatever a user's class raises
            raised = " ".join(f"{type(error).__name__}: {error}".split())
            raise SettingsError(
                f"the strategy {self.strategy.name} failed in {method} at {format_time(self._time)}: {raised}"
            ) from error
        for order in orders:
            if not isinstance(order, MarketOrder):
                raise SettingsError(
                    f"the strategy {self.strategy.name} returned {order!r} from {method}; return MarketOrder objects"
                )
        return orders

    def _decide(self, orders: Iterable[MarketOrder], cause: Any, time: int, at: int | None) -> None:
        """Let orders wait for their decision: at a place, or behind all that is decided before."""
        rows = [self._waiting_order(order, cause, time) for order in orders]
        if not rows:
            return
        added = np.concatenate(rows)
        self._selector.place(added)
        if at is None:
            decisions, first = self._waiting["decision"], int(self._books.book[0]["signal"])
            at = first + int(decisions[first:].searchsorted(time))
            while at < len(decisions) and decisions[at] == time and self._waiting["number"][at] < 0:
                at += 1
        self._waiting = np.concatenate([self._waiting[:at], added, self._waiting[at:]])

    def _waiting_order(self, order: MarketOrder, cause: Any, time: int) -> NDArray[Any]:
        code = self._symbols.code(order.ticker)
        name = self.strategy.name
        if code is None or code >= len(self._books.slot_of):
            raise SettingsError(f"{name} orders {order.ticker!r}, which is no ticker of the recording")
        if order.side not in (1, -1):
            raise SettingsError(
                f"{name} orders {order.ticker} with the side {order.side!r}; it must be 1 (buy) or -1 (sell)"
            )
        shares = int(order.shares)
        if shares != order.shares or not 1 <= shares <= MOST_SHARES:
            raise SettingsError(
                f"{name} orders {order.shares!r} shares of {order.ticker}; they must be whole, from 1 on"
            )
        row = np.zeros(1, dtype=WAITING)
        if cause is not None:
            row["event_id"] = cause["event_id"]
        row["kind"] = -1 if cause is None else cause["kind"]
        row["decision"] = time
        row["code"] = code
        row["number"] = row["rule"] = -1
        row["side"] = order.side
        row["shares"] = shares
        row["reason"] = self._reason_code(order.reason)
        return row

    def _reason_code(self, reason: str) -> int:
        word = " ".join(reason.split()) or REASONS[STRATEGY]
        if word not in self.reasons:
            if len(self.reasons) >= MOST_REASONS:
                raise SettingsError(f"{self.strategy.name} has more than {MOST_REASONS} reasons; the next is {word!r}")
            self.reasons.append(word)
        return self.reasons.index(word)

    def _slot(self, ticker: str) -> Any:
        code = self._symbols.code(ticker)
        if code is None or code >= len(self._books.slot_of) or self._books.slot_of[code] < 0:
            return None
        return self._books.slots[self._books.slot_of[code]]

    def _told_print(self, place: int) -> ToldPrint:
        prints = self._prints
        return ToldPrint(
            ticker=self._symbols.tickers[prints.code[place]],
            time=int(prints.time[place]),
            opening=int(prints.opening[place]),
            open=float(prints.open[place]),
            high=float(prints.high[place]),
            low=float(prints.low[place]),
            close=float(prints.close[place]),
            shares=float(prints.size[place]) / _SHARE,
        )

    def _told_event(self, waiting: Any) -> ToldEvent:
        event = self._events[int(waiting["number"])]

        def known(name: str) -> float | None:
            return None if np.isnan(event[name]) else float(event[name])

        return ToldEvent(
            event_id=int(waiting["event_id"]),
            ticker=self._symbols.tickers[event["code"]],
            kind=self._names.kinds[event["kind"]],
            source=self._names.sources[event["source"]],
            direction=int(event["direction"]),
            phase=PHASES[event["phase"]],
            timestamp=int(event["timestamp"]),
            available_at=int(event["available_at"]),
            emitted_at=int(event["emitted_at"]),
            price=float(event["price"]),
            confidence=float(event["confidence"]),
            percent_change=known("percent_change"),
            previous=known("previous"),
            volume=known("volume"),
            rel_volume=known("rel_volume"),
            score=known("score"),
            strength=int(event["strength"]) or None,
        )

"""Strategies in Python trade by the same fills, fees and books as rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.property.test_trading import bytes_of, drawn_market
from tests.unit.trading.market import FREE, KIND_NAMES, KINDS, at, event, outcomes, slices, strategy, tick, traded
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import event_ids
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.errors import SettingsError
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.trading.protocol import BUY, SELL, MarketOrder, Portfolio, ToldEvent, ToldPrint, TradingStrategy
from tickstock_cli.trading.python_strategy import PythonSimulation, load_python_strategy
from tickstock_cli.trading.simulation import Records


class FollowEvents(TradingStrategy):
    """Buys or sells short 20 shares after each event, and lets the session's end close them."""

    settings: ClassVar[dict[str, Any]] = {"exit": {"session_end": "10m"}}

    def on_event(self, event: ToldEvent, portfolio: Portfolio) -> Iterable[MarketOrder]:
        if portfolio.shares(event.ticker) == 0 and event.direction:
            yield MarketOrder(event.ticker, event.direction, 20)


class BuyDips(TradingStrategy):
    """Buys after a fall of a tenth, gives half back at the next print above it and the rest at the next minute."""

    settings: ClassVar[dict[str, Any]] = {"fill": FREE, "strategy": {"latency_ms": 1_000}}

    def __init__(self) -> None:
        self._last = 0.0

    def on_print(self, told: ToldPrint, portfolio: Portfolio) -> Iterable[MarketOrder]:
        before, self._last = self._last, told.close
        held = portfolio.shares(told.ticker)
        if told.close < before * 0.9 and not held:
            return [MarketOrder(told.ticker, BUY, 10)]
        return [MarketOrder(told.ticker, SELL, 5, "bounce")] if held == 10 and told.close > before else []

    def on_time(self, portfolio: Portfolio) -> Iterable[MarketOrder]:
        return [MarketOrder(ticker, SELL, shares, "minute") for ticker, shares in portfolio.positions().items()]

    def state(self) -> dict[str, NDArray[np.generic]]:
        return {"last": np.array([self._last])}

    def restore(self, state: Any) -> None:
        self._last = float(state["last"][0])


def _simulated(
    python: type[TradingStrategy], rows: Sequence[Any], events: Sequence[Any], cuts: Sequence[int] = (), **options: Any
) -> tuple[PythonSimulation, Records]:
    """Return the records of a Python strategy; with cuts, its state is restored into a new one after every slice."""
    symbols, days = SymbolTable(), TradingDays("XNYS", ("regular",))
    trading = PythonSimulation(python(), EventNames(symbols, KIND_NAMES), days, **options)
    for part in slices(rows, events, cuts, symbols, days):
        trading.step(part, event_ids(part.events, KINDS, symbols.hashes()))
        if cuts:
            state = {name: array.copy() for name, array in trading.state().items()}
            trading = PythonSimulation(python(), EventNames(symbols, KIND_NAMES), days, **options)
            trading.restore(state)
    trading.finish()
    return trading, trading.take()


def test_an_order_after_an_event_fills_as_that_of_a_rule() -> None:
    """Same decisions, same fills, same money: only the rule's number differs."""
    rows = [tick("10:00:00", 50.0), tick("10:00:02", 50.1), tick("15:49:00", 51.0), tick("15:51:00", 51.5)]
    events = [event("10:00:01"), event("10:00:01", ticker="B"), event("10:05:00")]
    python = _simulated(FollowEvents, rows, events)[1]
    rules = traded(strategy(exit={"after": "", "session_end": "10m"}), rows, events)

    assert python["fills"].tobytes() == rules["fills"].tobytes()
    assert python["trades"]["net"].tolist() == rules["trades"]["net"].tolist()
    assert (outcomes(python), outcomes(rules)) == (["taken", "no_price"], ["taken", "no_price", "held"])


def test_a_position_is_given_back_in_parts_with_the_words_of_the_strategy() -> None:
    """Decisions after prints have the latency, those at a minute have none; one trade has both exits."""
    rows = [tick("10:00:00", 50.0), tick("10:00:10", 40.0), tick("10:00:12", 41.0), tick("10:00:15", 42.0),
            tick("10:00:20", 42.0), tick("10:01:05", 43.0)]  # fmt: skip
    trading, records = _simulated(BuyDips, rows, [])

    assert records["fills"]["time"].tolist() == [at(f"10:00:{second}") for second in (12, 15)] + [at("10:01:05")]
    assert records["orders"]["decision"].tolist() == [at("10:00:11"), at("10:00:13"), at("10:01:00")]
    assert [trading.reasons[order["reason"]] for order in records["orders"][1:]] == ["bounce", "minute"]
    trade = records["trades"][0]
    assert (trade["shares"], trade["gross"]) == (10, 5 * 1_000_000 + 5 * 2_000_000)


@pytest.mark.parametrize("is_bars", [False, True])
def test_no_cut_and_no_restart_changes_what_a_python_strategy_trades(is_bars: bool) -> None:
    """Its own state travels with the simulation's."""
    for seed in range(3):
        rows, events = drawn_market(seed, is_bars)
        cuts = [row.time + 1 for row in rows[::7]]
        for python in (FollowEvents, BuyDips):
            whole = _simulated(python, rows, events, is_bars=is_bars)[1]
            assert bytes_of(_simulated(python, rows, events, cuts, is_bars=is_bars)[1]) == bytes_of(whole)


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (MarketOrder("ZZZ", BUY, 1), "Wrong orders 'ZZZ', which is no ticker of the recording"),
        (MarketOrder("A", 2, 1), "Wrong orders A with the side 2; it must be 1 (buy) or -1 (sell)"),
        (MarketOrder("A", BUY, 0), "Wrong orders 0 shares of A; they must be whole, from 1 on"),
    ],
)
def test_a_wrong_order_ends_the_run_in_one_line(order: MarketOrder, message: str) -> None:
    """The strategy, what it ordered, and what an order must be."""

    class Wrong(TradingStrategy):
        def on_event(self, event: ToldEvent, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
            return [order]

    with pytest.raises(SettingsError) as caught:
        _simulated(Wrong, [tick("10:00:00", 50.0)], [event("10:00:01")])
    assert str(caught.value) == message


def test_a_strategy_that_is_not_there_is_named() -> None:
    """A module that lacks the class, and a class that is none."""
    with pytest.raises(SettingsError, match="cannot load the strategy json:Dips: AttributeError: "):
        load_python_strategy("json:Dips")
    with pytest.raises(SettingsError, match="derive the class from"):
        load_python_strategy("json:JSONEncoder")


class Careless(TradingStrategy):
    """Counts on a score that not every event has."""

    def on_event(self, event: ToldEvent, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
        return [MarketOrder(event.ticker, BUY, int(event.score + 1))]  # type: ignore[operator]


class Chatty(TradingStrategy):
    """Returns words instead of orders."""

    def on_time(self, portfolio: Portfolio) -> Iterable[MarketOrder]:  # noqa: ARG002
        return ["buy"]  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("python", "problem"),
    [
        (
            Careless,
            "the strategy Careless failed in on_event at 2024-06-12T14:00:01.1Z: TypeError: unsupp",
        ),
        (Chatty, "the strategy Chatty returned 'buy' from on_time; return MarketOrder objects"),
    ],
)
def test_a_mistake_in_a_strategy_is_told_as_its_own(python: type[TradingStrategy], problem: str) -> None:
    """Where it happened and what it was: nobody looks for it in tickstock."""
    rows = [tick("10:00:00", 50.0), tick("10:02:00", 50.0)]
    with pytest.raises(SettingsError, match=f"^{re.escape(problem)}"):
        _simulated(python, rows, [event("10:00:01", score=None)])

"""Loading or compiling the kernels of the trade simulation, so that a backtest's own time holds no compilation."""

from __future__ import annotations

import numpy as np

from tickstock_cli.config.strategy import EnterRule, StrategySettings
from tickstock_cli.core.event_names import EventNames
from tickstock_cli.core.events import EVENT
from tickstock_cli.core.symbols import SymbolTable
from tickstock_cli.core.times import MAX_NS, NS_PER_DAY
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceSlice, Prints
from tickstock_cli.trading.records import TRADE
from tickstock_cli.trading.simulation import TradeSimulation
from tickstock_cli.trading.trade_prices import TradePrices

_DAY = 19_000


def warm_up_trading() -> None:
    """Trade an event of one day; ticks and bars, rules and strategies in Python have the same kernels."""
    names = EventNames(SymbolTable(["A"]), ("high",))
    trading_days = TradingDays("24/7", ("regular",))
    trading = TradeSimulation(StrategySettings(enter=(EnterRule(),)), names, trading_days)
    begun = _DAY * NS_PER_DAY
    event = np.zeros(1, dtype=EVENT)
    event["direction"], event["emitted_at"] = 1, begun + 1
    code, days = np.zeros(2, dtype=np.int32), np.full(2, _DAY, dtype=np.int32)
    times, price = np.array([begun, begun + NS_PER_DAY // 2]), np.ones(2)
    prints = Prints(code, times, times, days, price, price, price, price, times, times)
    part = PriceSlice(MAX_NS, prints, Prints.none(), event, days[:1], days[:1], times[:1])
    trading.step(part, np.zeros(1, dtype=np.uint64))
    trading.finish()
    drawn = TradePrices(trading_days, 1)
    drawn.add(0, np.zeros(1, dtype=TRADE))
    drawn.take(prints, 1)
    drawn.finish()

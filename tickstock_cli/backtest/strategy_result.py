"""The results of a strategy: what became of its signals and orders, and what its trades come to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.config.strategy import StrategySettings
from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.trading.figures import StrategyFigures, StrategyRecords, strategy_figures
from tickstock_cli.trading.simulation import TradeSimulation

NO_EVENT = "none"
"""Kind of a trade that no event began: a strategy in Python can trade at prints and at minutes."""


@dataclass(frozen=True, slots=True)
class StrategyResult:
    """The results of a strategy.

    Parameters
    ----------
    signals
        Number of all, ``taken``, and ``ignored.<reason>``.
    orders
        Number of all orders, by status; cancelled shares; fills at an open before their decision.
    forced_shares
        Shares that were filled at the end of a day, whatever the size of prints.
    cash_start_micros, cash_end_micros
        Money at the start and at the end, in micro-dollars.
    """

    settings: StrategySettings
    signals: dict[str, int]
    orders: dict[str, int]
    forced_shares: int
    cash_start_micros: int
    cash_end_micros: int
    figures: StrategyFigures

    @property
    def name(self) -> str:
        """The strategy's name."""
        return self.settings.name

    @property
    def trades(self) -> int:
        """Number of trades."""
        return int(self.figures.figures["trades"])  # type: ignore[arg-type]  # always a number

    def as_dict(self) -> dict[str, Any]:
        """Return the entry of ``strategies`` of the results."""
        figures = self.figures.figures
        return {
            "name": self.name,
            "signals": dict(self.signals),
            "orders": self.orders["orders"],
            "order_counts": {name: count for name, count in self.orders.items() if name != "orders"},
            "forced_shares": self.forced_shares,
            "trades": figures["trades"],
            "net_micros": figures["net_micros"],
            "fees_micros": figures["fees_micros"],
            "cash_start_micros": self.cash_start_micros,
            "cash_end_micros": self.cash_end_micros,
            "figures": dict(figures),
            "unknown": dict(self.figures.unknown),
        }


def strategy_results(tap: BacktestTap, calendar: MarketCalendar) -> tuple[StrategyResult, ...]:
    """Return the results of all strategies of a finished run.

    Memory holds a strategy's trades and minutes of equity at a time.
    """
    return tuple(_result(tap, place, simulation, calendar) for place, simulation in enumerate(tap.simulations))


def _result(tap: BacktestTap, place: int, simulation: TradeSimulation, calendar: MarketCalendar) -> StrategyResult:
    files = tap.traded[place]
    trades = files["trades"].read()
    kinds = (*tap.names.kinds, NO_EVENT)
    kind = np.where(trades["kind"] < 0, len(kinds) - 1, trades["kind"])
    records = StrategyRecords(simulation.start_cash, trades, kind, files["equity"].read())
    return StrategyResult(
        simulation.strategy,
        simulation.tally.signals(),
        simulation.tally.orders(),
        int(trades["forced"].sum()),
        simulation.start_cash,
        simulation.cash_micros,
        strategy_figures(records, tap.names.tickers, kinds, simulation.reasons, calendar),
    )

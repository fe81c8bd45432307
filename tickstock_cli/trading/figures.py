"""What a strategy's trades and equity come to, in figures.

A figure that cannot be had (no trade, no loss, too few days) is None, and ``unknown`` says why: never 0, NaN or
infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.inference.clustered_error import clusters_of, mean_error
from tickstock_cli.inference.ordered import ordered_mean, ordered_sum
from tickstock_cli.trading.breakdowns import Breakdown, by_half_hour, by_name, by_ticker
from tickstock_cli.trading.return_figures import (
    ANNUAL,
    annual_figures,
    daily_returns,
    longest_drawdown,
    max_drawdown,
)

NO_TRADE = "no trade"
NO_MINUTE = "no minute of equity"
NO_RETURN = "what the trades sold short came to nothing after costs"

Figure = float | int | Breakdown | None


@dataclass(frozen=True, slots=True)
class StrategyRecords:
    """What figures are computed from.

    Attributes
    ----------
    cash
        Micro-dollars at the start, above 0.
    trades
        Records of ``records.TRADE``, in the order of their ends.
    kinds
        Position of the kind of each trade's event in the names of kinds.
    equity
        Records of ``records.EQUITY``: ``time`` (whole minute), ``equity``, ``day``, ``positions``, rising.
    """

    cash: int
    trades: NDArray[Any]
    kinds: NDArray[np.integer]
    equity: NDArray[Any]


@dataclass(frozen=True, slots=True)
class StrategyFigures:
    """Figures of a strategy.

    Attributes
    ----------
    figures
        By name, always the same names; None where a figure cannot be had.

        - ``net_micros``, ``gross_micros``, ``fees_micros``: of all trades, integers.
        - ``max_drawdown``: the deepest fall of minute equity, a share of its peak, 0 or negative;
          ``longest_drawdown_minutes``: samples from peak to recovery or end.
        - ``trades``; ``hit_rate``: share with a net above 0; ``profit_factor``: net of those over that lost.
        - ``expectancy_bps``: mean net return of a trade, with its error ``expectancy_se_bps`` and 95 % interval
          ``expectancy_lo_bps``, ``expectancy_hi_bps``; the same of trades weighted by entry notional, ``weighted_…``.
          The error is clustered by (ticker, day) and by day of the decision.
        - ``average_win_micros``, ``average_loss_micros``: mean net of trades that won, and of those that lost.
        - ``exposure``: share of minutes with a position; ``turnover``: traded notional over mean minute equity.
        - ``days``: number of daily returns; from 20 of them ``annual_return``, ``annual_volatility``,
          ``sharpe_ratio``, ``sortino_ratio``, ``calmar_ratio`` (a year has 252) and ``deflated_sharpe_ratio``.
        - ``by_ticker``, ``by_kind``, ``by_reason``, ``by_half_hour``: see ``breakdowns``.
    unknown
        Why a figure cannot be had, by name.
    """

    figures: dict[str, Figure]
    unknown: dict[str, str]

    def put(self, name: str, value: Figure, reason: str = "") -> None:
        """Set a figure, or why it is None."""
        self.figures[name] = value
        if value is None:
            self.unknown[name] = reason


def strategy_figures(
    records: StrategyRecords,
    tickers: Sequence[str],
    kinds: Sequence[str],
    reasons: Sequence[str],
    calendar: MarketCalendar,
) -> StrategyFigures:
    """Return the figures of a strategy.

    Parameters
    ----------
    records
        Its trades and equity.
    tickers, kinds, reasons
        Names by code or position.
    calendar
        The session's: it decides in which zone half-hours are.
    """
    found = StrategyFigures({}, {})
    trades = records.trades
    for name in ("net", "gross", "fees"):
        found.put(f"{name}_micros", _total(trades[name]))
    _put_drawdown(found, records)
    _put_trades(found, trades)
    _put_expectancy(found, trades)
    _put_activity(found, records)
    _put_annual(found, records)
    found.put("by_ticker", by_ticker(trades, tickers))
    found.put("by_kind", by_name(trades, records.kinds, kinds))
    found.put("by_reason", by_name(trades, trades["reason"], reasons))
    found.put("by_half_hour", by_half_hour(trades, calendar))
    return found


def equity_at_day_ends(equity: NDArray[Any]) -> NDArray[np.int64]:
    """Return the last equity of each day (int64 micro-dollars); a day's last sample is at its end."""
    days = equity["day"]
    last = np.append(days[1:] != days[:-1], True) if len(days) else np.zeros(0, bool)
    ends: NDArray[np.int64] = equity["equity"][last]
    return ends


def _put_drawdown(found: StrategyFigures, records: StrategyRecords) -> None:
    equity = records.equity["equity"]
    some = len(equity) > 0
    found.put("max_drawdown", max_drawdown(records.cash, equity) if some else None, NO_MINUTE)
    found.put("longest_drawdown_minutes", longest_drawdown(records.cash, equity) if some else None, NO_MINUTE)


def _put_trades(found: StrategyFigures, trades: NDArray[Any]) -> None:
    net = trades["net"]
    wins, losses = net[net > 0], net[net < 0]
    won, lost = _total(wins), _total(losses)
    no_win, no_loss = ("no trade won", "no trade lost") if len(trades) else (NO_TRADE, NO_TRADE)
    found.put("trades", len(trades))
    found.put("hit_rate", len(wins) / len(trades) if len(trades) else None, NO_TRADE)
    found.put("profit_factor", won / -lost if len(losses) else None, no_loss)
    found.put("average_win_micros", won / len(wins) if len(wins) else None, no_win)
    found.put("average_loss_micros", lost / len(losses) if len(losses) else None, no_loss)


def _put_expectancy(found: StrategyFigures, trades: NDArray[Any]) -> None:
    is_known = ~np.isnan(trades["return_bps"])
    known = trades if is_known.all() else trades[is_known]
    nothing = NO_RETURN if len(trades) else NO_TRADE
    returns, notional = known["return_bps"], known["entry_notional"].astype(np.float64)
    clusters = clusters_of(known["code"].astype(np.int64), known["day"].astype(np.int64))
    for prefix, weights in (("", None), ("weighted_", notional)):
        mean = _mean(returns, weights)
        error = None if mean is None else mean_error(returns, mean, clusters, weights)
        found.put(f"{prefix}expectancy_bps", mean, nothing)
        for name in ("se", "lo", "hi"):
            value, reason = (None, nothing) if error is None else (getattr(error, name), error.unknown)
            found.put(f"{prefix}expectancy_{name}_bps", value, reason)


def _mean(returns: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float | None:
    if weights is None:
        return ordered_mean(returns) if len(returns) else None
    total = ordered_sum(weights)
    return ordered_sum(returns * weights) / total + 0.0 if total else None


def _put_activity(found: StrategyFigures, records: StrategyRecords) -> None:
    equity, trades = records.equity, records.trades
    minutes = len(equity)
    traded = _total(trades["entry_notional"]) + _total(trades["exit_notional"])
    held = int(np.count_nonzero(equity["positions"] > 0))
    total = _total(equity["equity"])
    found.put("exposure", held / minutes if minutes else None, NO_MINUTE)
    reason = "mean equity is not above 0" if minutes else NO_MINUTE
    found.put("turnover", traded / (total / minutes) if total > 0 else None, reason)


def _put_annual(found: StrategyFigures, records: StrategyRecords) -> None:
    ends = equity_at_day_ends(records.equity)
    found.put("days", len(ends))
    if len(ends) and int(records.equity["equity"].min()) <= 0:
        for name in ANNUAL:
            found.put(name, None, "equity was not always above 0")
        return
    figures, unknown = annual_figures(daily_returns(records.cash, ends))
    for name in ANNUAL:
        found.put(name, figures.get(name), unknown.get(name, ""))


def _total(money: NDArray[np.int64]) -> int:
    """Return the exact sum: a million minutes of a rich account are beyond int64."""
    return (int((money >> 32).sum()) << 32) + int((money & 0xFFFF_FFFF).sum())

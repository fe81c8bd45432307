"""Section 3: figures of a strategy, after the conventions of empyrical."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from tests.oracle.backtest.books import Books
from tests.oracle.backtest.cells import variance
from tests.oracle.backtest.inputs import MINUTE, mean, total
from tests.oracle.backtest.market import Market

DAYS_A_YEAR = 252
LEAST_DAYS = 20

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Money (micro-dollars) at a whole minute (ns): equity, cash, what the positions are worth, and their number."""

    time: int
    equity: int
    cash: int
    gross: int
    positions: int


def figures_of(books: Books, trades: Rows, samples: Sequence[Sample], market: Market) -> dict[str, Any]:
    """Return a strategy's figures by name; None is unknown. The deflated Sharpe ratio is left out."""
    depth, length = drawdown(books.start, [sample.equity for sample in samples])
    traded = sum(fill.shares * fill.price for fill in books.fills)
    average = mean([float(sample.equity) for sample in samples])
    return {
        **_over_a_year(books.start, samples, market),
        "net": sum(row["net"] for row in trades),
        "gross": sum(row["gross"] for row in trades),
        "fees": sum(row["fees"] for row in trades),
        "drawdown": depth,
        "drawdown_samples": length,
        **of_trades(trades, market),
        "exposure": mean([float(sample.positions > 0) for sample in samples]),
        "turnover": traded / average if average is not None and average > 0 else None,
        "by_ticker": _by(trades, market, lambda row: row["ticker"]),
        "by_kind": _by(trades, market, lambda row: row["kind"]),
        "by_reason": _by(trades, market, lambda row: row["reason"]),
        "by_half_hour": _by(trades, market, lambda row: _half_hour(row, market)),
    }


def of_trades(trades: Rows, market: Market) -> dict[str, Any]:
    """Return the figures of a set of trades."""
    wins = [float(row["net"]) for row in trades if row["net"] > 0]
    losses = [float(row["net"]) for row in trades if row["net"] < 0]
    returns = [row["return_bps"] for row in trades]
    notionals = [float(row["entry_notional"]) for row in trades]
    days = [market.days.date_of(row["decision"]) for row in trades]
    clusters: list[tuple[Hashable, Hashable]] = [
        ((row["ticker"], day), day) for row, day in zip(trades, days, strict=True)
    ]
    found = variance(returns, clusters)
    weighted = total(value * weight for value, weight in zip(returns, notionals, strict=True))
    return {
        "trades": len(trades),
        "hit_rate": len(wins) / len(trades) if trades else None,
        "profit_factor": total(wins) / -total(losses) if losses else None,
        "expectancy_bps": mean(returns),
        "expectancy_se_bps": None if found is None else math.sqrt(found),
        "expectancy_weighted_bps": weighted / total(notionals) + 0.0 if trades else None,
        "average_win": mean(wins),
        "average_loss": mean(losses),
    }


def drawdown(start: int, equity: Sequence[int]) -> tuple[float, int]:
    """Return the depth of the deepest drawdown, as a share of its peak, and the length of the longest, in samples."""
    peak, peak_place = start, -1
    depth, length, below = 0.0, 0, False
    for place, value in enumerate(equity):
        if value < peak:
            below = True
            depth = max(depth, (peak - value) / peak)
            length = max(length, place - peak_place)
        else:
            if below:
                length = max(length, place - peak_place)
            peak, peak_place, below = value, place, False
    return depth, length


def _over_a_year(start: int, samples: Sequence[Sample], market: Market) -> dict[str, float | None]:
    """Return the figures of daily returns."""
    names = ("annual_return", "annual_volatility", "sharpe", "sortino", "calmar")
    unknown: dict[str, float | None] = dict.fromkeys(names)
    by_time = {sample.time: sample.equity for sample in samples}
    ends = [start, *(by_time[market.days.end(day) // MINUTE * MINUTE] for day in market.recorded)]
    if len(market.recorded) < LEAST_DAYS or min(by_time.values()) <= 0:
        return unknown
    returns = [later / earlier - 1 for earlier, later in pairwise(ends)]
    middle = total(returns) / len(returns)
    growth, peak, deepest = 1.0, 1.0, 0.0
    for value in returns:
        growth *= 1 + value
        peak = max(peak, growth)
        deepest = min(deepest, (growth - peak) / peak)
    annual = growth ** (DAYS_A_YEAR / len(returns)) - 1
    spread = math.sqrt(total((value - middle) ** 2 for value in returns) / (len(returns) - 1))
    downside = math.sqrt(total(min(value, 0.0) ** 2 for value in returns) / len(returns))
    year = math.sqrt(DAYS_A_YEAR)
    return {
        "annual_return": annual,
        "annual_volatility": spread * year,
        "sharpe": middle / spread * year if len(set(returns)) > 1 else None,
        "sortino": middle * DAYS_A_YEAR / (downside * year) if downside else None,
        "calmar": annual / -deepest if deepest else None,
    }


def _by(trades: Rows, market: Market, key: Callable[[dict[str, Any]], str]) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in trades:
        groups.setdefault(key(row), []).append(row)
    return {
        name: {
            **of_trades(rows, market),
            **{money: sum(row[money] for row in rows) for money in ("net", "gross", "fees")},
        }
        for name, rows in sorted(groups.items())
    }


def _half_hour(row: dict[str, Any], market: Market) -> str:
    clock = market.days.clock(row["decision"])
    return f"{clock.hour:02d}:{clock.minute // 30 * 30:02d}"

"""A strategy's trades in groups: by ticker, by kind of event, by reason of the exit, by half-hour of the decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.trading_hours import MarketCalendar
from tickstock_cli.prices.half_hours import half_hours

Breakdown = dict[str, dict[str, float | int | None]]
"""By name: trades, gross_micros, fees_micros, net_micros, hit_rate, expectancy_bps (None if no trade has a return)."""


def by_name(trades: NDArray[Any], groups: NDArray[np.integer], names: Sequence[str]) -> Breakdown:
    """Return the breakdown of trades by group, in the order of names; groups without a trade are left out.

    Parameters
    ----------
    trades
        Records with ``gross``, ``fees``, ``net`` (int64 micro-dollars) and ``return_bps`` (NaN = it has none).
    groups
        Position in ``names`` of each trade.
    names
        Name of each group.
    """
    count = len(names)
    number = np.bincount(groups, minlength=count)
    wins = np.bincount(groups, weights=trades["net"] > 0, minlength=count)
    is_known = ~np.isnan(trades["return_bps"])
    known = np.bincount(groups, weights=is_known, minlength=count)
    returns = np.bincount(groups[is_known], trades["return_bps"][is_known], count)  # adds in the order of trades
    money = {name: _totals(trades[name], groups, count) for name in ("gross", "fees", "net")}
    return {
        names[group]: {
            "trades": int(number[group]),
            **{f"{name}_micros": int(totals[group]) for name, totals in money.items()},
            "hit_rate": int(wins[group]) / int(number[group]),
            "expectancy_bps": float(returns[group]) / int(known[group]) + 0.0 if known[group] else None,
        }
        for group in np.flatnonzero(number).tolist()
    }


def by_ticker(trades: NDArray[Any], tickers: Sequence[str]) -> Breakdown:
    """Return the breakdown of trades by the ticker of their ``code``, in the order of the alphabet."""
    codes, groups = np.unique(trades["code"], return_inverse=True)
    found = by_name(trades, groups, [tickers[code] for code in codes.tolist()])
    return {name: found[name] for name in sorted(found)}


def by_half_hour(trades: NDArray[Any], calendar: MarketCalendar) -> Breakdown:
    """Return the breakdown of trades by the half-hour of their ``decision``, named by its start: "09:30".

    See ``prices.half_hours``.
    """
    names, groups = half_hours(trades["decision"], calendar)
    return by_name(trades, groups, names)


def _totals(money: NDArray[np.int64], groups: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    totals = np.zeros(count, np.int64)
    np.add.at(totals, groups, money)
    return totals

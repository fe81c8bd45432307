"""Reads from the records of a strategy what its part of the report shows, within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickstock_cli.core.record_file import RecordFile
from tickstock_cli.trading.trade_prices import MOST_TRADES

EQUITY_POINTS = 500
"""Points of the chart of equity; in longer runs a point stands for several minutes."""

EXTREMES, SHOWN_TRADES = 50, 200
"""Trades on the page: if there are more, so many best ones, as many worst ones, and others at equal distances."""

MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class EquityPoints:
    """Minute equity in at most ``EQUITY_POINTS`` points.

    Attributes
    ----------
    days
        Day number of each point.
    equity
        float64 dollars, the last of the point's minutes.
    drawdown
        Share of the peak, 0 or negative: the deepest of the point's minutes; NaN where the peak is not above 0.
    gross
        What positions are worth as a share of the equity: the most of the point's minutes; NaN likewise.
    """

    days: NDArray[np.int32]
    equity: NDArray[np.float64]
    drawdown: NDArray[np.float64]
    gross: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShownTrade:
    """A trade of the page: its record, the fills of its ticker while it was open, and the prices around it.

    ``prices`` is a record of ``trading.trade_prices.TRADE_PRICES``, None if there is none.
    """

    record: np.void
    fills: NDArray[np.void]
    prices: np.void | None


@dataclass(frozen=True, slots=True)
class StrategyDetails:
    """What the page shows of a strategy beyond its figures.

    Attributes
    ----------
    trades
        By number; of ``trade_count``.
    slippage_micros
        What spread and slippage cost in all fills, in micro-dollars.
    """

    equity: EquityPoints
    trades: tuple[ShownTrade, ...]
    trade_count: int
    slippage_micros: int


def strategy_details(files: Mapping[str, RecordFile], prices: RecordFile, cash_micros: int) -> StrategyDetails:
    """Return what the page shows of a strategy.

    Memory holds its minutes of equity, the net of all trades, and the trades that are shown.
    """
    trades = files["trades"]
    net = np.concatenate([chunk["net"] for chunk in trades.chunks()] or [np.empty(0, np.int64)])
    chosen = chosen_trades(net)
    records = [trades.read(number, number + 1)[0] for number in chosen.tolist()]
    found = {
        int(chunk["trade"]): chunk for part in prices.chunks(4_096) for chunk in part[np.isin(part["trade"], chosen)]
    }
    fills, slippage = _fills(files["fills"], records)
    shown = tuple(
        ShownTrade(record, own, found.get(int(record["trade"]))) for record, own in zip(records, fills, strict=True)
    )
    return StrategyDetails(equity_points(files["equity"].read(), cash_micros), shown, len(net), slippage)


def chosen_trades(net: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the numbers of the trades to show, rising: all, or the best, the worst, and others at equal distances.

    Of many trades, those behind the first ``MOST_TRADES`` have no prices, and are not chosen.
    """
    numbers = np.arange(min(len(net), MOST_TRADES))
    if len(numbers) <= SHOWN_TRADES:
        return numbers
    by_net = net[: len(numbers)].argsort(kind="stable")
    extremes = np.concatenate([by_net[:EXTREMES], by_net[-EXTREMES:]])
    others = np.setdiff1d(numbers, extremes)
    places = np.linspace(0, len(others) - 1, SHOWN_TRADES - 2 * EXTREMES).astype(np.int64)
    return np.sort(np.concatenate([extremes, others[places]]))


def equity_points(records: NDArray[np.void], cash_micros: int) -> EquityPoints:
    """Return minute equity (dtype ``trading.records.EQUITY``) in points."""
    equity = records["equity"].astype(np.float64)
    peak = np.maximum.accumulate(np.maximum(equity, cash_micros)) if len(equity) else equity
    with np.errstate(divide="ignore", invalid="ignore"):
        drawdown = np.where(peak > 0, np.minimum(equity / peak - 1, 0.0), np.nan)
        gross = np.where(equity > 0, records["gross"] / equity, np.nan)
    size = max(1, -(-len(records) // EQUITY_POINTS))
    starts = np.arange(0, len(records), size)
    last = np.minimum(starts + size, len(records)) - 1
    if not len(records):
        return EquityPoints(records["day"], equity, drawdown, gross)
    return EquityPoints(
        records["day"][last],
        equity[last] / MICROS,
        np.fmin.reduceat(drawdown, starts),
        np.fmax.reduceat(gross, starts),
    )


def _fills(fills: RecordFile, trades: Sequence[np.void]) -> tuple[list[NDArray[np.void]], int]:
    """Return the fills of each trade, and what spread and slippage cost in all of them."""
    own: list[list[NDArray[np.void]]] = [[] for _ in trades]
    codes = np.array([trade["code"] for trade in trades], dtype=np.int32)
    slippage = 0
    for chunk in fills.chunks():
        before = np.rint(chunk["print_price"] * MICROS).astype(np.int64)
        slippage += int((chunk["side"] * chunk["shares"] * (chunk["price"] - before)).sum())
        mine = chunk[np.isin(chunk["code"], codes)]
        if not len(mine):
            continue
        for place, trade in enumerate(trades):
            inside = (mine["time"] >= trade["first_entry"]) & (mine["time"] <= trade["last_exit"])
            part = mine[inside & (mine["code"] == trade["code"])]
            if len(part):
                own[place].append(part)
    return [np.concatenate(parts) if parts else fills.read(0, 0) for parts in own], slippage

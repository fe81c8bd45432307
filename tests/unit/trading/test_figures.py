"""Figures of a strategy, by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tickstock_cli.testing import new_york
from tickstock_cli.trading.figures import StrategyFigures, StrategyRecords, strategy_figures

DOLLAR = 1_000_000
CASH = 10_000 * DOLLAR
TICKERS, KINDS, REASONS = ("ZZZ", "ABC"), ("high", "surge"), ("stop", "target", "horizon")
TRADE = [(name, "i8") for name in ("decision", "gross", "fees", "net", "entry_notional", "exit_notional")]
TRADE_FIELDS = [*TRADE, ("return_bps", "f8"), ("code", "i4"), ("day", "i4"), ("reason", "i1")]
EQUITY_FIELDS = [("time", "i8"), ("equity", "i8"), ("day", "i4"), ("positions", "i4")]

WON = ("2024-06-12", "09:59:59", 0, 30, 1000, 0)
LOST = ("2024-06-12", "10:00:00", 1, -10, 2000, 1)
LOST_LATER = ("2024-12-12", "09:30:00", 0, -5, 1000, 1)
EVEN = ("2024-12-12", "15:59:00", 1, 0, 4000, 2)


def figures_of(
    trades: list[tuple[str, str, int, int, int, int]],
    equity: list[tuple[int, int, int]],
    kinds: list[int] | None = None,
) -> StrategyFigures:
    """Return the figures of trades (date, time, code, net, notional, reason) and minutes (day, equity, positions)."""
    rows = np.zeros(len(trades), TRADE_FIELDS)
    for row, (date, time, code, net, notional, reason) in zip(rows, trades, strict=True):
        row["decision"], row["code"], row["reason"] = new_york(date, time), code, reason
        row["day"] = int(date.replace("-", ""))
        row["net"], row["fees"], row["gross"] = net * DOLLAR, DOLLAR, (net + 1) * DOLLAR
        row["entry_notional"], row["exit_notional"] = notional * DOLLAR, (notional + net + 1) * DOLLAR
        row["return_bps"] = net / notional * 1e4 if notional else np.nan
    minutes = np.zeros(len(equity), EQUITY_FIELDS)
    for sample, (day, money, positions) in zip(minutes, equity, strict=True):
        sample["day"], sample["equity"], sample["positions"] = day, money * DOLLAR, positions
    kind = np.array(kinds or [0] * len(trades), np.int64)
    return strategy_figures(StrategyRecords(CASH, rows, kind, minutes), TICKERS, KINDS, REASONS, "XNYS")


def test_four_trades_by_hand() -> None:
    """30 won; 10 and 5 lost; one even. Returns 300, −50, −50 and 0 bps."""
    found = figures_of([WON, LOST, LOST_LATER, EVEN], [(1, 10_000, 0), (1, 10_020, 1), (2, 10_010, 2), (2, 10_015, 0)])
    figures = found.figures
    assert (figures["net_micros"], figures["gross_micros"], figures["fees_micros"]) == (
        15 * DOLLAR, 19 * DOLLAR, 4 * DOLLAR,
    )  # fmt: skip
    assert (figures["trades"], figures["hit_rate"], figures["profit_factor"]) == (4, 0.25, 2.0)
    assert (figures["average_win_micros"], figures["average_loss_micros"]) == (30 * DOLLAR, -7.5 * DOLLAR)
    assert (figures["expectancy_bps"], figures["weighted_expectancy_bps"]) == (50.0, 15 / 8000 * 1e4)
    assert (figures["exposure"], figures["turnover"]) == (0.5, (8000 + 8019) / 10_011.25)
    assert (figures["longest_drawdown_minutes"], figures["days"]) == (2, 2)
    assert figures["max_drawdown"] == pytest.approx(-10 / 10_020, rel=1e-15)
    assert found.unknown["sharpe_ratio"] == "fewer than 20 daily returns"


def test_the_error_of_the_expectancy_is_clustered_by_day() -> None:
    """Residuals 250 −100 | −100 −50: by ticker and day 4/3·(250² + 100² + 100² + 50²)/16, by day 2·2·150²/16."""
    figures = figures_of([WON, LOST, LOST_LATER, EVEN], []).figures
    assert figures["expectancy_se_bps"] == pytest.approx(math.sqrt(4 / 3 * 85_000 / 16), rel=1e-15)
    weighted = [1000 * (300 - 18.75), 2000 * (-50 - 18.75), 1000 * (-50 - 18.75), 4000 * -18.75]
    of_a = 4 / 3 * sum(value**2 for value in weighted) / 8000**2
    of_b = 2 * ((weighted[0] + weighted[1]) ** 2 + (weighted[2] + weighted[3]) ** 2) / 8000**2
    assert figures["weighted_expectancy_se_bps"] == pytest.approx(math.sqrt(max(of_a, of_b)), rel=1e-14)


def test_trades_of_one_day_have_no_error() -> None:
    """However many they are."""
    found = figures_of([WON, LOST, WON, LOST], [])
    assert found.figures["expectancy_bps"] == 125.0
    assert found.figures["expectancy_se_bps"] is None
    assert found.unknown["expectancy_se_bps"] == "all observations are of one moment or day"


def test_groups_stand_in_order_and_name_the_hour_of_new_york() -> None:
    """In summer and in winter; a half-hour holds its start, and not its end."""
    figures = figures_of([WON, LOST, LOST_LATER, EVEN], [], kinds=[1, 0, 1, 1]).figures
    groups = {name: figures[f"by_{name}"] for name in ("ticker", "kind", "reason", "half_hour")}
    names = {name: list(group) for name, group in groups.items() if isinstance(group, dict)}
    assert names == {
        "ticker": ["ABC", "ZZZ"],
        "kind": ["high", "surge"],
        "reason": ["stop", "target", "horizon"],
        "half_hour": ["09:30", "10:00", "15:30"],
    }
    assert isinstance(groups["half_hour"], dict)
    assert groups["half_hour"]["09:30"] == {
        "trades": 2,
        "gross_micros": 27 * DOLLAR,
        "fees_micros": 2 * DOLLAR,
        "net_micros": 25 * DOLLAR,
        "hit_rate": 0.5,
        "expectancy_bps": 125.0,
    }


def test_a_strategy_without_trades_says_what_is_unknown() -> None:
    """Nulls have reasons, and the figures are JSON."""
    found = figures_of([], [])
    unknown = {name for name, value in found.figures.items() if value is None}
    assert unknown == found.unknown.keys()
    assert found.unknown["hit_rate"] == found.unknown["weighted_expectancy_se_bps"] == "no trade"
    assert found.unknown["exposure"] == found.unknown["max_drawdown"] == "no minute of equity"
    assert (found.figures["net_micros"], found.figures["by_ticker"]) == (0, {})
    json.dumps(found.figures, allow_nan=False)


def test_a_trade_without_a_return_counts_for_money_alone() -> None:
    """What was sold short came to nothing after costs, so no percentage of it is known."""
    found = figures_of([WON, ("2024-06-12", "10:00:00", 1, -10, 0, 1)], [(1, 10_020, 0)])
    assert (found.figures["trades"], found.figures["net_micros"]) == (2, 20 * DOLLAR)
    assert found.figures["expectancy_bps"] == found.figures["weighted_expectancy_bps"] == 300.0
    assert found.figures["by_ticker"]["ABC"]["expectancy_bps"] is None  # type: ignore[index]
    alone = figures_of([("2024-06-12", "10:00:00", 1, -10, 0, 1)], [(1, 9_990, 0)])
    assert alone.unknown["expectancy_bps"] == "what the trades sold short came to nothing after costs"
    json.dumps(alone.figures, allow_nan=False)


def test_only_winners_have_no_profit_factor() -> None:
    """It would be infinite."""
    found = figures_of([WON, WON], [(1, 10_030, 1)])
    assert found.figures["profit_factor"] is None
    assert found.unknown["profit_factor"] == found.unknown["average_loss_micros"] == "no trade lost"


def test_a_ruined_account_has_no_annual_figures() -> None:
    """Although it has days enough, and was above 0 at each day's end."""
    days = [(day, money, 1) for day in range(25) for money in (9_000, 10_000 + day)]
    assert figures_of([WON], days).figures["sharpe_ratio"] is not None
    days[7] = (days[7][0], -1, 1)
    found = figures_of([WON], days)
    assert found.figures["annual_return"] is None
    assert found.unknown["deflated_sharpe_ratio"] == "equity was not always above 0"


def test_sums_of_minutes_are_exact_beyond_int64() -> None:
    """Two minutes of six trillion dollars: their sum has no place in int64."""
    found = figures_of([WON], [(1, 6_000_000_000_000, 1), (1, 6_000_000_000_000, 1)])
    assert found.figures["turnover"] == (1000 + 1031) / 6e12

"""Contents of a small report: drawn observations of two kinds, one of them with a hostile name."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from tests.unit.study.builders import events_of, horizon_of
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.report.contents import ReportContents, StrategyContents
from tickstock_cli.backtest.report.strategy_records import ShownTrade, StrategyDetails, equity_points
from tickstock_cli.backtest.strategy_result import StrategyResult
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.build import settings_model
from tickstock_cli.config.analysis import StudySettings
from tickstock_cli.config.strategy import ExitRules, StrategyHead, StrategySettings
from tickstock_cli.study.breakdowns import horizon_breakdown
from tickstock_cli.study.event_paths import EventCurve
from tickstock_cli.study.observations import STATUSES
from tickstock_cli.study.path_kernels import POINTS
from tickstock_cli.study.tables import study_table
from tickstock_cli.testing.records import MINUTE, new_york
from tickstock_cli.trading.figures import StrategyRecords, strategy_figures
from tickstock_cli.trading.records import EQUITY, FILL, REASONS, TRADE
from tickstock_cli.trading.trade_prices import TRADE_PRICES

HOSTILE = "<script>alert(1)</script>"
KINDS, SOURCES = ("high", "low", HOSTILE), ("tick", "ohlcv")
TICKERS = ("A", f"B{HOSTILE}", "C&D")
NINE_THIRTY = new_york("2024-06-12", "09:30:00")


@cache
def contents(*, placebo: bool = True, events: int = 240) -> ReportContents:
    """Return what a report of ``events`` drawn events shows, with or without placebos."""
    rng = np.random.default_rng(11)
    kinds, sides = 2 * rng.integers(0, 2, events), rng.choice((1, -1), events)
    codes, days = rng.integers(0, 3, events), rng.integers(0, 20, events)
    columns = zip(kinds.tolist(), sides.tolist(), codes.tolist(), days.tolist(), strict=True)
    rows = [(kind, side, 0, code, day) for kind, side, code, day in columns]
    minutes = rng.integers(0, 380, events)
    returns = [None if value < -60 else float(value) for value in rng.normal(3, 30, events)]
    controls = rng.normal(0, 30, (events, 2)).tolist() if placebo else None
    studied, horizon = events_of(rows), horizon_of(returns, controls, minutes.tolist())
    decisions = NINE_THIRTY + minutes * MINUTE
    observed = int(np.count_nonzero(horizon.observed))
    counts = dict.fromkeys(STATUSES, 0) | {"events": events, "observed": observed, "no_entry": events - observed}
    table = study_table(studied, [horizon], KINDS, SOURCES, 30)
    path, seen = np.linspace(-20, 30, POINTS), np.full(POINTS, 60)
    controls_path = path / 9 if placebo else np.full(POINTS, np.nan)
    curves = [
        EventCurve(kind, side, 0, path, controls_path, seen, seen * placebo) for kind in (0, 2) for side in (1, -1)
    ]
    settings = settings_model()(study=StudySettings(horizons=("5m",)))
    parts = horizon_breakdown(studied, decisions, horizon, KINDS, TICKERS, "XNYS", 30)
    study = StudyResult(("5m",), counts, table)
    return ReportContents(
        settings, PriceSource(is_bars=False), study, curves, [parts], KINDS, SOURCES, TICKERS, {"recording": HOSTILE}
    )


@cache
def traded() -> ReportContents:
    """Return the same with a strategy that made two trades, one of them in a ticker with a hostile name."""
    trades, fills, equity, prices = (np.zeros(rows, dtype) for rows, dtype in _RECORDS)
    trades["trade"], trades["code"], trades["side"], trades["kind"] = (0, 1), (0, 1), (1, -1), (2, -1)
    trades["first_entry"] = NINE_THIRTY + np.array([10, 20]) * MINUTE
    trades["decision"], trades["exit_decision"] = trades["first_entry"], trades["first_entry"] + 5 * MINUTE
    trades["last_exit"] = trades["exit_decision"] + MINUTE
    trades["shares"], trades["entry_price"], trades["exit_price"] = 100, 50.0, (50.5, 50.1)
    trades["entry_notional"], trades["exit_notional"] = 5_000_000_000, (5_050_000_000, 5_010_000_000)
    trades["gross"], trades["fees"] = (50_000_000, -10_000_000), 1_000_000
    trades["net"] = trades["gross"] - trades["fees"]
    trades["return_bps"] = trades["net"] / trades["entry_notional"] * 1e4
    fills["code"], fills["side"], fills["shares"] = (0, 0, 1, 1), (1, -1, -1, 1), 100
    fills["time"] = np.stack([trades["first_entry"], trades["last_exit"]], axis=1).ravel()
    fills["price"], fills["print_price"] = (
        (50_000_000, 50_500_000, 50_000_000, 50_100_000),
        (49.99, 50.51, 50.01, 50.09),
    )
    equity["time"], equity["day"] = NINE_THIRTY + np.arange(60) * MINUTE, 19_886
    equity["equity"] = 100_000_000_000 + np.cumsum(np.where(np.arange(60) % 3, 1, -1)) * 7_000_000
    prices["trade"], prices["start"], prices["length"], prices["places"] = (0, 1), NINE_THIRTY, MINUTE, 40
    prices["low"], prices["high"], prices["close"] = 49.9, 50.6, 50.2
    kinds = np.array([2, len(KINDS)])
    records = StrategyRecords(100_000_000_000, trades, kinds, equity)
    figures = strategy_figures(records, TICKERS, (*KINDS, "none"), REASONS, "XNYS")
    settings = StrategySettings(strategy=StrategyHead(name=HOSTILE), exit=ExitRules(stop_percent=0.5))
    signals = {"signals": 5, "taken": 2, "ignored.held": 3}
    orders = {"orders": 4, "filled": 4, "partial": 0, "unfilled": 0, "cancelled_shares": 0, "early_fills": 0}
    result = StrategyResult(settings, signals, orders, 0, 100_000_000_000, 100_038_000_000, figures)
    shown = tuple(
        ShownTrade(trade, fills[fills["code"] == trade["code"]], price)
        for trade, price in zip(trades, (prices[0], None), strict=True)
    )
    details = StrategyDetails(equity_points(equity, 100_000_000_000), shown, 2, 4_000_000)
    return replace(contents(), strategies=(StrategyContents(result, details, REASONS),))


_RECORDS = ((2, TRADE), (4, FILL), (60, EQUITY), (2, TRADE_PRICES))

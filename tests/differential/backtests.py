"""Runs drawn cases of the backtest's oracle through the package."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.oracle.backtest.drawn import BacktestCase
from tests.oracle.backtest.inputs import Event
from tickstock_cli.backtest.given_events import GivenEvents
from tickstock_cli.backtest.observation_table import observation_rows
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.backtest.study_result import StudyResult, study_result
from tickstock_cli.backtest.tap import BacktestTap
from tickstock_cli.backtest.trade_tables import TRADE_TABLES, TradeNames, trade_rows
from tickstock_cli.config.strategy_file import strategy_of
from tickstock_cli.core.events import EVENT, PHASES, SOURCES
from tickstock_cli.testing import Bar, Record, run_records
from tickstock_cli.testing.records import settings_of

_KINDS = ("high", "low", "surge", "trend", "fmv")


def study_of(case: BacktestCase, folder: Path, batch_rows: int) -> tuple[list[dict[str, Any]], StudyResult]:
    """Return the observations of a case as dictionaries, and the results of its study."""
    settings = settings_of(case.settings)
    prices = price_source_of(case.rows, settings.prices.source)
    tap = BacktestTap(settings, prices, folder, None if case.events is None else given(case.events))
    run_records(case.rows, case.settings, taps={"backtest": tap}, batch_rows=batch_rows)
    result = study_result(tap.observations, tap.names, settings)
    return observation_rows(tap.observations.read(), result.horizons, tap.names).to_pylist(), result


def price_source_of(rows: Sequence[Record], source: str) -> PriceSource:
    """Return what ``backtest.price_source`` finds in files of these rows."""
    bars = [row for row in rows if isinstance(row, Bar)]
    if source == "tick" or (source == "auto" and len(bars) < len(rows)):
        return PriceSource(is_bars=False)
    intervals = [int((bar.interval or 0) * 1e9) for bar in bars]
    lags = [
        interval if bar.received_at is None else bar.received_at - (bar.timestamp or 0)
        for bar, interval in zip(bars, intervals, strict=True)
    ]
    return PriceSource(True, max(lags), max(intervals))


def given(events: Sequence[Event]) -> GivenEvents:
    """Return events in output order as those of a file."""
    tickers = sorted({event["ticker"] for event in events})
    kinds = [*_KINDS, *sorted({event["kind"] for event in events} - set(_KINDS))]
    sources = [*SOURCES, *sorted({event["source"] for event in events} - set(SOURCES))]
    rows = np.zeros(len(events), dtype=EVENT)
    for place, event in enumerate(events):
        codes = {
            "code": tickers.index(event["ticker"]),
            "kind": kinds.index(event["kind"]),
            "source": sources.index(event["source"]),
            "phase": PHASES.index(event["phase"]),
        }
        for name, value in {**event, **codes, "order": place}.items():
            if name in (EVENT.names or ()) and name != "trigger":
                rows[place][name] = (0 if name == "strength" else np.nan) if value is None else value
    ids = np.array([event["event_id"] for event in events], dtype=np.uint64)
    return GivenEvents(rows, ids, tuple(tickers), tuple(kinds), tuple(sources))


def traded(case: BacktestCase, folder: Path, batch_rows: int) -> dict[str, list[dict[str, Any]]]:
    """Return the tables of a case's strategy as rows, by ``backtest.trade_tables.TRADE_TABLES``."""
    settings = settings_of(case.settings)
    prices = price_source_of(case.rows, settings.prices.source)
    sections = {key: value for key, value in case.strategy.items() if key != "name"}
    strategy = strategy_of({**sections, "strategy": {"name": "drawn", **sections.get("strategy", {})}})
    tap = BacktestTap(
        settings, prices, folder, None if case.events is None else given(case.events), [NamedStrategy(strategy)]
    )
    run_records(case.rows, case.settings, taps={"backtest": tap}, batch_rows=batch_rows)
    (files,) = tap.traded
    return {
        name: trade_rows(name, TradeNames("drawn", tap.names), files[name].read()).to_pylist() for name in TRADE_TABLES
    }

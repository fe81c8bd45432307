"""Whole backtests, from files to files: layouts, workers, batches, part of the time, a restart, two strategies."""

from __future__ import annotations

import json
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.differential.against import StopAfter
from tests.oracle.backtest.comparing import differences, same
from tests.oracle.backtest.drawn import BacktestCase, drawn_case
from tests.oracle.backtest.drawn_choices import draw_strategy
from tests.oracle.backtest.files import UNIT, drawn_cut, judge_files, write_events, write_recording
from tests.oracle.backtest.study import study
from tests.oracle.backtest.trade import Traded, trade
from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.backtest.strategies import NamedStrategy
from tickstock_cli.config.strategy_file import strategy_of
from tickstock_cli.engine.control import Control
from tickstock_cli.testing import settings_of

TABLES = {
    "signals": {},
    "orders": {"sign": "side", "outcome": "status", "notional": "notional_micros", "fees": "fees_micros"},
    "fills": {"sign": "side", "price": "price_micros", "fee": "fee_micros", "way": "kind"},
    "trades": {
        "entry_first": "first_entry",
        "entry_last": "last_entry",
        "exit_last": "last_exit",
        "entry_notional": "entry_notional_micros",
        "gross": "gross_micros",
        "fees": "fees_micros",
        "net": "net_micros",
    },
    "equity": {"equity": "equity_micros", "cash": "cash_micros", "gross": "gross_micros"},
}
"""Columns of tables that the oracle calls otherwise."""

FIGURES = {
    "net": "net_micros",
    "gross": "gross_micros",
    "fees": "fees_micros",
    "trades": "trades",
    "hit_rate": "hit_rate",
    "profit_factor": "profit_factor",
    "expectancy_bps": "expectancy_bps",
    "expectancy_se_bps": "expectancy_se_bps",
    "expectancy_weighted_bps": "weighted_expectancy_bps",
    "average_win": "average_win_micros",
    "average_loss": "average_loss_micros",
    "exposure": "exposure",
    "turnover": "turnover",
    "annual_return": "annual_return",
    "annual_volatility": "annual_volatility",
    "sharpe": "sharpe_ratio",
    "sortino": "sortino_ratio",
    "calmar": "calmar_ratio",
}
"""Figures by the oracle's names."""


@pytest.mark.parametrize("drawn", range(6))
def test_a_backtest_of_files_is_what_the_page_says_however_it_runs(drawn: int, tmp_path: Path) -> None:
    """The study, both strategies and their figures; then the same bytes again, by way of a checkpoint."""
    case, rng = drawn_case(10_000 + drawn), Random(f"files of {drawn}")
    paths = write_recording(case.rows, _made(tmp_path / "recording"), drawn_cut(rng))
    rng.shuffle(paths)
    paths = [tmp_path / "recording"] if rng.random() < 0.5 else paths
    start, end = _part(case, rng)
    strategies = [case.strategy, draw_strategy(rng)]
    request = BacktestRequest(
        paths,
        settings_of({**UNIT, **case.settings}),
        start,
        end,
        events=None if case.events is None else write_events(case.events, tmp_path / "events.parquet"),
        strategies=tuple(_named(number, strategy) for number, strategy in enumerate(strategies)),
        out=tmp_path / "results",
        workers=rng.choice((1, 2)),
        batch_rows=rng.choice((7, 100, 262_144)),
    )
    judged, detected = judge_files(paths, {**UNIT, **case.settings}, start, end)
    events = detected if case.events is None else case.events
    expected = study(judged, events, case.settings)

    found = backtest(request)

    results = json.loads((tmp_path / "results" / "result.json").read_text())
    assert differences("observations", _table(tmp_path, "observations"), expected.observations) == []
    assert differences("cells", _table(tmp_path, "cells"), expected.cells) == []
    assert (results["study"]["null_share_05"], results["study"]["null_tests"]) == (
        expected.null_share_05,
        expected.null_tests,
    )
    for number, strategy in enumerate(strategies):
        traded = trade(judged, events, case.settings, strategy)
        figures = results["strategies"][number]["figures"]
        assert _differences(tmp_path, f"strategy{number}", traded) == []
        assert [name for name, ours in FIGURES.items() if not same(figures[ours], traded.figures[name])] == []

    resumed = replace(request, batch_rows=97, checkpoint=tmp_path / "checkpoint", out=tmp_path / "again")
    control = Control()
    backtest(resumed, control, lambda _: StopAfter(rng.randint(1, 8), control))
    assert backtest(replace(resumed, resume=True)).digest == found.digest


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _part(case: BacktestCase, rng: Random) -> tuple[int | None, int | None]:
    """Return nothing, or a part of the recording's time: rows available in it are used."""
    times = sorted(row.timestamp for row in case.rows if row.timestamp is not None)
    start = times[len(times) // 5] + rng.choice((0, 1)) if rng.random() < 0.3 else None
    return start, times[len(times) * 3 // 4] if rng.random() < 0.3 else None


def _named(number: int, strategy: dict[str, Any]) -> NamedStrategy:
    sections = {key: value for key, value in strategy.items() if key != "name"}
    return NamedStrategy(strategy_of({**sections, "strategy": {**sections["strategy"], "name": f"strategy{number}"}}))


def _table(folder: Path, name: str) -> list[dict[str, Any]]:
    return pq.read_table(folder / "results" / f"{name}.parquet").to_pylist()


def _differences(folder: Path, strategy: str, expected: Traded) -> list[str]:
    found = []
    for name, renamed in TABLES.items():
        ours = [row for row in _table(folder, name) if row["strategy"] == strategy]
        if name == "orders":
            ours.sort(key=itemgetter("order"))
        theirs = [
            {renamed.get(column, column): value for column, value in row.items()} for row in getattr(expected, name)
        ]
        for row in theirs if name == "orders" else ():
            row["reason"] = row["reason"] or None
        found += differences(name, ours, theirs)
    return found

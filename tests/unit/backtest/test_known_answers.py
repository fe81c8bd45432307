"""The event study on a market whose answer is known."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tickstock_cli.backtest.request import BacktestRequest
from tickstock_cli.backtest.run import backtest
from tickstock_cli.synth.options import MarketOptions
from tickstock_cli.synth.writing import TRUTH_NAME, Feed, write_market
from tickstock_cli.testing import settings_of

EDGE = MarketOptions(
    rows=400_000, symbols=40, days=2, seed=4, surges=80, drift_bps=40, opening_surges=0, trends=0, deviations=0, halts=0
)


def test_a_planted_drift_is_found_within_its_interval(tmp_path: Path) -> None:
    """40 basis points in 5 minutes after each surge, also against the next day; a fifth of it in the first minute."""
    market = tmp_path / "market"
    write_market(EDGE, market, frozenset({Feed.TICKS}))
    moves = pl.read_parquet(market / TRUTH_NAME)
    moves.select("ticker", "direction", "kind", time="end").write_parquet(tmp_path / "moments.parquet")

    settings = settings_of({"study.horizons": ("1m", "5m"), "study.latency_ms": 0})
    study = backtest(BacktestRequest([market], settings, events=tmp_path / "moments.parquet")).study.as_dict()

    minute, five = (cell for cell in study["cells"] if cell["direction"] is None)
    assert study["counts"]["observed"] == 160
    assert five["lo"] < 40 < five["hi"]
    assert five["hi"] - five["lo"] < 20
    assert five["excess_lo"] < 40 < five["excess_hi"]
    assert minute["lo"] < 8 < minute["hi"]
    assert five["mean"] == pytest.approx(40, abs=2 * five["se"])

"""Contents of a small report: drawn observations of two kinds, one of them with a hostile name."""

from __future__ import annotations

from functools import cache

import numpy as np

from tests.unit.study.builders import events_of, horizon_of
from tickstock_cli.backtest.price_source import PriceSource
from tickstock_cli.backtest.report.contents import ReportContents
from tickstock_cli.backtest.study_result import StudyResult
from tickstock_cli.build import settings_model
from tickstock_cli.config.analysis import StudySettings
from tickstock_cli.study.breakdowns import horizon_breakdown
from tickstock_cli.study.event_paths import EventCurve
from tickstock_cli.study.observations import STATUSES
from tickstock_cli.study.path_kernels import POINTS
from tickstock_cli.study.tables import study_table
from tickstock_cli.testing.records import MINUTE, new_york

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

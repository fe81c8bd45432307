"""Parts of a study: each observed event is in one half-hour, one ticker and one bin."""

from __future__ import annotations

import numpy as np

from tests.unit.study.builders import KINDS, events_of, horizon_of
from tickstock_cli.study.breakdowns import BINS, MOST_TICKERS, histogram_of, horizon_breakdown
from tickstock_cli.testing.records import MINUTE, new_york

NINE_THIRTY = new_york("2024-06-12", "09:30:00")
TICKERS = [f"T{code:02}" for code in range(20)]


def test_parts_of_a_kind_hold_its_observed_events_once() -> None:
    """Two surges before ten o'clock, one after it; what is not observed is in no part."""
    events = events_of([(2, 1, 0, 3, 7), (2, -1, 0, 4, 7), (2, 1, 1, 3, 7), (2, 1, 0, 5, 7)])
    rows = horizon_of([4.0, 2.0, -3.0, None], minutes=[1, 2, 40, 50])
    decisions = NINE_THIRTY + np.array([1, 2, 40, 50]) * MINUTE
    found = horizon_breakdown(events, decisions, rows, KINDS, TICKERS, "XNYS", thin=2)
    (surge,) = found.kinds
    assert [(start, cell.values["n"], cell.values["mean"]) for start, cell in surge.by_half_hour] == [
        ("09:30", 2, 3.0), ("10:00", 1, -3.0),
    ]  # fmt: skip
    assert [(ticker, cell.values["n"], cell.values["mean"]) for ticker, cell in surge.by_ticker] == [
        ("T03", 2, 0.5), ("T04", 1, 2.0),
    ]  # fmt: skip
    assert surge.others is None
    assert sorted(found.histograms) == [(2, -1, 0), (2, 1, 0), (2, 1, 1)]


def test_tickers_beyond_the_largest_share_one_part() -> None:
    """Thousands of tickers would make no table."""
    events = events_of([(0, 1, 0, code, 7) for code in range(20)] + [(0, 1, 0, 19, 7)])
    returns: list[float | None] = [1.0] * 20
    rows = horizon_of([*returns, 3.0], minutes=[1] * 21)
    decisions = np.full(21, NINE_THIRTY)
    (high,) = horizon_breakdown(events, decisions, rows, KINDS, TICKERS, "XNYS", thin=2).kinds
    assert [ticker for ticker, _ in high.by_ticker] == ["T19", *TICKERS[: MOST_TICKERS - 1]]
    assert high.others is not None
    assert (high.others.values["n"], high.others_tickers) == (20 - MOST_TICKERS, 20 - MOST_TICKERS)


def test_a_histogram_counts_every_return_and_every_placebo() -> None:
    """The outer bins hold what lies beyond a round limit."""
    rng = np.random.default_rng(3)
    returns, placebo = rng.normal(0, 30, 5_000), rng.normal(0, 20, (5_000, 2))
    placebo[rng.random(placebo.shape) < 0.3] = np.nan
    found = histogram_of(returns, placebo)
    assert found.limit_bps == 100.0
    assert sum(found.events) == 5_000
    assert sum(found.placebo) == np.count_nonzero(~np.isnan(placebo))
    assert found.events[-1] == np.count_nonzero(returns > 100)
    assert sum(found.events[1 : 1 + BINS // 2]) == np.count_nonzero((returns >= -100) & (returns < 0))
    assert histogram_of(np.zeros(3), np.empty((3, 0))).events[1 + BINS // 2] == 3

"""Cuts of a run at the times where a study or a simulation decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.differential.backtests import study_of
from tests.oracle.backtest.drawn import BacktestCase
from tickstock_cli.prices.days import TradingDays
from tickstock_cli.prices.timeline import PriceTimeline, Prints
from tickstock_cli.testing import MINUTE, SECOND, Bar, Record, Tick, new_york

LAST_MINUTE = new_york("2024-06-12", "19:59:00")  # 23:59 UTC


def test_a_bar_that_ends_with_the_day_is_seen_by_the_close_however_the_run_is_cut(tmp_path: Path) -> None:
    """Its available time is midnight: the first instant of the next day, and the last of the horizon."""
    prices = (100.0, 101.0, 102.0, 103.0)
    rows: list[Record] = [
        Bar("A", LAST_MINUTE + place * MINUTE, price, price, price, price, 500)
        for place, price in zip((-2, -1, 0, 1), prices, strict=True)
    ]
    event = {"event_id": 1, "emitted_at": LAST_MINUTE - MINUTE - 100_000_000, "ticker": "A", "kind": "surge",
             "source": "ohlcv", "direction": 1, "phase": "regular", "strength": None}  # fmt: skip
    settings = {"session.calendar": "24/7", "study.horizons": ["close"]}
    for batch_rows in (1, 2, 3, 4):
        (row,), _ = study_of(BacktestCase(rows, [event], settings, {}), tmp_path / str(batch_rows), batch_rows)
        assert (row["entry_price"], row["status"]) == (101.0, "observed")
        assert row["return_bps"] == (102.0 - 101.0) / 101.0 * 1e4


def test_a_print_at_midnight_is_of_the_next_day_alone(tmp_path: Path) -> None:
    """Around the clock it comes at the very end of the horizons, and is the first one of another day."""
    midnight = LAST_MINUTE + MINUTE
    prints = ((-60, 100.0), (-59, 100.0), (-1, 101.0), (0, 102.0), (1, 103.0))
    rows: list[Record] = [Tick("A", midnight + seconds * SECOND, price, 100) for seconds, price in prints]
    event = {"event_id": 1, "emitted_at": midnight - 61 * SECOND, "ticker": "A", "kind": "surge", "source": "tick",
             "direction": 1, "phase": "regular", "strength": None}  # fmt: skip
    settings = {"session.calendar": "24/7", "study.horizons": ["1m", "59s", "close"]}
    for batch_rows in (1, 2, 3, 4, 5):
        found, _ = study_of(BacktestCase(rows, [event], settings, {}), tmp_path / str(batch_rows), batch_rows)
        assert [(row["return_bps"], row["mfe_bps"]) for row in found] == [(100.0, 100.0)] * 3


@pytest.mark.parametrize("delay", [SECOND // 5, 90 * SECOND, 400 * SECOND])
def test_a_bar_that_is_received_on_the_next_day_is_entered_however_the_run_is_cut(delay: int, tmp_path: Path) -> None:
    """The bar of 23:59 comes when its day is over: its open is the entry, and nothing that lies behind is seen."""
    rows: list[Record] = []
    for start, price in ((LAST_MINUTE + place * MINUTE, 100.0 + place) for place in range(-2, 5)):
        rows.append(Bar("A", start, price, price, price, price, 500, received_at=start + MINUTE + delay))
    event = {"event_id": 1, "emitted_at": LAST_MINUTE - 100_000_000, "ticker": "A", "kind": "surge",
             "source": "ohlcv", "direction": 1, "phase": "regular", "strength": None}  # fmt: skip
    settings = {"session.calendar": "24/7", "study.horizons": ["1m", "close", "2m"]}
    for batch_rows in (1, 2, 3, 7):
        found, _ = study_of(BacktestCase(rows, [event], settings, {}), tmp_path / str(batch_rows), batch_rows)
        assert [(row["entry_price"], row["return_bps"]) for row in found] == [(100.0, 0.0), (100.0, 0.0), (100.0, None)]
        assert found[2]["status"] == "cut"


def test_a_high_that_rounding_puts_below_its_low_is_a_price_like_others(tmp_path: Path) -> None:
    """The excursions are over highs and lows of adjusted bars, whichever of the two is lower."""
    high = 100.0 * (1 - 9e-10)
    rows: list[Record] = [
        Bar("A", LAST_MINUTE + place * MINUTE, 100.0, high, 100.0, 100.0, 500) for place in range(-30, 1)
    ]
    event = {"event_id": 1, "emitted_at": LAST_MINUTE - 20 * MINUTE, "ticker": "A", "kind": "surge",
             "source": "ohlcv", "direction": 1, "phase": "regular", "strength": None}  # fmt: skip
    settings = {"session.calendar": "24/7", "study.horizons": ["5m", "close"]}
    found, _ = study_of(BacktestCase(rows, [event], settings, {}), tmp_path, 7)
    assert [row["mae_bps"] for row in found] == [(high - 100.0) / 100.0 * 1e4] * 2


def test_bars_that_wait_at_a_checkpoint_open_before_those_behind_it() -> None:
    """A resumed run numbers its rows from 0 again, and bars of one opening are met in the order in which they came."""
    timeline = PriceTimeline(TradingDays("24/7", ("regular",)), is_bars=True, lag_ns=MINUTE)
    state = timeline.state()
    numbers = np.array([7, 9, 40])
    waiting = {name: np.zeros(3, state[f"openings.{name}"].dtype) for name in Prints._fields}
    waiting |= {"number": numbers, "opening": np.full(3, LAST_MINUTE), "time": np.full(3, LAST_MINUTE + MINUTE)}
    timeline.restore({**state, **{f"openings.{name}": values for name, values in waiting.items()}})
    assert timeline.state()["openings.number"].tolist() == [-34, -32, -1]

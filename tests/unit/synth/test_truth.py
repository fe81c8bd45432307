"""What the truth says is in the rows, to be found by plain arithmetic."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import polars as pl
import pytest

from tests.unit.synth.making import SECOND, MadeMarket


def trades(made: MadeMarket, ticker: str, start: int, end: int) -> pl.DataFrame:
    """Return a ticker's unflagged trades of [start, end)."""
    return made.ticks.filter(
        (pl.col("ticker") == ticker)
        & (pl.col("timestamp") >= start)
        & (pl.col("timestamp") < end)
        & (pl.col("flags") == 0)
    )


def test_surges_move_the_price_on_many_times_the_volume(made: MadeMarket) -> None:
    """Each within 20 s, against the five minutes before: at least 0.4 %, and nearly all on three times the volume."""
    surges = [move for move in made.of("surge") if move["rel_volume"] is not None]
    multiples = []
    for move in surges:
        start = move["start"]
        before = trades(made, move["ticker"], start - 300 * SECOND, start)
        during = trades(made, move["ticker"], start, start + 20 * SECOND)
        percent = (during["price"][-1] / before["price"][-1] - 1) * 100 * move["direction"]
        assert percent == pytest.approx(move["magnitude_percent"], abs=0.4)
        multiples.append(15 * float(during["size"].sum()) / float(before["size"].sum()))

    assert len(surges) == 12
    assert sum(multiple >= 3 for multiple in multiples) >= 10


def test_opening_surges_begin_in_the_first_seconds(made: MadeMarket) -> None:
    """Their volume has nothing to be compared with, so their price moves further."""
    opening = [move for move in made.of("surge") if move["rel_volume"] is None]

    assert len(opening) == 3
    assert all(1772461800 < move["start"] // SECOND <= 1772461812 for move in opening)
    assert all(1.8 <= move["magnitude_percent"] <= 3 for move in opening)


def test_trends_drift_steadily(made: MadeMarket) -> None:
    """In every third of their time in their direction, to about the distance the truth tells."""
    for move in made.of("trend"):
        third = (move["end"] - move["start"]) // 3
        times = [move["start"] + third * n for n in range(4)]
        prices = [trades(made, move["ticker"], at - 60 * SECOND, at)["price"][-1] for at in times]
        steps = [(late / early - 1) * 100 * move["direction"] for early, late in pairwise(prices)]
        assert min(steps) > 0
        assert sum(steps) == pytest.approx(move["magnitude_percent"], abs=1)


def test_deviations_hold_fair_values_away_from_the_market(made: MadeMarket) -> None:
    """Every one of the ticker's in that time, sure of itself, at that distance."""
    for move in made.of("fmv"):
        rows = made.fmvs.filter(
            (pl.col("ticker") == move["ticker"]) & pl.col("timestamp").is_between(move["start"], move["end"] - 1)
        )
        percent = (rows["fmv"] / rows["market_price"] - 1) * 100 * move["direction"]
        assert rows.height >= move["rows"]
        assert percent.to_list() == pytest.approx([move["magnitude_percent"]] * rows.height, abs=0.02)
        assert rows["confidence"].min() >= 0.8  # type: ignore[operator]  # a float


def test_halts_stop_trading_and_leave_a_gap(made: MadeMarket) -> None:
    """Not one trade, then a price away from the last one."""
    for move in made.of("halt"):
        before = trades(made, move["ticker"], move["start"] - 300 * SECOND, move["start"])
        after = trades(made, move["ticker"], move["end"], move["end"] + 10 * SECOND)
        during = made.ticks.filter(
            (pl.col("ticker") == move["ticker"]) & pl.col("timestamp").is_between(move["start"], move["end"] - 1)
        )
        gap = (after["price"].median() / before["price"][-1] - 1) * 100 * move["direction"]
        assert during.height == 0
        assert gap == pytest.approx(move["magnitude_percent"], abs=1.5)


def test_the_truth_is_plain_data(made: MadeMarket) -> None:
    """Anything can read it."""
    rows: list[dict[str, Any]] = json.loads(made.truth.write_json())

    assert len(rows) == len(made.market.plan.injections)
    assert {row["kind"] for row in rows} == {"surge", "trend", "fmv", "halt"}
    assert {row["direction"] for row in rows} == {1, -1}

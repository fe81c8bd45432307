"""Markets whose answer is known: a drift after each surge, and nothing at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from tests.unit.synth.making import SECOND, MadeMarket, make_market
from tickstock_cli.errors import UsageError
from tickstock_cli.synth.options import INJECTED, MarketOptions

NOTHING_ELSE: dict[str, Any] = {"trends": 0, "deviations": 0, "halts": 0, "opening_surges": 0, "bad_prints": 0}
MINUTE = 60 * SECOND
OPEN = 1_772_461_800 * SECOND


def drifting(bps: int) -> MadeMarket:
    """Make a market of many surges, each with a drift of ``bps`` basis points over 5 minutes after it."""
    return make_market(MarketOptions(rows=400_000, symbols=40, surges=80, drift_bps=bps, fmv_rows=0, **NOTHING_ELSE))


@pytest.fixture(scope="module")
def drifted() -> MadeMarket:
    """Return a market that drifts on by 40 basis points."""
    return drifting(40)


def returns(made: MadeMarket, start: str, seconds: int) -> pl.Series:
    """Return each surge's return in its direction, bps, from the first trade after ``start`` to the last in time."""
    moments = made.truth.select("ticker", "direction", at=pl.col("end") + (seconds if start == "over" else 0) * SECOND)
    trades = made.ticks.filter(pl.col("flags") == 0).select("ticker", "timestamp", "price").sort("timestamp")
    entry = moments.sort("at").join_asof(trades, left_on="at", right_on="timestamp", by="ticker", strategy="forward")
    entry = entry.with_columns(until=pl.col("timestamp") + seconds * SECOND, paid=pl.col("price")).drop(
        "timestamp", "price"
    )
    leaving = entry.sort("until").join_asof(trades, left_on="until", right_on="timestamp", by="ticker")
    return leaving.select(pl.col("direction") * (pl.col("price") / pl.col("paid") - 1) * 10_000).to_series()


@pytest.mark.filterwarnings("ignore:Sortedness of columns")
def test_prices_drift_on_after_a_surge_by_what_the_truth_says(drifted: MadeMarket) -> None:
    """In the mean of all, within its error; in the five minutes behind the drift there is none."""
    during, behind = returns(drifted, "end", 300), returns(drifted, "over", 300)

    assert drifted.truth["drift_bps"].to_list() == [40.0] * 80
    assert drifted.truth["drift_seconds"].to_list() == [300] * 80
    for found, expected in ((during, 40), (behind, 0)):
        error = float(found.std()) / len(found) ** 0.5  # type: ignore[arg-type]  # a float
        assert error < 5
        assert found.mean() == pytest.approx(expected, abs=3 * error)


def test_a_drift_is_all_that_it_changes(drifted: MadeMarket) -> None:
    """The same trades in a market that drifts back: the prices differ by the drift as far as it has come, no more."""
    back = drifting(-40)
    both = drifted.ticks.with_columns(other=back.ticks["price"])

    assert both.drop("price", "other").equals(back.ticks.drop("price"))
    worst = []
    for move in drifted.truth.to_dicts():
        trades = both.filter((pl.col("ticker") == move["ticker"]) & (pl.col("timestamp") >= move["start"]))
        trades = trades.filter((pl.col("timestamp") < move["end"] + 600 * SECOND) & (pl.col("flags") == 0))
        come = np.clip((trades["timestamp"].to_numpy() - move["end"]) / (300 * SECOND), 0, 1)
        ratio = (trades["price"] / trades["other"]).to_numpy()
        bps = (ratio / ratio[come == 0][-1] - 1) * 10_000 * move["direction"]
        cent = 10_000 * 0.02 / float(trades["price"].min())  # type: ignore[arg-type]  # a float
        worst.append(np.abs(bps - 80 * come)[come > 0].max() - cent)

    assert max(worst) < 3
    assert np.median(worst) < 0


def test_a_market_without_a_drift_says_nothing_of_one(made: MadeMarket) -> None:
    """The truth has the columns it always had."""
    assert "drift_bps" not in made.truth.columns


def test_pure_noise_is_a_random_walk_of_constant_volatility() -> None:
    """No move predicts the next, or one of another ticker; noon is as volatile as the open; nothing is injected."""
    made = make_market(MarketOptions(rows=400_000, symbols=8, days=2, pure_noise=True, fmv_rows=0))
    closes = made.bars.filter((pl.col("timestamp") - OPEN).is_between(0, 389 * MINUTE)).pivot(
        "ticker", index="timestamp", values="close"
    )
    moves = np.diff(np.log(closes.drop("timestamp").drop_nulls().to_numpy()), axis=0)

    assert len(moves) > 350
    one, next_one = moves[:-1], moves[1:]
    assert abs(np.corrcoef(one.ravel(), next_one.ravel())[0, 1]) < 0.06
    between = np.corrcoef(moves.T)[np.triu_indices(8, 1)]
    assert abs(between.mean()) < 0.03
    hours = [float(np.mean(part**2 / moves.var(axis=0))) for part in np.array_split(moves, 6)]
    assert max(hours) / min(hours) < 1.4
    assert made.truth.height == 0
    assert made.ticks["flags"].max() == 0


def test_pure_noise_has_no_room_for_moves() -> None:
    """Two options that contradict each other are an error, not a market of one of them."""
    for name in (*INJECTED, "drift_bps"):
        asked: dict[str, int] = {name: 1}
        with pytest.raises(UsageError, match=f"--pure-noise leaves no room for --{name.replace('_', '-')}; give one"):
            MarketOptions(pure_noise=True, **asked)  # type: ignore[arg-type]  # one of the numbers

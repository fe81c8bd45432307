"""What a reader of tapes would look at first."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from tests.unit.synth.making import SECOND, MadeMarket, make_market
from tickstock_cli.synth.options import MarketOptions


def test_activity_is_zipf_like() -> None:
    """The busiest of 2,000 symbols has over a percent of all trades, the median one a hundredth of that."""
    counts = make_market(MarketOptions(rows=200_000, symbols=2_000)).ticks["ticker"].value_counts(sort=True)["count"]

    assert 0.01 < counts[0] / 200_000 < 0.04
    assert counts[1_000] < counts[0] / 50
    assert len(counts) > 1_900


def test_many_trades_share_their_nanosecond(made: MadeMarket) -> None:
    """Sweeps: 20 to 40 % of trades on real tapes carry the time of the one before."""
    same_time = made.ticks["timestamp"].diff() == 0
    same_ticker = made.ticks["ticker"] == made.ticks["ticker"].shift(1)

    assert 0.15 < (same_time & same_ticker).mean() < 0.4  # type: ignore[operator]  # a float


def test_sizes_are_round_lots_and_odd_lots(made: MadeMarket) -> None:
    """Whole shares, about half of the trades below 100."""
    size = made.ticks["size"]

    assert (size == size.round()).all()
    assert size.min() == 1
    assert 0.35 < (size < 100).mean() < 0.65  # type: ignore[operator]  # a float
    assert (size == 100).mean() > 0.2  # type: ignore[operator]  # a float


def test_fractional_sizes_are_an_option() -> None:
    """Down to a millionth of a share."""
    size = make_market(MarketOptions(rows=20_000, symbols=5, fractional=True)).ticks["size"]

    assert 0.01 < (size != size.round()).mean() < 0.2  # type: ignore[operator]  # a float
    assert size.min() > 0  # type: ignore[operator]  # a float


def test_prices_lie_on_the_grid(made: MadeMarket) -> None:
    """Cents; half-cents below five dollars. Bad prints too."""
    ticks = made.ticks.with_columns(first=pl.col("price").first().over("ticker"))
    dear = ticks.filter(pl.col("first") >= 6)["price"] * 100

    assert (dear - dear.round()).abs().max() == pytest.approx(0, abs=1e-6)


def test_prices_bounce_between_bid_and_ask(made: MadeMarket) -> None:
    """A step is more often taken back than followed by another of its sign."""
    busiest = made.ticks.filter((pl.col("ticker") == made.market.tickers[0]) & (pl.col("flags") == 0))
    steps = busiest["price"].diff().drop_nulls()
    moved = np.sign(steps.filter(steps != 0).to_numpy())

    assert (moved[1:] == -moved[:-1]).mean() > 0.55


def test_symbols_move_together() -> None:
    """Minute closes of busy symbols correlate through market and sectors."""
    made = make_market(MarketOptions(rows=400_000, symbols=8, trends=0, surges=0, halts=0, bad_prints=0))
    closes = (
        made.bars.filter(pl.col("timestamp").is_between(1772461800 * SECOND, 1772485200 * SECOND))
        .pivot("ticker", index="timestamp", values="close")
        .sort("timestamp")
        .drop("timestamp")
        .fill_null(strategy="forward")
        .drop_nulls()
    )
    every_five = np.log(closes.gather_every(5).to_numpy())

    correlation = np.corrcoef(np.diff(every_five, axis=0).T)

    assert np.median(correlation[np.triu_indices(8, 1)]) > 0.15


def test_few_trades_are_flagged_and_fewer_are_bad(made: MadeMarket) -> None:
    """Flagged ones lie near the market, bad prints do not."""
    flagged = made.ticks["flags"] != 0
    level = pl.col("price").rolling_median(11, center=True).over("ticker")
    away = made.ticks.with_columns(away=(pl.col("price") / level - 1).abs())

    assert 0.005 < flagged.mean() < 0.03  # type: ignore[operator]  # a float
    assert away.filter(flagged)["away"].median() < 0.01  # type: ignore[operator]  # a float
    assert 10 <= away.filter(pl.col("away") > 0.1).height <= 60


def test_fair_values_lie_around_the_price(made: MadeMarket) -> None:
    """Apart from the injected ones: within a percent, some without a market price, some not sure of themselves."""
    fmvs = made.fmvs
    deviation = (fmvs["fmv"] / fmvs["market_price"] - 1).abs().filter(fmvs["market_price"].is_not_nan())
    confidence = fmvs["confidence"].drop_nans()

    assert (deviation > 0.01).mean() < 0.02  # type: ignore[operator]  # a float
    assert 0.02 < fmvs["market_price"].is_nan().mean() < 0.2  # type: ignore[operator]  # a float
    assert 0.05 < (confidence < 0.7).mean() < 0.2  # type: ignore[operator]  # a float
    assert confidence.is_between(0.5, 1).all()

"""The rows of a market: the same everywhere, in order, and all there."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.unit.synth.making import SECOND, MadeMarket, content_hash, make_market
from tickstock_cli.core.times import parse_time
from tickstock_cli.synth.book import walk_factors
from tickstock_cli.synth.market import SyntheticMarket
from tickstock_cli.synth.options import MarketOptions, Resolution
from tickstock_cli.synth.rng import stream_key
from tickstock_cli.synth.universe import SECTORS

PINNED = MarketOptions(rows=40_000, symbols=8, seed=2026, first_day=date(2026, 11, 25), days=2, fractional=True)
"""Two days, the second a half-day."""


def test_the_rows_are_those_of_every_other_machine() -> None:
    """The hashes were taken once; they hold wherever integers and correctly rounded divisions do."""
    made = make_market(PINNED)

    hashes = {name: content_hash(getattr(made, name)) for name in ("ticks", "bars", "fmvs", "truth")}
    assert hashes == {
        "ticks": "654bfc78fb2e412438066e571fd30ce72b661b3b34699a8002983aa6bb9bab1c",
        "bars": "d59fe603c8b8546e34c0ddf0c291bc134e6d91d1dcdd37b2470559a562a60136",
        "fmvs": "d985f2ef36ceeb0431db715a1f5faaaa0d2b17217457b898517eb6e5060de875",
        "truth": "623b884c94ff9b0f8da0007646952d755a73660e973b085e1f7f12251022b23a",
    }


@pytest.fixture
def plain_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put plain Python into the place of every kernel but the one whose loop over the whole day takes ten seconds."""
    for module in [module for name, module in sys.modules.items() if name.startswith("tickstock_cli.")]:
        for name, value in vars(module).items():
            if hasattr(value, "py_func") and name != "walk_factors":
                monkeypatch.setattr(module, name, value.py_func)
    with warnings.catch_warnings():  # plain numpy warns of the unsigned overflows that hashing is made of
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def test_compiled_kernels_equal_the_plain_code(request: pytest.FixtureRequest) -> None:
    """Python's own integers against the compiler's: no overflow, no fused or reordered arithmetic."""
    options = MarketOptions(rows=2_000, symbols=3, seed=8, bad_prints=5_000, first_day=date(2026, 11, 27))
    compiled = make_market(options)

    request.getfixturevalue("plain_code")
    plain = make_market(options)

    for name in ("ticks", "bars", "fmvs"):
        assert getattr(plain, name).equals(getattr(compiled, name), null_equal=True)


def test_compiled_moves_of_the_market_equal_the_plain_code(request: pytest.FixtureRequest) -> None:
    """The kernel that the test above leaves out, over a few minutes."""
    keys = np.array([stream_key(8, f"factor {factor}") for factor in range(SECTORS + 1)])
    volatility = np.arange(300, 1_500, 4, dtype=np.int64)
    compiled, plain = (np.zeros((len(volatility), len(keys)), dtype=np.int64) for _ in range(2))
    walk_factors(keys, 86_400, volatility, compiled)

    request.getfixturevalue("plain_code")
    walk_factors.py_func(keys, 86_400, volatility, plain)  # type: ignore[attr-defined]  # of numba's dispatcher

    assert plain.tolist() == compiled.tolist()
    assert len(np.unique(plain)) > len(volatility)


@pytest.mark.parametrize(("rows", "most_rows"), [(1_500, 1), (30_000, 97), (30_000, 1_009)])
def test_portions_of_any_size_hold_the_same_rows(rows: int, most_rows: int) -> None:
    """How the work is cut is nobody's business."""
    options = MarketOptions(rows=rows, symbols=6, seed=3)

    whole, cut = make_market(options), make_market(options, most_rows)

    for name in ("ticks", "bars", "fmvs"):
        assert getattr(cut, name).equals(getattr(whole, name), null_equal=True)


def test_a_market_can_be_read_twice() -> None:
    """Reading leaves the plan as it was, also over a night."""
    market = SyntheticMarket(MarketOptions(rows=2_000, symbols=5, days=2))

    first, second = (np.concatenate([portion.ticks.price for portion in market.portions()]) for _ in range(2))

    assert first.tolist() == second.tolist()


@pytest.mark.parametrize("rows", [1, 999, 50_000])
def test_there_are_exactly_as_many_ticks_as_were_asked_for(rows: int) -> None:
    """Injected ones included."""
    assert make_market(MarketOptions(rows=rows, symbols=30)).ticks.height == rows


def test_ticks_and_fair_values_are_in_time_order_and_within_the_session(made: MadeMarket) -> None:
    """From 04:00 to 20:00 in New York."""
    for table in (made.ticks, made.fmvs):
        times = table["timestamp"]
        assert times.is_sorted()
        assert times[0] >= parse_time("2026-03-02T04:00-05:00")
        assert times[-1] < parse_time("2026-03-02T20:00-05:00")


def test_a_resolution_of_milliseconds_leaves_whole_ones() -> None:
    """And many ties."""
    times = make_market(MarketOptions(rows=20_000, symbols=5, resolution=Resolution.MS)).ticks["timestamp"]

    assert (times % 1_000_000 == 0).all()
    assert times.is_sorted()


def test_bars_are_aggregates_of_the_ticks(made: MadeMarket) -> None:
    """Prices of unflagged trades, volume of all but those flagged 2; no trade, no bar."""
    priced = pl.col("flags") & 5 == 0
    counted = pl.col("flags") & 2 == 0
    expected = (
        made.ticks.group_by(pl.col("ticker"), timestamp=pl.col("timestamp") // (60 * SECOND) * (60 * SECOND))
        .agg(
            open=pl.col("price").filter(priced).first(),
            high=pl.col("price").filter(priced).max(),
            low=pl.col("price").filter(priced).min(),
            close=pl.col("price").filter(priced).last(),
            volume=pl.col("size").filter(counted).sum(),
            transactions=counted.sum().cast(pl.Int64),
        )
        .drop_nulls("open")
        .sort("timestamp", "ticker")
    )

    assert made.bars.select(expected.columns).sort("timestamp", "ticker").equals(expected)
    assert made.bars["timestamp"].is_sorted()
    assert (made.bars["vwap"].is_nan() | made.bars["vwap"].is_between(made.bars["low"], made.bars["high"])).all()


def test_feeds_do_not_change_one_another() -> None:
    """More fair values, the same ticks."""
    few, many = (make_market(MarketOptions(rows=5_000, symbols=9, deviations=0, fmv_rows=rows)) for rows in (0, 3_000))

    assert few.ticks.equals(many.ticks)
    assert few.fmvs.height == 0
    assert many.fmvs.height == 3_000


def test_prices_stay_plausible_over_days() -> None:
    """Nights pass, nothing falls to zero or runs away."""
    ticks = make_market(MarketOptions(rows=20_000, symbols=40, days=8, bad_prints=0)).ticks

    ratio = ticks.group_by("ticker").agg(pl.col("price").max() / pl.col("price").min())["price"]
    assert ticks["price"].min() > 0  # type: ignore[operator]  # a float
    assert ratio.max() < 3  # type: ignore[operator]  # a float

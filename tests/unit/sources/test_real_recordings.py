"""Real trades, bars and mids of one day, if the machine has them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tickstock_cli.core.batch import MICROS_PER_SHARE
from tickstock_cli.sources.recordings import Recordings


def test_all_of_them_merge_into_one_day(real_recordings: Path) -> None:
    """Types are recognised from the columns alone; every row comes once, in the order of available times."""
    with Recordings.open([real_recordings]) as recordings:
        assert [file.record for file in recordings.files] == ["tick", "tick", "ohlcv", "ohlcv", "fmv"]
        assert recordings.rows == 33_381 + 125_872 + 6_826 + 2_254 + 20_431
        steps = list(recordings.batches(10_000))
        assert sum(map(len, steps)) == recordings.rows
        assert [step.watermark for step in steps] == sorted(step.watermark for step in steps)
        assert set(recordings.symbols.tickers) == {"IBM", "BAC", "AIG", "SPY"}
        assert steps[-1].positions == tuple(file.rows for file in recordings.files)
        assert recordings.span is not None
        assert steps[-1].watermark == recordings.span[1]


def test_prices_and_volumes_are_those_that_polars_reads(real_recordings: Path) -> None:
    """A second reader agrees to the last digit."""
    path = real_recordings / "trades_BAC_2013-10-08.parquet"
    expected = pl.read_parquet(path)
    with Recordings.open([path]) as recordings:
        steps = list(recordings.batches(7_777))
    assert [price for step in steps for price in step.ticks.price.tolist()] == expected["price"].to_list()
    assert sum(int(step.ticks.size.sum()) for step in steps) == expected["size"].sum() * MICROS_PER_SHARE

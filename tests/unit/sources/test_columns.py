"""Every physical type a recording may have arrives as the same plain numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickstock_cli.core.batch import DTYPES, BarBatch, FmvBatch, TickBatch
from tickstock_cli.errors import DataError
from tickstock_cli.sources.plain_numbers import shares
from tickstock_cli.sources.recordings import ReadOptions, Recordings

NOON = 1_381_248_000_000_000_000
SECOND = 1_000_000_000
Write = Callable[..., Path]


def read(path: Path, options: ReadOptions | None = None) -> tuple[TickBatch, BarBatch, FmvBatch]:
    """Read a recording of one step."""
    with Recordings.open([path], options) as recordings:
        (step,) = recordings.batches(1_000)
    return step.ticks, step.bars, step.fmvs


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "America/New_York"])
def test_datetimes_of_any_unit_and_zone_are_utc_nanoseconds(write: Write, unit: Any, zone: str | None) -> None:
    """A zone only says how to show a time; without one it is UTC."""
    step = {"s": SECOND, "ms": 1_000_000, "us": 1_000, "ns": 1}[unit]
    column = pa.array([NOON // step, (NOON + SECOND) // step], pa.timestamp(unit, zone))
    ticks, _, _ = read(write(timestamp=column))
    assert ticks.timestamp.tolist() == ticks.available_at.tolist() == [NOON, NOON + SECOND]


@pytest.mark.parametrize(("unit", "step"), [("s", SECOND), ("ms", 1_000_000), ("us", 1_000), ("ns", 1)])
def test_integer_times_tell_their_unit_and_the_guess_is_kept(write: Write, unit: str, step: int) -> None:
    """The median of the first rows decides, so that a bad first row does not."""
    path = write(timestamp=[0, NOON // step], size=[1, 1])
    with Recordings.open([path]) as recordings:
        (guess,) = recordings.files[0].guesses
        (batch,) = recordings.batches(10)
    assert (guess.what, guess.value) == ("unit of timestamp", unit)
    assert batch.ticks.timestamp.tolist() == [0, NOON]


def test_a_unit_that_is_given_is_not_guessed(write: Write) -> None:
    """Times near 1970 would be taken for seconds."""
    with Recordings.open([write(timestamp=[5, 6])], ReadOptions(timestamp_unit="ns")) as recordings:
        (batch,) = recordings.batches(10)
        assert recordings.files[0].guesses == ()
    assert batch.ticks.timestamp.tolist() == [5, 6]


def test_null_and_unrepresentable_times_are_zero_and_keep_their_place(write: Write) -> None:
    """They count as available with the latest row before them, or with the first that has a time."""
    far = 2**62 // 1_000  # in ms: the year 148,108,070
    stamps = pa.array([None, NOON // 1_000_000, far, None, NOON // 1_000_000 + 1], pa.timestamp("ms"))
    columns = {"ticker": ["A"] * 5, "price": [1.0] * 5, "size": [1] * 5}
    ticks, _, _ = read(write(timestamp=stamps, **columns))
    assert ticks.timestamp.tolist() == [0, NOON, 0, 0, NOON + 1_000_000]
    assert ticks.available_at.tolist() == [NOON, NOON, NOON, NOON, NOON + 1_000_000]


def test_received_at_is_the_available_time_unless_null(write: Write) -> None:
    """A live recorder's clock decides when a row could be known."""
    ticks, _, _ = read(write(received_at=pa.array([NOON + 7, None], pa.int64())))
    assert ticks.available_at.tolist() == [NOON + 7, NOON + SECOND]


@pytest.mark.parametrize(
    "type_",
    [
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.dictionary(pa.int8(), pa.string()),
        pa.dictionary(pa.uint32(), pa.large_string()),
    ],
)
def test_tickers_of_any_text_type_become_codes(write: Write, type_: pa.DataType) -> None:
    """Null and empty tickers are -1; the others are numbered as they appear."""
    tickers = pa.array(["IBM", None, "", "BAC", "IBM"], pa.string())
    column = tickers.dictionary_encode().cast(type_) if pa.types.is_dictionary(type_) else tickers.cast(type_)
    path = write(ticker=column, timestamp=[NOON] * 5, price=[1.0] * 5, size=[1] * 5)
    with Recordings.open([path]) as recordings:
        (batch,) = recordings.batches(10)
        codes = batch.ticks.code.tolist()
        tickers_back = [recordings.symbols.tickers[code] if code >= 0 else None for code in codes]
    assert tickers_back == ["IBM", None, None, "BAC", "IBM"]


def test_polars_categoricals_and_enums_are_tickers_too(tmp_path: Path) -> None:
    """They are dictionaries of other index types."""
    for place, type_ in enumerate((pl.Categorical(), pl.Enum(["IBM", "BAC"]))):
        ticker = pl.Series(["BAC", "IBM"], dtype=type_)
        ticks = pl.DataFrame({"ticker": ticker, "timestamp": [NOON, NOON], "price": [1.0, 2.0], "size": [1, 2]})
        ticks.write_parquet(tmp_path / f"{place}.parquet")
        with Recordings.open([tmp_path / f"{place}.parquet"]) as recordings:
            (batch,) = recordings.batches(10)
            assert [recordings.symbols.tickers[code] for code in batch.ticks.code] == ["BAC", "IBM"]


@pytest.mark.parametrize(
    "type_", [pa.float64(), pa.float32(), pa.float16(), pa.int32(), pa.uint64(), pa.decimal128(30, 2)]
)
def test_numbers_of_any_type_are_read(write: Write, type_: pa.DataType) -> None:
    """Prices become float64, sizes millionths of shares; null is NaN and -1."""
    column = pa.array([2, None], pa.int64()).cast(type_, safe=False)
    ticks, _, _ = read(write(price=column, size=column))
    assert ticks.price[0] == 2.0
    assert math.isnan(ticks.price[1])
    assert ticks.size.tolist() == [2_000_000, -1]


def test_a_column_of_nulls_alone_is_read_as_what_it_should_be(write: Write) -> None:
    """Writers that never saw a value cannot know its type."""
    ticks, _, _ = read(write(ticker=pa.nulls(2), price=pa.nulls(2), size=pa.nulls(2), flags=pa.nulls(2)))
    assert ticks.code.tolist() == ticks.size.tolist() == [-1, -1]
    assert np.isnan(ticks.price).all()
    assert ticks.flags.tolist() == [0, 0]


def test_sizes_round_half_to_even_once() -> None:
    """Half a millionth goes to the even neighbour; what is no size is -1."""
    bad = [None, math.nan, -0.5, math.inf, 1.1e11]
    column = pa.array([0.0000005, 0.0000015, 1e11, *bad], pa.float64())
    assert shares(column).tolist() == [0, 2, 10**17, -1, -1, -1, -1, -1]
    assert shares(pa.array([10**11, 10**11 + 1, -1, None], pa.int64())).tolist() == [10**17, -1, -1, -1]


@given(st.decimals(0, 10**9, places=6))
def test_every_size_of_six_decimals_is_exact(size: Decimal) -> None:
    """Fractional shares as vendors write them lose nothing on the way."""
    assert shares(pa.array([float(size)]))[0] == int(Fraction(size) * 10**6)


def test_bars_are_available_at_their_end(write_bars: Write) -> None:
    """Their own interval counts, else the one given, else a minute."""
    _, bars, _ = read(write_bars(interval=pa.array([30, None], pa.int32())))
    assert bars.interval.tolist() == [30 * SECOND, 60 * SECOND]
    assert bars.available_at.tolist() == [NOON + 30 * SECOND, NOON + 120 * SECOND]
    _, bars, _ = read(write_bars(), ReadOptions(interval_seconds=1))
    assert bars.interval.tolist() == [SECOND, SECOND]
    assert np.isnan(bars.avg_volume).all()
    assert np.isnan(bars.percent_change).all()


@pytest.mark.parametrize("interval", [0, -60, math.inf])
def test_the_error_of_an_interval_has_file_row_and_value(write_bars: Write, interval: float) -> None:
    """A bar cannot end before it begins."""
    path = write_bars(interval=[60.0, interval])
    with pytest.raises(DataError, match=rf"bars\.parquet: row 1: interval is {float(interval)} s"):
        read(path)


def test_market_prices_tell_null_from_bad(write_fmvs: Write) -> None:
    """Null is filled in by the pipeline, a bad value is rejected."""
    _, _, fmvs = read(write_fmvs(market_price=[None, -5.0], confidence=pa.array([None, math.nan], pa.float64())))
    assert math.isnan(fmvs.market_price[0])
    assert fmvs.market_price[1] == -1.0
    assert fmvs.confidence[0] == 1.0
    assert math.isnan(fmvs.confidence[1])
    _, _, fmvs = read(write_fmvs(market_price=[0, 181]))
    assert fmvs.market_price.tolist() == [-1.0, 181.0]
    assert fmvs.confidence.tolist() == [1.0, 1.0]


def test_every_array_has_its_dtype_and_nobody_can_write_into_it(
    write: Write, write_bars: Write, write_fmvs: Write
) -> None:
    """Kernels see one type of array, whatever way it came."""
    with Recordings.open([write(flags=pa.array([4, None])), write_bars(), write_fmvs()]) as recordings:
        (step,) = recordings.batches(10)
    assert step.ticks.flags.tolist() == [4, 0]
    for batch in (step.ticks, step.bars, step.fmvs):
        for name in type(batch).__dataclass_fields__:
            column = getattr(batch, name)
            assert column.dtype == DTYPES[name], name
            assert column.flags.c_contiguous, name
            assert column.flags.aligned, name
            assert not column.flags.writeable, name

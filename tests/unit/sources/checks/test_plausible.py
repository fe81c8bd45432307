"""Prices and sizes beyond anything plausible."""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import NOON, Write
from tickstock_cli.sources.options import ReadOptions
from tickstock_cli.sources.recordings import Recordings


def prices(path: Path, **scale: float) -> list[float]:
    """Return the prices of ticks that a run gets."""
    with Recordings.open([path], ReadOptions(scale=scale)) as recordings:
        return [price for step in recordings.batches(10) for price in step.ticks.price.tolist()]


@pytest.mark.parametrize(
    ("factor", "told"),
    [(0.01, "=0.01,"), (1e-4, "=0.0001,"), (1e-6, "=1e-6,"), (1e-8, "=1e-8,"), (1e-9, "=1e-9,")],
)
@pytest.mark.parametrize("statistics", [True, False])
def test_prices_in_fixed_point_are_told_and_mended(write: Write, factor: float, told: str, statistics: bool) -> None:
    """The mended prices are the nearest doubles, as those of a file of floats."""
    whole = [round(price / factor) for price in (181.13, 180.99)]
    path = write(price=whole, statistics=statistics)
    assert f"recordings.scale.price{told} which makes them about 181.06 (1 confirms them)" in noted(path)
    assert prices(path, price=factor) == [181.13, 180.99]
    assert noted(path, scale={"price": factor}) == ""


@pytest.mark.parametrize("type_", [pa.float64(), pa.float32(), pa.decimal128(20, 2), pa.uint64()])
def test_prices_of_any_type_are_looked_at(write: Write, type_: pa.DataType) -> None:
    """Ten-thousandths in a column of floats or decimals, too."""
    path = write(price=pa.array([Decimal(1_811_300), Decimal(1_809_900)]).cast(type_))
    assert "recordings.scale.price=0.0001, which makes them about 181.06" in noted(path)


def test_floats_without_any_fraction_are_fixed_point(write: Write) -> None:
    """A program that reads ten-thousandths into floats leaves them whole; a dear share has cents."""
    assert "recordings.scale.price=0.0001, which makes them about 18.135" in noted(write(price=[181_300.0, 181_400.0]))
    assert noted(write(price=[612_345.5, 612_346.0])) == ""


@pytest.mark.parametrize("values", [[180.0, 0.0004], [700_000.5, 710_000.0], [180, 181], [0.0, -1.0]])
def test_prices_of_markets_are_not_mentioned(write: Write, values: list[float]) -> None:
    """From fractions of a cent to the dearest share."""
    assert noted(write(price=values)) == ""


def test_a_single_price_beyond_reason_is_told(write: Write) -> None:
    """It is no fixed point, but worth a word."""
    values = [180.0, 181.0, 9e9]
    path = write(ticker=["A"] * 3, timestamp=[NOON, NOON + 1, NOON + 2], price=values, size=[1] * 3)
    assert "some prices are beyond 1,000,000" in noted(path)
    path = write(price=[1e-9, 2e-9])
    assert "scales them up" in noted(path)


def test_all_prices_of_a_bar_are_scaled_alike(write_bars: Write) -> None:
    """One factor for all columns of prices, unless a column has its own."""
    path = write_bars(**{name: [1_800_100, 1_810_200] for name in ("open", "high", "low", "close")})
    assert "recordings.scale.price=0.0001, which" in noted(path)
    with Recordings.open([path], ReadOptions(scale={"price": 1e-4, "low": 1e-5})) as recordings:
        (step,) = recordings.batches(10)
    assert step.bars.high.tolist() == [180.01, 181.02]
    assert step.bars.low.tolist() == [18.001, 18.102]


def test_sizes_in_fixed_point_are_told_and_mended(write: Write) -> None:
    """Sizes in hundred-millionths, as some vendors of crypto have them."""
    path = write(size=[150_000_000, 10_000_000_000])
    assert "--set recordings.scale.size=1e-8" in noted(path)
    with Recordings.open([path], ReadOptions(scale={"size": 1e-8})) as recordings:
        (step,) = recordings.batches(10)
    assert step.ticks.size.tolist() == [1_500_000, 100_000_000]
    assert "kept in millionths" in noted(write(size=[1e-7, 2e-7]))


def test_halves_are_looked_at(write: Write) -> None:
    """Their bounds in a footer are two bytes, above 0 and below."""
    halves = pa.array([180.0, 181.0], pa.float16())
    path = write(price=halves)
    assert prices(path) == [180.0, 181.0]
    assert noted(path) == "prices are floats of 16 bits, which hold three digits: write 64 bits"
    assert noted(write(size=pa.array([100.0, 0.0], pa.float16()))) == ""


def test_bars_without_any_volume_are_told(write_bars: Write) -> None:
    """MetaTrader's `real_volume` is 0 for most brokers, and such bars never pass the filter of volume."""
    path = write_bars(volume=[0, 0], tick_volume=[100, 200])
    assert "every volume is 0" in noted(path)
    assert "--map volume=tick_volume reads another column" in noted(path)
    assert noted(path, columns={"volume": "tick_volume"}) == ""
    assert noted(write_bars(volume=[0, 1])) == ""


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        ([185.21, 9999.99], "some prices are 9999.99, far above the others"),
        ([185.21, 999999.0], "some prices are 999999, far above"),
        ([5_000.5, 9999.99], ""),
        ([185.21, 99.99], ""),
    ],
)
def test_nines_among_prices_are_told(write: Write, prices: list[float], told: str) -> None:
    """Programs write them where there is no price."""
    rows = {"ticker": ["IBM"] * 4, "timestamp": [NOON] * 4, "size": [1] * 4, "price": [prices[0]] * 3 + prices[1:]}
    found = noted(write(**rows))
    assert told in found if told else found == ""


@pytest.mark.parametrize("type_", [pa.int64(), pa.uint64()])
def test_the_largest_integer_is_no_price(write: Write, type_: Any) -> None:
    """Databento and others write it for null; as a number it would be nine billion dollars."""
    largest = 2 ** (63 if type_ == pa.int64() else 64) - 1
    path = write(price=pa.array([185_210_000_000, largest], type_))
    with Recordings.open([path], ReadOptions(scale={"price": 1e-9})) as recordings:
        (step,) = recordings.batches(10)
    assert step.ticks.price[0] == 185.21
    assert math.isnan(step.ticks.price[1])

"""Prices of several kinds in one recording."""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.unit.sources.checks.noted import noted
from tests.unit.sources.conftest import Write


def test_prices_that_are_scaled_without_need_are_told(write: Write) -> None:
    """The factor is meant for other files: these prices would be hundredths of a cent."""
    path = write(price=[180.25, 181.0])
    assert "prices have fractions, such as 180.25, and are scaled by 0.0001" in noted(path, scale={"price": 1e-4})
    assert noted(path, scale={"price": 0.01}) == ""  # as those of pence
    assert noted(write(price=[1_802_500, 1_810_000]), scale={"price": 1e-4}) == ""


def test_bars_are_looked_at_too(write_bars: Write) -> None:
    """By their close."""
    assert "prices have fractions" in noted(write_bars(close=[180.5, 181.0]), scale={"price": 1e-9})


@pytest.mark.parametrize(
    ("market_price", "told"), [([1_802_500, 1_810_000], "0.0001"), ([180_000_000_000, 181_010_000_000], "1e-9")]
)
def test_market_prices_of_another_size_are_told(write_fmvs: Write, market_price: list[int], told: str) -> None:
    """Fair values would deviate from them by as much."""
    path = write_fmvs(market_price=market_price)
    assert f"--set recordings.scale.market_price={told} (1 confirms it)" in noted(path)
    assert f"market_price is about {1 / float(told):,.0f} times fmv" in noted(path)
    assert noted(path, scale={"market_price": float(told)}) == ""


@pytest.mark.parametrize("market_price", [[180.0, 182.0], [None, None], [0.0, 181.0], [150.0, 250.0]])
def test_market_prices_that_differ_a_little_are_not(write_fmvs: Write, market_price: list[float | None]) -> None:
    """That they differ is what a fair value is for."""
    assert noted(write_fmvs(market_price=pa.array(market_price, pa.float64()))) == ""


def test_both_are_scaled_alike(write_fmvs: Write) -> None:
    """By the factor of prices."""
    path = write_fmvs(fmv=[1_802_500, 1_810_000], market_price=[1_802_600, 1_810_000])
    assert noted(path, scale={"price": 1e-4}) == ""


@pytest.mark.parametrize(
    ("type_", "values", "told"),
    [
        (pa.float16(), [180.0, 181.0], "16 bits, which hold three digits"),
        (pa.float32(), [180.0, 612_345.5], "32 bits, which hold no cents beyond 65,536"),
        (pa.float32(), [180.0, 181.0], None),
        (pa.float64(), [180.0, 612_345.5], None),
    ],
)
def test_floats_that_lose_cents_are_told(
    write: Write, type_: pa.DataType, values: list[float], told: str | None
) -> None:
    """A price of 180.13 is 180.125 in half precision."""
    found = noted(write(price=pa.array(values, type_)))
    assert (told or "") in found
    assert bool(found) is (told is not None)

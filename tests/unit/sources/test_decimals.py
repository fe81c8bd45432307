"""Decimals become the nearest doubles."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.sources.conftest import Write
from tickstock_cli.sources.plain_numbers import real, scaled, shares
from tickstock_cli.sources.recordings import Recordings

EXACT = Context(prec=100)


@st.composite
def columns(draw: st.DrawFn) -> tuple[pa.Array[pa.Scalar[pa.DataType]], list[Decimal | None]]:
    """Draw a column of decimals of any width and scale, with nulls."""
    kind: Any
    kind, digits = draw(
        st.sampled_from([(pa.decimal32, 9), (pa.decimal64, 18), (pa.decimal128, 38), (pa.decimal256, 76)])
    )
    scale = draw(st.integers(-10, digits))
    whole = st.integers(-(10**digits) + 1, 10**digits - 1) | st.integers(-(2**54), 2**54).map(
        lambda number: number % 10**digits
    )
    drawn = draw(st.lists(st.none() | whole, max_size=20))
    values = [None if number is None else Decimal(number).scaleb(-scale, EXACT) for number in drawn]
    integers: list[Any] = [None if number is None else Decimal(number) for number in drawn]
    whole_numbers = pa.array(integers, kind(digits, 0))
    # Of the same integers: pyarrow makes no decimals of a negative scale.
    return pa.Array.from_buffers(kind(digits, scale), len(drawn), whole_numbers.buffers()), values


@given(columns(), st.integers(0, 5))
def test_every_decimal_is_the_nearest_double(
    drawn: tuple[pa.Array[pa.Scalar[pa.DataType]], list[Decimal | None]], skipped: int
) -> None:
    """Of any width, scale and sign, behind any offset: what `float` makes of it."""
    array, values = drawn
    expected = [-1.0 if value is None else float(value) for value in values][skipped:]
    assert real(array.slice(skipped), -1.0).tolist() == expected


def test_decimals_in_a_dictionary_are_read() -> None:
    """Some writers encode them so."""
    prices = pa.array([Decimal("11.40"), Decimal("12.54"), Decimal("11.40")], pa.decimal128(9, 2))
    assert real(prices.dictionary_encode(), np.nan).tolist() == [11.40, 12.54, 11.40]


@pytest.mark.parametrize("type_", [pa.decimal64(18, 4), pa.decimal128(12, 2), pa.decimal256(40, 30)])
def test_prices_and_sizes_are_those_of_a_file_of_floats(write: Write, type_: pa.DataType) -> None:
    """Whatever type they are stored as."""
    prices, sizes = (
        pa.array([Decimal("11.40"), Decimal("12.54")], type_),
        pa.array([Decimal("0.29"), Decimal(3)], type_),
    )
    with Recordings.open([write(price=prices, size=sizes)]) as recordings:
        (step,) = recordings.batches(10)
    assert step.ticks.price.tolist() == [11.40, 12.54]
    assert step.ticks.size.tolist() == shares(pa.array([0.29, 3.0])).tolist()


@given(st.lists(st.integers(0, 2**53)), st.integers(1, 9))
def test_whole_numbers_that_are_scaled_down_are_decimals(numbers: list[int], power: int) -> None:
    """A factor of 1e-4 makes the nearest double of a number of ten-thousandths."""
    found = scaled(np.array(numbers, dtype=np.float64), float(f"1e-{power}")).tolist()
    assert found == [float(Decimal(number).scaleb(-power, EXACT)) for number in numbers]

"""Converts Arrow columns to plain numbers, without the GIL.

Columns that need no change are views of Arrow's buffers. All returned arrays are read-only, views or not, so that
kernels compile for one type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from tickstock_cli.core.arrow_arrays import Bools as Bools
from tickstock_cli.core.arrow_arrays import frozen as frozen
from tickstock_cli.core.arrow_arrays import valid as valid
from tickstock_cli.core.arrow_arrays import values as values
from tickstock_cli.core.batch import MAX_SHARES, Float64s, Int64s
from tickstock_cli.kernels import normalise
from tickstock_cli.sources.decimals import LARGEST_EXACT_POWER, doubles

_NONE = 2.0**63
"""What the largest integer of 64 bits, with or without a sign, is as a double, at least."""


def whole(array: pa.Array[Any], null: int) -> Int64s:
    """Return an integer column as int64; values above its range become negative."""
    return values(array if pt.is_int64(array.type) else pc.cast(array, pa.int64(), safe=False), np.int64, null)


def real(array: pa.Array[Any], null: float) -> Float64s:
    """Return a column of numbers as float64; decimals become the nearest double."""
    if isinstance(array, pa.DictionaryArray):
        array = array.dictionary_decode()
    if pt.is_decimal(array.type):
        numbers = doubles(array)
        if array.null_count:
            numbers[~valid(array)] = null
        return frozen(numbers)
    numbers = values(array if pt.is_float64(array.type) else pc.cast(array, pa.float64(), safe=False), np.float64, null)
    return _without_largest(numbers) if pt.is_int64(array.type) or pt.is_uint64(array.type) else numbers


def _without_largest(numbers: Float64s) -> Float64s:
    """Return numbers with NaN for the largest of 64 bits, which stands for none where prices are integers."""
    is_none = np.abs(numbers) >= _NONE
    return frozen(np.where(is_none, np.nan, numbers)) if is_none.any() else numbers


def shares(array: pa.Array[Any], factor: float = 1.0) -> Int64s:
    """Return a column of sizes, times ``factor``, in units of 1e-6 shares; -1 where unusable."""
    out = np.empty(len(array), dtype=np.int64)
    if pt.is_integer(array.type) and factor == 1.0:
        normalise.whole_shares(whole(array, -1), MAX_SHARES, out)
    else:
        normalise.fractional_shares(scaled(real(array, -1.0), factor), MAX_SHARES, out)
    return frozen(out)


def scaled(numbers: Float64s, factor: float) -> Float64s:
    """Return numbers times a factor.

    A factor of 1e-4 divides by 10,000, which is exact and not: so whole numbers of ten-thousandths become the nearest
    double, as if the column held decimals.
    """
    if factor == 1.0:
        return numbers
    power = round(-float(np.log10(factor)))
    if 0 < power <= LARGEST_EXACT_POWER and factor == float(f"1e-{power}"):
        return frozen(numbers / 10.0**power)
    return frozen(numbers * factor)

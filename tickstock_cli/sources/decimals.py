"""Converts columns of decimals to the nearest doubles, as `float(Decimal)` does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tickstock_cli.core.batch import Float64s, Int64s
from tickstock_cli.kernels import normalise

LARGEST_EXACT_POWER = 22
"""Powers of ten up to this one are doubles; a double divided by such a power is rounded once."""


def doubles(array: pa.Array[Any]) -> Float64s:
    """Return decimals of any width and scale as float64; what stands for nulls is undefined.

    An integer below 2**53 is a double. Divided by a power of ten that is a double, too, it is rounded once, to the
    nearest double. Other values are read from their digits, which is exact and slow.
    """
    type_: Any = array.type
    out = np.empty(len(array), dtype=np.float64)
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        out.fill(np.nan)
        return out
    if abs(type_.scale) > LARGEST_EXACT_POWER:
        inexact: Int64s = np.arange(len(array))
    else:
        width = type_.byte_width
        stride = max(1, width // 8)
        stored = np.frombuffer(memoryview(buffer), dtype=np.int32 if width == 4 else np.int64)
        words: Int64s = stored[array.offset * stride : (array.offset + len(array)) * stride].astype(
            np.int64, copy=False
        )
        words.flags.writeable = False
        power = 10.0 ** abs(type_.scale)
        count = normalise.decimal_doubles(words, stride, power, type_.scale < 0, out)
        inexact = np.flatnonzero(np.isnan(out)) if count else np.empty(0, dtype=np.int64)
    if len(inexact):
        out[inexact] = _from_digits(array.take(inexact))
    return out


def _from_digits(array: Any) -> Float64s:
    numbers: Float64s = pc.cast(pc.cast(array, pa.string()), pa.float64()).to_numpy(zero_copy_only=False)
    return numbers
